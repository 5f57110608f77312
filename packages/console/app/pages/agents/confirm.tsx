import { Button } from "../../ui/button.tsx";

/** Asks once more, in place. The answer that changes nothing has the focus. */
export function Confirm(props: {
  readonly question: string;
  readonly keep: string;
  readonly change: string;
  readonly busy: boolean;
  readonly onKeep: () => void;
  readonly onChange: () => void;
}) {
  const { question, keep, change, busy, onKeep, onChange } = props;
  return (
    <span role="group" aria-label={question} className="ml-auto flex flex-wrap items-center gap-2">
      {question}
      <Button ref={focus} onClick={onKeep}>
        {keep}
      </Button>
      <Button look="deny" disabled={busy} onClick={onChange}>
        {change}
      </Button>
    </span>
  );
}

/** Of the module, so that it runs when the button comes and not with every drawing. */
function focus(button: HTMLButtonElement | null): void {
  button?.focus();
}
