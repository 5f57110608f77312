import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Page } from "../../ui/page.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Tabs } from "../../ui/tabs.tsx";
import { Files } from "./files.tsx";
import { policyFilesQuery } from "./policy-queries.ts";
import { TryCall } from "./try-call.tsx";

/** The policy: its files with what is wrong in them, and what it would say to a call. */
export function PolicyPage() {
  const { view } = useSearch({ from: "/policy" });
  const navigate = useNavigate({ from: "/policy" });
  return (
    <Page title="Policy">
      <Tabs
        label="About the policy"
        tabs={[
          { id: "files", name: "Files", content: <FilesTab /> },
          { id: "try", name: "Try a call", content: <TryCall /> },
        ]}
        value={view === "try" ? "try" : "files"}
        onChange={(id) => void navigate({ search: (before: object) => ({ ...before, view: id }), hash: "", replace: true })}
      />
    </Page>
  );
}

function FilesTab() {
  const { data, error, refetch } = useQuery(policyFilesQuery);
  if (error !== null) return <ProblemNote error={error} onRetry={() => void refetch()} />;
  return data === undefined ? <Skeleton lines={8} /> : <Files of={data} />;
}
