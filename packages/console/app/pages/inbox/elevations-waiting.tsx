import { useQuery } from "@tanstack/react-query";
import { answerOf, api } from "../../api/client.ts";
import { AppLink } from "../../ui/app-link.tsx";
import { Badge } from "../../ui/badge.tsx";
import { Time } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";

/** More than these are looked through on their own page. */
const SHOWN = 5;

/** Agents that ask for a right for a time. They are few, and stand above the calls. */
export function ElevationsWaiting({ tenant }: { readonly tenant: string | undefined }) {
  const { data } = useQuery({
    queryKey: ["elevations", "waiting", tenant ?? null],
    queryFn: async () =>
      answerOf(
        api.GET("/api/v1/elevations", {
          params: { query: { state: "pending", limit: SHOWN + 1, ...(tenant === undefined ? {} : { tenant }) } },
        }),
      ),
  });
  const waiting = data?.elevations ?? [];
  if (waiting.length === 0) return undefined;
  return (
    <section aria-labelledby="elevations-waiting" className="border-b border-line bg-ask-tint px-2 py-1.5">
      <h2 id="elevations-waiting" className="text-sm">
        Rights asked for
      </h2>
      <ul className="grid gap-1">
        {waiting.slice(0, SHOWN).map(({ id, agent, role, minutes, askEndsAt, mayAnswer }) => (
          <li key={id} className="flex justify-between gap-2">
            <AppLink href={`/elevations/${encodeURIComponent(id)}`} className="min-w-0 truncate">
              <Text>{agent}</Text> wants <Text>{role}</Text> for {minutes} min
            </AppLink>
            <span className="shrink-0 text-soft">
              {mayAnswer ? undefined : <Badge>not yours to answer</Badge>} <Time at={askEndsAt} />
            </span>
          </li>
        ))}
      </ul>
      {waiting.length > SHOWN ? (
        <p>
          <AppLink href="/elevations">All of them</AppLink>
        </p>
      ) : undefined}
    </section>
  );
}
