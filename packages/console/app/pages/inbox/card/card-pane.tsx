import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Approval, approvalQuery } from "../../../api/approvals.ts";
import { Button } from "../../../ui/button.tsx";
import { ProblemNote } from "../../../ui/problem.tsx";
import { Skeleton } from "../../../ui/skeleton.tsx";
import { Card } from "./card.tsx";

/** The card of one approval, kept up to date. `held`: what the list knows of it, shown until the broker has answered. */
export function CardPane({
  id,
  held,
  onAnswered,
  onClose,
}: {
  readonly id: string;
  readonly held: Approval | undefined;
  readonly onAnswered: (id: string) => void;
  readonly onClose: (() => void) | undefined;
}) {
  const query = useQuery({ ...approvalQuery(id), ...(held === undefined ? {} : { placeholderData: held }) });
  const latest = query.data;
  const [seen, setSeen] = useState<Approval | undefined>();
  // What a person looked at is what they answer: newer words replace it only when they were pointed at, or change nothing that is asked.
  if (latest !== undefined && (seen === undefined || (seen !== latest && seen.showing === latest.showing))) setSeen(latest);
  return (
    <div className="p-3 sm:p-4">
      {onClose === undefined ? undefined : (
        <Button className="mb-2" onClick={onClose} shortcut="Esc">
          Back to the list
        </Button>
      )}
      {query.error !== null && latest === undefined ? <ProblemNote error={query.error} onRetry={() => void query.refetch()} /> : undefined}
      {seen === undefined || latest === undefined ? (
        query.error === null ? (
          <Skeleton lines={10} />
        ) : undefined
      ) : (
        <Card
          approval={seen}
          latest={latest}
          onSeen={() => setSeen(latest)}
          onAnswered={(answered) => {
            setSeen(answered);
            onAnswered(id);
          }}
        />
      )}
    </div>
  );
}
