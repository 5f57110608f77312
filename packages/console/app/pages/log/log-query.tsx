import { useNavigate } from "@tanstack/react-router";
import { useTenant } from "../../shell/tenant.ts";
import { Empty } from "../../ui/empty.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { CallFilters } from "../calls/call-filters.tsx";
import { CallsTable } from "../calls/calls-table.tsx";
import { type CallFilter, useCallFilter } from "../calls/filter.ts";
import { useCalls } from "../calls/use-calls.ts";

/** Calls found by what their records say; nothing is asked before there is a condition. */
export function LogQuery({ tenants }: { readonly tenants: readonly string[] }) {
  const filter = useCallFilter("/log");
  const navigate = useNavigate({ from: "/log" });
  const tenant = useTenant();
  const find = (next: CallFilter): void => void navigate({ search: { ...(tenant === undefined ? {} : { tenant }), tab: "find", ...next } });
  return (
    <>
      <CallFilters filter={filter} onChange={find} />
      {Object.keys(filter).length === 0 ? (
        <Empty title="Say what to look for." command="bailiwick audit query --help">
          Every condition that is given must hold. The command line finds the same and can write it as JSON or CSV.
        </Empty>
      ) : (
        <Found filter={filter} tenant={tenant} several={tenants.length > 1} />
      )}
    </>
  );
}

function Found({
  filter,
  tenant,
  several,
}: {
  readonly filter: CallFilter;
  readonly tenant: string | undefined;
  readonly several: boolean;
}) {
  const { calls, loading, error, older, loadingOlder, more, retry } = useCalls(filter, tenant);
  if (error !== null && error !== undefined) return <ProblemNote error={error} onRetry={retry} />;
  if (loading) return <Skeleton lines={6} label="Looking" />;
  if (calls.length === 0 && older === undefined && !loadingOlder)
    return (
      <Empty title="The log has nothing like that.">What was erased is found no more by a person's name; retired records are gone.</Empty>
    );
  return (
    <>
      <CallsTable calls={calls} selected={undefined} severalTenants={several} onEnd={older} />
      <p role="status" className="mt-1 text-soft">
        {`${calls.length} found${older === undefined ? "" : ", and older ones below"}`}
        {more.length === 0 ? "" : `. There is more of ${more.join(", ")}: choose a tenant above to see it.`}
      </p>
    </>
  );
}
