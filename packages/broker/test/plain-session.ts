import type { Presented } from "../src/call/presented.ts";
import type { Session } from "../src/domain/session.ts";

/** What a session has when nobody asked for more: an agent's own word, unnarrowed, bearer, of nobody's delegation. */
export const PLAIN = {
  userProof: "asserted",
  run: "run_of_plain_sessions",
  rows: [],
  limits: {},
  grant: "client_credentials",
  binding: { kind: "bearer" },
  lineage: [],
  actors: [],
} as const satisfies Partial<Session>;

/** A request to `/mcp` that shows a bearer token and nothing else. */
export function bearer(token: string | undefined): Presented {
  return { token, scheme: "Bearer", method: "POST", url: "http://127.0.0.1:7400/mcp" };
}
