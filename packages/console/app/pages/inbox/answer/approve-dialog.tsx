import { useEffect, useState } from "react";
import { Diff } from "../../../ui/diff.tsx";
import { TextField } from "../../../ui/field.tsx";
import { Skeleton } from "../../../ui/skeleton.tsx";
import { AnswerDialog, type AnswerDialogProps } from "./answer-dialog.tsx";
import { Signing } from "./signing.tsx";
import { useAnswer } from "./use-answer.ts";

/** Yes to this one call. Where it has to be signed, what is signed is shown at once. */
export function ApproveDialog({ approval, onClose, onAnswered }: AnswerDialogProps) {
  const answering = useAnswer(approval, onAnswered);
  const [note, setNote] = useState("");
  const { toSign, working, error } = answering;
  const { stepUp } = approval;
  const prepare = answering.approve;
  const waiting = stepUp && toSign === undefined && !working && error === undefined;
  useEffect(() => {
    if (waiting) prepare({});
  });
  return (
    <AnswerDialog
      title={stepUp ? "Approve once, signed with your passkey?" : "Approve once?"}
      approval={approval}
      submit={stepUp ? "Sign and approve" : "Approve once"}
      look="allow"
      working={working}
      blocked={stepUp && toSign === undefined}
      // What waits for its document cannot take the focus yet.
      key={toSign === undefined ? "asking" : "signing"}
      focusSubmit
      error={error}
      onSubmit={() => (toSign === undefined ? answering.approve({ reason: note }) : answering.sign(note))}
      onClose={onClose}
    >
      {toSign !== undefined ? <Signing toSign={toSign} /> : stepUp ? <Skeleton label="Asking what is signed" /> : undefined}
      {stepUp || approval.diff.length === 0 ? undefined : <Diff label="Fields before and after" changes={approval.diff} />}
      <TextField
        label="Note (optional)"
        hint="It is recorded with your answer."
        maxLength={2_000}
        value={note}
        onChange={(event) => setNote(event.target.value)}
      />
    </AnswerDialog>
  );
}
