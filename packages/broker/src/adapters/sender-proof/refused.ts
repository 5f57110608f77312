import { Refusal } from "../../call/refusal.ts";

/** The request does not prove that its token is the sender's own. */
export function proofInvalid(message: string): Refusal {
  return new Refusal("proof_invalid", message, { next: [{ kind: "reauthenticate" }] });
}

/** The proof was seen before: whoever sends it now may have copied it. */
export function proofReplayed(): Refusal {
  return new Refusal("proof_replayed", "this proof was used before; sign a fresh one for each request", {
    next: [{ kind: "retry_after", ms: 0 }],
  });
}
