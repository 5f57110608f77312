import { useEffect, useSyncExternalStore } from "react";
import { Button } from "./button.tsx";
import { Text } from "./untrusted.tsx";

interface Note {
  readonly id: number;
  readonly text: string;
  readonly tone: "done" | "failed";
}

const SHOWN_MS = 8_000;
let notes: readonly Note[] = [];
let count = 0;
const listeners = new Set<() => void>();

/** Says in a corner, and to screen readers, that something was done or failed. */
export function say(text: string, tone: Note["tone"] = "done"): void {
  count += 1;
  set([...notes.slice(-2), { id: count, text, tone }]);
}

/** Where they appear; there is one, in the shell. The region is always there, because one that comes with its text is not read out. */
export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => notes);
  const last = shown.at(-1);
  useEffect(() => {
    if (last === undefined || last.tone === "failed") return undefined;
    const timer = setTimeout(() => set(notes.filter(({ id }) => id !== last.id)), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [last]);
  return (
    <div role="status" aria-live="polite" className="fixed right-3 bottom-3 z-20 grid max-w-[calc(100vw-1.5rem)] gap-2">
      {shown.map(({ id, text, tone }) => (
        <div
          key={id}
          className={`flex items-start gap-3 rounded border-l-4 bg-card px-3 py-2 shadow-lg ring-1 ring-line ${tone === "done" ? "border-allow" : "border-deny"}`}
        >
          <p>
            <Text>{text}</Text>
          </p>
          <Button look="quiet" aria-label="Dismiss" onClick={() => set(notes.filter((note) => note.id !== id))}>
            <span aria-hidden="true">✕</span>
          </Button>
        </div>
      ))}
    </div>
  );
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function set(next: readonly Note[]): void {
  notes = next;
  for (const listener of listeners) listener();
}
