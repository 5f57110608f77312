import { approve } from "./approve.ts";
import { authenticate } from "./authenticate.ts";
import { answerFailure } from "./answer-failure.ts";
import { decideCall } from "./decide.ts";
import { execute } from "./execute.ts";
import { filter } from "./filter.ts";
import { identify } from "./identify.ts";
import { inject } from "./inject.ts";
import { intend } from "./intend.ts";
import { limit } from "./limit.ts";
import type { CallPorts } from "./ports.ts";
import { record } from "./record.ts";
import { requireNotStuck } from "./repeats.ts";
import { resolveSession } from "./resolve-session.ts";
import type { Trail } from "./trail.ts";
import type { CallAnswer, IncomingCall } from "./types.ts";

/**
 * The path of one call. It reads as the list of its steps; each step is the file of its name.
 * Never throws: a stop before the effect is a recorded refusal, a failure after it is an outcome.
 * INVARIANT: `execute` is reached only with a permit (policy, and a person when asked) and a durable intent.
 */
export async function handleCall(ports: CallPorts, incoming: IncomingCall): Promise<CallAnswer> {
  const trail: Trail = { callId: ports.newId("call"), incoming, arrivedAt: ports.now() };
  try {
    const claims = await authenticate(ports, incoming);
    trail.proof = claims.proof;
    const session = (trail.session = await resolveSession(ports, claims));
    requireNotStuck(ports, session, incoming);
    const identified = (trail.call = await identify(ports, session, trail));
    const decided = (trail.decided = await decideCall(ports, session, identified));
    const limited = limit(ports, decided);
    const permit = await approve(ports, limited);
    const intent = await intend(ports, permit);
    const equipped = await inject(ports, intent);
    const executed = (trail.executed = await execute(ports, equipped));
    const filtered = await filter(ports, executed);
    return await record(ports, filtered);
  } catch (failure) {
    return answerFailure(ports, trail, failure);
  }
}
