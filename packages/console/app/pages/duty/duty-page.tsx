import { useNavigate, useSearch } from "@tanstack/react-router";
import { Page } from "../../ui/page.tsx";
import { Tabs } from "../../ui/tabs.tsx";
import { Duties } from "./duties.tsx";
import { HabitsView } from "./habits-view.tsx";

/** Who answers for whom, and how people answer. */
export function DutyPage() {
  const { tab = "duties" } = useSearch({ from: "/duty" });
  const navigate = useNavigate({ from: "/duty" });
  return (
    <Page title="Duty and habits">
      <Tabs
        label="Duty and habits"
        value={tab === "habits" ? "habits" : "duties"}
        onChange={(next) => void navigate({ search: (before: object) => ({ ...before, tab: next === "habits" ? next : undefined }) })}
        tabs={[
          { id: "duties", name: "Who answers for whom", content: <Duties /> },
          { id: "habits", name: "How people answer", content: <HabitsView /> },
        ]}
      />
    </Page>
  );
}
