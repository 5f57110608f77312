import type { Approval } from "../../../api/approvals.ts";
import { Button } from "../../../ui/button.tsx";
import { changesBetween } from "../changes-between.ts";
import { Diff } from "../../../ui/diff.tsx";
import { AnswerLine } from "./outcome.tsx";

/** Something else is asked by now than what is shown: what is different, and the answers wait until that was seen. */
export function Changed({ seen, latest, onSeen }: { readonly seen: Approval; readonly latest: Approval; readonly onSeen: () => void }) {
  const fields = changesBetween(seen.args, latest.args);
  const answers = latest.answers.slice(seen.answers.length);
  return (
    <section role="alert" className="grid gap-2 rounded border-2 border-ask bg-ask-tint px-3 py-2">
      <p className="font-semibold">This changed while you looked at it.</p>
      {answers.map((answer) => (
        <p key={answer.at}>
          <AnswerLine answer={answer} />
        </p>
      ))}
      {fields.length === 0 ? undefined : <Diff label="Arguments that are different now" changes={fields} />}
      {latest.state === "pending" ? undefined : <p>It is {latest.state} now.</p>}
      <div>
        <Button look="main" onClick={onSeen}>
          I have seen it
        </Button>
      </div>
    </section>
  );
}
