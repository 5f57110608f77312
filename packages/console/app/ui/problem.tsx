import { ApiProblem } from "../api/client.ts";
import { Button } from "./button.tsx";
import { Words } from "./words.tsx";

/** What went wrong and what to do next, announced at once. */
export function ProblemNote({ error, onRetry }: { readonly error: unknown; readonly onRetry?: (() => void) | undefined }) {
  if (error === undefined || error === null) return undefined;
  const message = error instanceof Error ? error.message : "something failed on this page";
  const next = error instanceof ApiProblem ? error.next : [];
  return (
    <div role="alert" className="my-2 rounded border-2 border-deny bg-deny-tint px-3 py-2 text-deny">
      <p className="font-semibold">
        <Words>{message}</Words>
      </p>
      {next.length === 0 ? undefined : (
        <ul className="list-disc pl-5">
          {next.map((step) => (
            <li key={step}>
              <Words>{step}</Words>
            </li>
          ))}
        </ul>
      )}
      {onRetry === undefined ? undefined : (
        <Button className="mt-2" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}
