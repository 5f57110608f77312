import { lazy, Suspense, useEffect, useRef, useState } from "react";
import type { Approval } from "../../../api/approvals.ts";
import { type Shortcut, useShortcuts } from "../../../shell/keys.ts";
import { Button } from "../../../ui/button.tsx";
import { say } from "../../../ui/toast.tsx";
import { Countdown } from "../card/quorum.tsx";
import { ApproveDialog } from "./approve-dialog.tsx";
import { DenyDialog, StopDialog } from "./deny-dialog.tsx";
import type { AnswerDialogProps } from "./answer-dialog.tsx";
import { Words } from "../../../ui/words.tsx";

const EditDialog = lazy(async () => ({ default: (await import("./edit-dialog.tsx")).EditDialog }));
const BoundedDialog = lazy(async () => ({ default: (await import("./bounded-dialog.tsx")).BoundedDialog }));

type Way = "approve" | "edit" | "bounded" | "deny" | "stop";

/**
 * The answers a person can give. The one that has the focus by itself is no. No single key answers: each opens a question whose default takes
 * one more.
 */
export function Answers({
  approval,
  blocked,
  describedBy,
  onAnswered,
}: {
  readonly approval: Approval;
  /** Something else is asked by now; it has to be seen first. */
  readonly blocked: boolean;
  readonly describedBy: string;
  readonly onAnswered: (approval: Approval) => void;
}) {
  const [way, setWay] = useState<Way | undefined>();
  const { mayAnswer, mayNotBecause, bounded, expiresAt } = approval;
  const open = mayAnswer && !blocked;
  const deny = useIdleFocus(open);
  useShortcuts(open ? shortcutsOf(setWay, bounded !== undefined) : []);
  if (!mayAnswer) {
    return (
      <p className="rounded border border-line bg-card px-3 py-2 text-soft">
        You cannot answer this: <Words>{mayNotBecause ?? "it is not asked of you"}</Words>. <Countdown until={expiresAt} />
      </p>
    );
  }
  const dialog: AnswerDialogProps = {
    approval,
    onClose: () => setWay(undefined),
    onAnswered: (answered) => {
      setWay(undefined);
      say(doneText(answered));
      onAnswered(answered);
    },
  };
  return (
    <div
      role="group"
      aria-label="Answer"
      className="top-0 z-10 flex flex-wrap items-center gap-2 border-y border-line bg-paper py-2 lg:sticky"
    >
      <Button
        ref={deny}
        data-deny=""
        look="deny"
        shortcut="d"
        disabled={blocked}
        aria-describedby={describedBy}
        onClick={() => setWay("deny")}
      >
        Deny
      </Button>
      <Button look="allow" shortcut="a" disabled={blocked} aria-describedby={describedBy} onClick={() => setWay("approve")}>
        Approve once
      </Button>
      <Button shortcut="e" disabled={blocked} onClick={() => setWay("edit")}>
        With edits
      </Button>
      {bounded === undefined ? undefined : (
        <Button shortcut="b" disabled={blocked} onClick={() => setWay("bounded")}>
          For several
        </Button>
      )}
      <Button look="deny" disabled={blocked} onClick={() => setWay("stop")}>
        Stop the agent
      </Button>
      <Countdown until={expiresAt} />
      <Suspense>
        {way === "approve" ? <ApproveDialog {...dialog} /> : undefined}
        {way === "edit" ? <EditDialog {...dialog} /> : undefined}
        {way === "bounded" ? <BoundedDialog {...dialog} /> : undefined}
        {way === "deny" ? <DenyDialog {...dialog} /> : undefined}
        {way === "stop" ? <StopDialog {...dialog} /> : undefined}
      </Suspense>
    </div>
  );
}

function shortcutsOf(open: (way: Way) => void, bounded: boolean): readonly Shortcut[] {
  return [
    { key: "a", does: "approve this call once", run: () => open("approve") },
    { key: "d", does: "deny this call", run: () => open("deny") },
    { key: "e", does: "approve it with other arguments", run: () => open("edit") },
    ...(bounded ? [{ key: "b", does: "approve several calls like it", run: () => open("bounded") }] : []),
  ];
}

/** The answer nearest at hand is no, unless the person is doing something else. */
function useIdleFocus(open: boolean): React.RefObject<HTMLButtonElement | null> {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const active = document.activeElement;
    if (open && (active === null || active === document.body || active.id === "main")) button.current?.focus({ preventScroll: true });
  }, [open]);
  return button;
}

function doneText({ state, quorum, answers }: Approval): string {
  const last = answers.at(-1);
  if (state === "denied") return "Denied. The agent is told why.";
  if (state === "pending") {
    const missing = quorum.groups.reduce((sum, { count, yes }) => sum + Math.max(0, count - yes.length), 0);
    return `Your yes counts. ${missing} more ${missing === 1 ? "is" : "are"} needed.`;
  }
  if (last?.bounds !== undefined) return `Approved, for at most ${last.bounds.uses} calls.`;
  return last?.args === undefined ? "Approved, once." : "Approved with other arguments.";
}
