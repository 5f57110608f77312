import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Schema } from "../../api/client.ts";
import { useMe } from "../../api/queries.ts";
import { useTenant } from "../../shell/tenant.ts";
import { AppLink } from "../../ui/app-link.tsx";
import { Badge } from "../../ui/badge.tsx";
import { Empty } from "../../ui/empty.tsx";
import { Select } from "../../ui/field.tsx";
import { Page } from "../../ui/page.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { type Column, DataTable } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Words } from "../../ui/words.tsx";
import { mayOperate } from "../agents/agent-queries.ts";
import { type Delivery, DELIVERY_STATES, notificationsQuery } from "./notification-queries.ts";
import { Retry } from "./retry.tsx";

const COLUMNS: readonly Column<Delivery>[] = [
  { id: "state", head: "state", className: "w-28", sort: ({ state }) => state, cell: ({ state }) => <State of={state} /> },
  { id: "to", head: "to", className: "w-40", sort: ({ to }) => to, cell: ({ to }) => <Text>{to}</Text> },
  { id: "channel", head: "channel", className: "w-28", sort: ({ channel }) => channel, cell: ({ channel }) => <Text>{channel}</Text> },
  { id: "about", head: "about", cell: (delivery) => <About of={delivery} /> },
  { id: "tries", head: "tries", className: "w-16", sort: ({ attempts }) => attempts, cell: ({ attempts }) => attempts },
  { id: "when", head: "when", className: "w-28", sort: ({ createdAt }) => createdAt, cell: (delivery) => <When of={delivery} /> },
  { id: "why", head: "why", cell: ({ lastError }) => (lastError === undefined ? undefined : <Words>{lastError}</Words>) },
  { id: "again", head: "once more", className: "w-32", cell: (delivery) => <Retry of={delivery} /> },
];

/** Who was told what, and what did not arrive. */
export function NotificationsPage(): ReactNode {
  const { state } = useSearch({ from: "/notifications" });
  const { data, error, refetch } = useQuery(notificationsQuery(useTenant(), state));
  const may = mayOperate(useMe());
  return (
    <Page title="Notifications" actions={<a href="/account#push-title">Messages in this browser</a>}>
      <ProblemNote error={error} onRetry={() => void refetch()} />
      {data === undefined ? error === null ? <Skeleton /> : undefined : <Deliveries of={data} state={state} may={may} />}
    </Page>
  );
}

type Answer = NonNullable<Awaited<ReturnType<NonNullable<ReturnType<typeof notificationsQuery>["queryFn"]>>>>;

function Deliveries({
  of: { notifications, counts, routes },
  state,
  may,
}: {
  readonly of: Answer;
  readonly state: string | undefined;
  readonly may: boolean;
}) {
  const navigate = useNavigate({ from: "/notifications" });
  const choose = (to: string): void =>
    void navigate({ search: (before: object) => ({ ...before, state: to === "" ? undefined : to }), replace: true });
  const none = Object.values(counts).every((count) => count === 0);
  if (none && routes === 0) {
    return (
      <Empty title="Nobody is told of held calls." command="bailiwick notifications list">
        The policy folder has no <code>notify.yaml</code> with a route. With one, this page shows every message and what became of it.
      </Empty>
    );
  }
  if (none) {
    return (
      <Empty title="No message was sent yet." command="bailiwick notifications test <channel>">
        The first one goes out when a call is held.
      </Empty>
    );
  }
  return (
    <>
      {counts.dead === 0 ? undefined : (
        <p className="mb-2 text-deny">
          {counts.dead} {counts.dead === 1 ? "was" : "were"} given up: somebody was not told. Mend the cause
          {may ? ", then send them again." : "; sending again takes the role operator or owner."}
        </p>
      )}
      <Select label="State" value={state ?? ""} onChange={({ target }) => choose(target.value)} className="mb-3 max-w-48">
        <option value="">all</option>
        {DELIVERY_STATES.map((each) => (
          <option key={each} value={each}>
            {STATES[each].word} ({counts[each]})
          </option>
        ))}
      </Select>
      {notifications.length === 0 ? (
        <p className="text-soft">No message is in this state.</p>
      ) : (
        <DataTable label="Messages to people" rows={notifications} columns={COLUMNS} rowId={({ id }) => id} height="calc(100dvh - 14rem)" />
      )}
    </>
  );
}

const STATES: Readonly<
  Record<Delivery["state"], { readonly shape: string; readonly word: string; readonly tone: "plain" | "allow" | "ask" | "deny" }>
> = {
  dead: { shape: "■", word: "given up", tone: "deny" },
  waiting: { shape: "▲", word: "waiting", tone: "ask" },
  sent: { shape: "●", word: "sent", tone: "allow" },
  cancelled: { shape: "○", word: "cancelled", tone: "plain" },
};

/** By word and shape, and only then by colour. */
function State({ of }: { readonly of: Delivery["state"] }) {
  const { shape, word, tone } = STATES[of];
  return (
    <Badge tone={tone}>
      <span aria-hidden="true">{shape}</span> {word}
    </Badge>
  );
}

function About({ of: { about, purpose } }: { readonly of: Delivery }) {
  if (about.length === 0) return purpose;
  return (
    <ul className="grid gap-0.5">
      {about.map((item) => (
        <li key={`${item.kind} ${item.id} ${item.what}`}>
          <AppLink href={pathOf(item)}>
            {item.kind} {item.what}
          </AppLink>
          {purpose === "notice" ? "" : ` (${purpose})`}
        </li>
      ))}
    </ul>
  );
}

function pathOf({ kind, id }: Schema<"Notification">["about"][number]): `/${string}` {
  return kind === "approval" ? `/approvals/${encodeURIComponent(id)}` : `/elevations/${encodeURIComponent(id)}`;
}

/** When it was sent, is sent next, or was made. */
function When({ of: { state, sentAt, nextAt, createdAt } }: { readonly of: Delivery }) {
  return (
    <>
      {state === "waiting" && nextAt !== undefined ? "sent " : ""}
      <Time at={sentAt ?? nextAt ?? createdAt} />
    </>
  );
}
