import type { Session } from "../domain/session.ts";
import type { ExecutedCall } from "./execute.ts";
import type { Claims } from "./presented.ts";
import type { DecidedCall, IdentifiedCall, IncomingCall } from "./types.ts";

/** How far a call came; written by the spine, read only when the call stopped. */
export interface Trail {
  readonly callId: string;
  readonly incoming: IncomingCall;
  readonly arrivedAt: Date;
  /** What pays for the effect, when the session is bound to its sender. */
  proof?: Claims["proof"];
  session?: Session;
  call?: IdentifiedCall;
  decided?: DecidedCall;
  /** Set once the call was sent: from here on nothing may answer "refused". */
  executed?: ExecutedCall;
}
