import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { answerOf, api } from "../../api/client.ts";
import { queryClient } from "../../api/queries.ts";
import { useShortcuts } from "../../shell/keys.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { TextField } from "../../ui/field.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { say } from "../../ui/toast.tsx";
import type { Bulk } from "./use-bulk.ts";
import { Words } from "../../ui/words.tsx";

type Verdict = "approve" | "deny";

/** Answers for several questions of one shape at once. Shown while any are chosen. */
export function BulkBar({ bulk }: { readonly bulk: Bulk }) {
  const [asking, setAsking] = useState<Verdict | undefined>();
  const count = bulk.chosen.size;
  useShortcuts(
    count === 0
      ? []
      : [
          { key: "A", does: `approve the ${count} chosen`, run: () => setAsking("approve") },
          { key: "D", does: `deny the ${count} chosen`, run: () => setAsking("deny") },
          { key: "X", does: "choose all that are alike", run: bulk.allAlike },
        ],
  );
  if (count === 0) return undefined;
  return (
    <div
      role="group"
      aria-label="Answer the chosen together"
      className="flex flex-wrap items-center gap-2 border-b border-line bg-chosen px-2 py-1.5"
    >
      <span role="status">{count} chosen, all alike</span>
      <Button look="deny" shortcut="D" onClick={() => setAsking("deny")}>
        Deny
      </Button>
      <Button look="allow" shortcut="A" onClick={() => setAsking("approve")}>
        Approve
      </Button>
      <Button look="quiet" shortcut="X" onClick={bulk.allAlike}>
        All alike
      </Button>
      <Button look="quiet" onClick={bulk.clear}>
        None
      </Button>
      {asking === undefined ? undefined : <BulkDialog bulk={bulk} verdict={asking} onClose={() => setAsking(undefined)} />}
    </div>
  );
}

function BulkDialog({ bulk, verdict, onClose }: { readonly bulk: Bulk; readonly verdict: Verdict; readonly onClose: () => void }) {
  const [reason, setReason] = useState("");
  const chosen = [...bulk.chosen.values()];
  const answering = useMutation({
    mutationFn: async () => {
      const approvals = chosen.map(({ id, showing }) => ({ id, showing }));
      const said = reason.trim() === "" ? {} : { reason: reason.trim() };
      return answerOf(api.POST("/api/v1/approvals/bulk", { body: { approvals, verdict, ...said } }));
    },
    onSuccess: ({ results }) => {
      const failed = results.filter(({ problem }) => problem !== undefined);
      const done = `${results.length - failed.length} ${verdict === "approve" ? "approved" : "denied"}`;
      say(
        failed.length === 0 ? `${done}.` : `${done}, ${failed.length} not: ${failed[0]?.problem ?? ""}`,
        failed.length === 0 ? "done" : "failed",
      );
      bulk.clear();
      void queryClient.invalidateQueries({ queryKey: ["approvals"] });
      onClose();
    },
  });
  return (
    <Dialog title={`${verdict === "approve" ? "Approve" : "Deny"} ${chosen.length} calls?`} onClose={onClose} wide>
      <form
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          answering.mutate();
        }}
      >
        <ul className="max-h-60 list-disc overflow-auto pl-5" tabIndex={chosen.length > 5 ? 0 : undefined} aria-label="What is answered">
          {chosen.map(({ id, sentence, diff }) => (
            <li key={id}>
              <Words>{sentence}</Words>
              {diff.length === 0 ? undefined : <span className="text-soft"> ({diff.length} fields)</span>}
            </li>
          ))}
        </ul>
        <TextField
          label={verdict === "deny" ? "Reason" : "Note (optional)"}
          hint={verdict === "deny" ? "The agents are told, and it is recorded." : undefined}
          required={verdict === "deny"}
          maxLength={2_000}
          value={reason}
          data-autofocus={verdict === "deny" ? "" : undefined}
          onChange={(event) => setReason(event.target.value)}
        />
        <ProblemNote error={answering.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            look={verdict === "approve" ? "allow" : "deny"}
            disabled={answering.isPending}
            data-autofocus={verdict === "approve" ? "" : undefined}
          >
            {verdict === "approve" ? "Approve" : "Deny"} {chosen.length}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
