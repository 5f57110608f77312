import { useState } from "react";
import { TextField } from "../../../ui/field.tsx";
import { agentName } from "../words.ts";
import { AnswerDialog, type AnswerDialogProps } from "./answer-dialog.tsx";
import { type Answering, useAnswer } from "./use-answer.ts";

/** No, with the reason that the agent is told. */
export function DenyDialog(props: AnswerDialogProps) {
  return (
    <WithReason
      {...props}
      title="Deny?"
      submit="Deny"
      hint="The agent is told, and it is recorded."
      give={(answering, reason) => answering.deny(reason)}
    />
  );
}

/** No, and nothing more from this agent until an operator lets it go on. */
export function StopDialog(props: AnswerDialogProps) {
  const name = agentName(props.approval.agent);
  return (
    <WithReason
      {...props}
      title={`Deny, and stop ${name}?`}
      submit={`Stop ${name}`}
      hint={`Every call of ${name} is refused from now on, in all its sessions, until an operator runs "bailiwick resume".`}
      give={(answering, reason) => answering.stop(reason)}
    />
  );
}

function WithReason({
  approval,
  onClose,
  onAnswered,
  title,
  submit,
  hint,
  give,
}: AnswerDialogProps & {
  readonly title: string;
  readonly submit: string;
  readonly hint: string;
  readonly give: (answering: Answering, reason: string) => void;
}) {
  const answering = useAnswer(approval, onAnswered);
  const [reason, setReason] = useState("");
  const [missing, setMissing] = useState(false);
  return (
    <AnswerDialog
      title={title}
      approval={approval}
      submit={submit}
      look="deny"
      working={answering.working}
      error={answering.error}
      onSubmit={() => {
        setMissing(reason.trim() === "");
        if (reason.trim() !== "") give(answering, reason.trim());
      }}
      onClose={onClose}
    >
      <TextField
        label="Reason"
        hint={hint}
        error={missing && reason.trim() === "" ? "Say why: the agent is told, and it is recorded." : undefined}
        maxLength={2_000}
        value={reason}
        data-autofocus=""
        onChange={(event) => setReason(event.target.value)}
      />
    </AnswerDialog>
  );
}
