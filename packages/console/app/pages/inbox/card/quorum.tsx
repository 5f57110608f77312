import type { Approval } from "../../../api/approvals.ts";
import { Badge } from "../../../ui/badge.tsx";
import { Time, useNow } from "../../../ui/time.tsx";

/** Which groups of people must say yes, who has, and how long there is. */
export function Quorum({ approval }: { readonly approval: Approval }) {
  const { quorum, expiresAt, state } = approval;
  return (
    <>
      <ul className="grid gap-1">
        {quorum.groups.map(({ by, count, yes }) => (
          <li key={by.join(" ")}>
            {count === 1 ? "one" : count} of {by.join(" or ")}: {yes.length === 0 ? "nobody yet" : `${yes.join(", ")} said yes`}{" "}
            {yes.length >= count ? <Badge tone="allow">complete</Badge> : <Badge tone="ask">{count - yes.length} missing</Badge>}
          </li>
        ))}
      </ul>
      {quorum.escalatesAt === undefined ? undefined : (
        <p>
          More people are asked <Time at={quorum.escalatesAt} />.
        </p>
      )}
      {state === "pending" ? (
        <p>
          Expires <Time at={expiresAt} />.
        </p>
      ) : undefined}
    </>
  );
}

const MINUTE = 60_000;
/** When somebody who hears the page is told how long is left. */
const TOLD_AT: readonly (readonly [ms: number, words: string])[] = [
  [0, "The time to answer is over."],
  [MINUTE / 6, "Ten seconds left to answer."],
  [MINUTE, "One minute left to answer."],
  [5 * MINUTE, "Five minutes left to answer."],
];

/** Time left to answer, seen as it runs and heard at a few moments. */
export function Countdown({ until }: { readonly until: string }) {
  const left = new Date(until).getTime() - useNow(until);
  const told = TOLD_AT.find(([ms]) => left <= ms)?.[1] ?? "";
  return (
    <span className={left <= 5 * MINUTE ? "font-semibold text-ask" : "text-soft"}>
      <span aria-hidden="true">expires </span>
      <Time at={until} />
      <span role="status" aria-live="polite" className="sr-only">
        {told}
      </span>
    </span>
  );
}
