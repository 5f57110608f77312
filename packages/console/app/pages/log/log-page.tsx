import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMe } from "../../api/queries.ts";
import { useTenant } from "../../shell/tenant.ts";
import { Page } from "../../ui/page.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Tabs } from "../../ui/tabs.tsx";
import { LogProof } from "./log-proof.tsx";
import { LogQuery } from "./log-query.tsx";
import { LogRecords } from "./log-records.tsx";
import { LogStanding } from "./log-standing.tsx";

const TABS = ["records", "find", "proof", "standing"] as const;

/** The logs: their records, what proves them, and whether they can be written and others keep them too. */
export function LogPage() {
  const search = useSearch({ from: "/log" });
  const navigate = useNavigate({ from: "/log" });
  const chosen = useTenant();
  const me = useMe();
  if (me === undefined)
    return (
      <Page title="Log">
        <Skeleton />
      </Page>
    );
  const tenants = chosen === undefined ? me.tenants : [chosen];
  return (
    <Page title="Log">
      <Tabs
        label="Parts of the log"
        value={TABS.find((each) => each === search.tab) ?? "records"}
        onChange={(next) => void navigate({ search: { ...search, tab: next } })}
        tabs={[
          { id: "records", name: "Records in order", content: <LogRecords tenants={tenants} /> },
          { id: "find", name: "Find", content: <LogQuery tenants={tenants} /> },
          { id: "proof", name: "Checkpoints and proof", content: <LogProof tenants={tenants} /> },
          { id: "standing", name: "Witnesses, exports, outages", content: <LogStanding tenant={chosen} /> },
        ]}
      />
    </Page>
  );
}
