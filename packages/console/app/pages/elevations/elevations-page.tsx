import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { useMe } from "../../api/queries.ts";
import { useShortcuts } from "../../shell/keys.ts";
import { useTenant } from "../../shell/tenant.ts";
import { Button } from "../../ui/button.tsx";
import { Empty } from "../../ui/empty.tsx";
import { Page } from "../../ui/page.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Time } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Words } from "../../ui/words.tsx";
import { AskForm } from "./ask-form.tsx";
import { type Elevation, elevationsQuery, eligibleQuery } from "./elevation-queries.ts";
import { ElevationState } from "./elevation-state.tsx";
import { RevokeDialog } from "./revoke-dialog.tsx";

/** Rights that agents have for a time: what waits, what is in force, what was. */
export function ElevationsPage(): ReactNode {
  const tenant = useTenant();
  const me = useMe();
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(elevationsQuery(tenant));
  const eligible = useQuery(eligibleQuery(tenant));
  const [asking, setAsking] = useState(false);
  const [revoking, setRevoking] = useState<Elevation>();
  const may = me?.kind === "person" && !me.roles.includes("auditor") && (eligible.data ?? []).length > 0;
  useShortcuts(may ? [{ key: "n", does: "ask for a right for an agent", run: () => setAsking(true) }] : []);
  const all = data?.pages.flatMap(({ elevations }) => elevations);
  const groups = [
    { name: "Waiting for an answer", of: all?.filter(({ state }) => state === "pending") ?? [] },
    { name: "In force", of: all?.filter(({ state }) => state === "active") ?? [] },
    { name: "Ended", of: all?.filter(({ state }) => state !== "pending" && state !== "active") ?? [] },
  ];
  return (
    <Page
      title="Elevations"
      actions={
        may ? (
          <Button look="main" shortcut="n" onClick={() => setAsking(true)}>
            Ask for a right
          </Button>
        ) : undefined
      }
    >
      <p className="mb-3 max-w-prose text-soft">
        A right that an agent has for a time: asked for with a reason, given by people, gone by itself. Everything else that bounds the
        agent bounds it still.
      </p>
      <ProblemNote error={error} onRetry={() => void refetch()} />
      {all === undefined && error === null ? <Skeleton /> : undefined}
      {all?.length === 0 ? <Nothing eligible={(eligible.data ?? []).length > 0} /> : undefined}
      {groups.map(({ name, of }) =>
        of.length === 0 ? undefined : (
          <section key={name} aria-label={name} className="mb-4">
            <h2 className="mb-1 text-base">{name}</h2>
            <ul className="grid gap-2">
              {of.map((elevation) => (
                <li key={elevation.id} className="rounded border border-line bg-card px-3 py-2">
                  <Line of={elevation} onRevoke={() => setRevoking(elevation)} />
                </li>
              ))}
            </ul>
          </section>
        ),
      )}
      {hasNextPage ? (
        <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          Show earlier ones
        </Button>
      ) : undefined}
      {asking && may ? <AskForm roles={eligible.data ?? []} onClose={() => setAsking(false)} /> : undefined}
      {revoking === undefined ? undefined : <RevokeDialog of={revoking} onClose={() => setRevoking(undefined)} />}
    </Page>
  );
}

function Nothing({ eligible }: { readonly eligible: boolean }): ReactNode {
  return eligible ? (
    <Empty title="Nobody has asked for a right." command='bailiwick elevations ask <agent> --as <person> --role <role> --reason "<text>"'>
      An agent asks with the tool <code>request_elevation</code> when a refusal says so.
    </Empty>
  ) : (
    <Empty title="No agent may ask for anything." command="bailiwick elevations eligible">
      List roles under <code>eligible</code> in a file of <code>agents/</code> of the policy folder.
    </Empty>
  );
}

function Line({ of, onRevoke }: { readonly of: Elevation; readonly onRevoke: () => void }): ReactNode {
  const { id, sentence, reason, askedBy, createdAt, mayRevoke, agent } = of;
  return (
    <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-1">
      <div className="min-w-0">
        <p>
          <Link to="/elevations/$id" params={{ id }} search className="font-semibold underline underline-offset-2">
            <Words>{sentence}</Words>
          </Link>
        </p>
        <p>
          <ElevationState of={of} />
        </p>
        <p className="text-soft">
          asked <Time at={createdAt} /> by {askedBy.kind === "agent" ? "the agent" : <Text>{askedBy.name}</Text>}: <Text>{reason}</Text>
        </p>
      </div>
      {mayRevoke ? (
        <Button look="deny" onClick={onRevoke} aria-label={`Take it back: ${agent}`}>
          Take it back
        </Button>
      ) : undefined}
    </div>
  );
}
