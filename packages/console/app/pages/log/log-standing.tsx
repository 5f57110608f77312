import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { Badge } from "../../ui/badge.tsx";
import { Empty } from "../../ui/empty.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Time } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Words } from "../../ui/words.tsx";

type Status = Schema<"LogStatus">;

/** Whether logs can be written, second places agree with them, and exports get on; as the broker that was asked knows it. */
export function LogStanding({ tenant }: { readonly tenant: string | undefined }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["log", "status", tenant ?? null],
    queryFn: async () => answerOf(api.GET("/api/v1/audit/status", { params: { query: tenant === undefined ? {} : { tenant } } })),
  });
  if (error !== null) return <ProblemNote error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Skeleton label="Loading the standing of the logs" />;
  return (
    <div className="grid gap-5">
      <Part title="Outages">
        {data.outages.length === 0 ? (
          <p>Every log can be written.</p>
        ) : (
          data.outages.map((outage) => <Outage key={outage.tenant} of={outage} />)
        )}
      </Part>
      <Part title="Second places of checkpoints">
        {data.anchors.length === 0 ? (
          <Empty title="No witness and no other place keeps this log's checkpoints." command="bailiwick witness --help">
            Whoever holds the database and the keys could rewrite the log unseen. A witness on another machine makes that show: name it in{" "}
            <code>log.yaml</code>.
          </Empty>
        ) : (
          data.anchors.map((anchor) => <Anchor key={`${anchor.tenant} ${anchor.anchor}`} of={anchor} />)
        )}
      </Part>
      <Part title="Exports">
        {data.exports.length === 0 ? (
          <Empty title="No other system gets this log." command="bailiwick audit export --help">
            Steady exports to a SIEM stand in <code>log.yaml</code>; one file can be written at once.
          </Empty>
        ) : (
          data.exports.map((each) => <Export key={`${each.tenant} ${each.name}`} of={each} />)
        )}
      </Part>
    </div>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section aria-label={title} className="grid gap-2">
      <h2 className="text-base">{title}</h2>
      {children}
    </section>
  );
}

function Outage({ of: { tenant, since, why, refused, agents } }: { readonly of: Status["outages"][number] }) {
  return (
    <div role="alert" className="rounded border-2 border-deny bg-deny-tint px-3 py-2">
      <p className="font-semibold text-deny">
        The log of <Text>{tenant}</Text> cannot be written since <Time at={since} />, so nothing runs.
      </p>
      <p>
        <Words>{why}</Words>
      </p>
      <p>
        {refused} records were refused; of <Text>{agents.join(", ")}</Text>.
      </p>
    </div>
  );
}

function Anchor({ of: anchor }: { readonly of: Status["anchors"][number] }) {
  return (
    <div className="rounded border border-line bg-card px-3 py-2">
      <p className="flex flex-wrap items-center gap-2">
        <Badge tone={anchor.finding !== undefined ? "deny" : anchor.fault !== undefined ? "ask" : "allow"}>
          {anchor.finding !== undefined
            ? `alarm: ${anchor.finding.replaceAll("_", " ")}`
            : anchor.fault !== undefined
              ? "cannot be asked"
              : "agrees"}
        </Badge>
        <span>
          {anchor.kind} <Text className="font-medium">{anchor.anchor}</Text>, log of <Text>{anchor.tenant}</Text>
        </span>
      </p>
      <p className="text-soft">
        {anchor.size === undefined ? "It has no checkpoint yet" : `Its newest checkpoint is of ${anchor.size} records`}; {anchor.lag} are
        not covered.
        {anchor.at === undefined ? undefined : (
          <>
            {" "}
            Last seen in order <Time at={anchor.at} />.
          </>
        )}
      </p>
      {anchor.fault === undefined ? undefined : (
        <p className="text-deny">
          <Text>{anchor.fault}</Text>
        </p>
      )}
    </div>
  );
}

const EXPORT_TONES: Readonly<Record<Status["exports"][number]["state"], "allow" | "ask" | "deny" | "plain">> = {
  starting: "plain",
  delivering: "allow",
  retrying: "ask",
  stopped: "deny",
  elsewhere: "plain",
};

function Export({ of: each }: { readonly of: Status["exports"][number] }) {
  return (
    <div className="rounded border border-line bg-card px-3 py-2">
      <p className="flex flex-wrap items-center gap-2">
        <Badge tone={EXPORT_TONES[each.state]}>{each.state === "elsewhere" ? "by another broker" : each.state}</Badge>
        <span>
          <Text className="font-medium">{each.name}</Text> (<Text>{each.format}</Text>), log of <Text>{each.tenant}</Text>
        </span>
      </p>
      <p className="text-soft">
        Next is record {each.next}; {each.lagRecords} wait.
        {each.since === undefined ? undefined : (
          <>
            {" "}
            So since <Time at={each.since} />.
          </>
        )}
      </p>
      {each.lastError === undefined ? undefined : (
        <p className="text-deny">
          <Text>{each.lastError}</Text>
        </p>
      )}
    </div>
  );
}
