import type { CallPorts } from "./ports.ts";
import { Refusal } from "./refusal.ts";
import type { IncomingCall } from "./types.ts";

/** Which session a token proves. */
export interface Claims {
  readonly tenant: string;
  readonly session: string;
}

/**
 * Verifies the session token: signature, audience, expiry.
 * @throws Refusal `unauthenticated`, `token_expired`.
 */
export async function authenticate(ports: Pick<CallPorts, "tokens" | "now">, incoming: Pick<IncomingCall, "token">): Promise<Claims> {
  if (incoming.token === undefined || incoming.token === "") {
    throw new Refusal("unauthenticated", "the call carries no session token; get one from `/oauth/token` with your agent's key", {
      next: [{ kind: "reauthenticate" }],
    });
  }
  return ports.tokens.verify(incoming.token, ports.now());
}
