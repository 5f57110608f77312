import type { CallPorts } from "./ports.ts";
import type { Claims } from "./presented.ts";
import type { IncomingCall } from "./types.ts";

/**
 * Who sends this request: the token (signature, audience, expiry) and the proof that it is the sender's own.
 * @throws Refusal `unauthenticated`, `token_expired`, `proof_invalid`, `proof_replayed`.
 */
export function authenticate(ports: Pick<CallPorts, "senders" | "now">, { presented }: Pick<IncomingCall, "presented">): Promise<Claims> {
  return ports.senders.verify(presented, ports.now());
}
