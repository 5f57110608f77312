import type { ReactNode } from "react";
import type { Approval } from "../../../api/approvals.ts";
import { Button } from "../../../ui/button.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { ProblemNote } from "../../../ui/problem.tsx";
import { Words } from "../../../ui/words.tsx";

export interface AnswerDialogProps {
  readonly approval: Approval;
  readonly onClose: () => void;
  readonly onAnswered: (approval: Approval) => void;
}

/** A question before an answer is given: what it is about, what it takes, one button that says what it does. */
export function AnswerDialog({
  title,
  approval,
  submit,
  look,
  working,
  blocked = false,
  focusSubmit = false,
  wide = false,
  error,
  onSubmit,
  onClose,
  children,
}: {
  readonly title: string;
  readonly approval: Approval;
  readonly submit: string;
  readonly look: "allow" | "deny";
  readonly working: boolean;
  /** Something is missing that no field can complain about. */
  readonly blocked?: boolean;
  readonly focusSubmit?: boolean;
  readonly wide?: boolean;
  readonly error: unknown;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
  readonly children?: ReactNode;
}) {
  return (
    <Dialog title={title} onClose={onClose} wide={wide}>
      <form
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (!working && !blocked) onSubmit();
        }}
      >
        <p>
          <Words>{approval.sentence}</Words>
        </p>
        {children}
        <ProblemNote error={error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            look={look}
            disabled={working || blocked}
            data-autofocus={focusSubmit ? "" : undefined}
            onKeyDown={(event) => {
              // The key that opened this may still be held down.
              if (event.repeat) event.preventDefault();
            }}
          >
            {submit}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
