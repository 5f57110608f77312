import { useQuery } from "@tanstack/react-query";
import { answerOf, api } from "../../../api/client.ts";
import { AppLink } from "../../../ui/app-link.tsx";
import { Badge } from "../../../ui/badge.tsx";
import { ProblemNote } from "../../../ui/problem.tsx";
import { Skeleton } from "../../../ui/skeleton.tsx";
import { durationText, Time } from "../../../ui/time.tsx";
import { Text } from "../../../ui/untrusted.tsx";
import { Words } from "../../../ui/words.tsx";

/** What became of questions of this shape in the last 30 days. */
export function Similar({ id }: { readonly id: string }) {
  const { data, error } = useQuery({
    queryKey: ["approvals", "similar", id],
    queryFn: async () => answerOf(api.GET("/api/v1/approvals/{id}/similar", { params: { path: { id } } })),
  });
  if (error !== null) return <ProblemNote error={error} />;
  if (data === undefined) return <Skeleton lines={2} />;
  const { approved, denied, expired, medianSeconds, recent } = data;
  if (approved + denied + expired === 0) return <p className="text-soft">There was none in the last 30 days.</p>;
  return (
    <>
      <p>
        {approved} approved, {denied} denied, {expired} expired in the last 30 days
        {medianSeconds === undefined ? "" : `; half were answered within ${durationText(medianSeconds * 1000)}`}
      </p>
      <ul className="grid gap-1">
        {recent.map((past) => (
          <li key={past.id}>
            <Badge tone={past.state === "denied" ? "deny" : past.state === "expired" ? "plain" : "allow"}>{past.state}</Badge>{" "}
            <AppLink href={`/approvals/${encodeURIComponent(past.id)}`}>
              <Words>{past.sentence}</Words>
            </AppLink>{" "}
            {past.by === undefined ? "" : `by ${past.by} `}
            <Time at={past.at} />
            {past.reason === undefined ? undefined : (
              <>
                : <Text>{past.reason}</Text>
              </>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
