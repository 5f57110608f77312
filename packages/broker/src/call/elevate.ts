import { type JsonObject, type NextStep, roleScopes } from "@bailiwick/policy";
import { askElevation, type ElevationWish } from "../domain/ask-elevation.ts";
import { covers } from "../domain/delegation.ts";
import { type Elevation, minutesOf } from "../domain/elevation.ts";
import { elevationRecord } from "../domain/elevation-record.ts";
import type { Session } from "../domain/session.ts";
import { readWish } from "./elevation-wish.ts";
import type { CallPorts } from "./ports.ts";
import { saidOfSession } from "./record-body.ts";
import { RecordedRefusal, Refusal } from "./refusal.ts";
import type { CallAnswer, IncomingCall, Waiting } from "./types.ts";

/** What a request beside the catalog brings along. */
export type Continuation = Omit<IncomingCall, "kind" | "name" | "args">;

/** A ticket of an elevation, as opposed to one of a held call. */
export function isElevationTicket(ticket: string): boolean {
  return ticket.startsWith("elv_");
}

/**
 * An agent asks for a right for a time, for the task of its session, and waits as `patience` says. Asked again it is the question that waits, or the
 * right that was given.
 * @throws RecordedRefusal `elevation_not_eligible`, `malformed_request`, `rate_limited`; Refusal `elevation_denied`, `elevation_ended`,
 * `approval_expired`; Fault.
 */
export async function requestElevation(ports: CallPorts, session: Session, args: unknown, call: Continuation): Promise<CallAnswer> {
  return waitForElevation(ports, session, await askFor(ports, session, args, call), call);
}

/** Keeps an agent's question and does not wait. @throws as `requestElevation`. */
export async function askFor(
  ports: CallPorts,
  session: Session,
  args: unknown,
  call: Pick<Continuation, "peer" | "traceparent">,
): Promise<Elevation> {
  const policy = ports.policy();
  const wish = readWish(args);
  if ("problem" in wish) throw await refused(ports, session, call, new Refusal("malformed_request", wish.problem));
  const question = askElevation(policy, { ...wish, ...askerOf(session) }, { id: ports.newId("elv"), now: ports.now() });
  if (!question.ok)
    throw await refused(ports, session, call, new Refusal("elevation_not_eligible", `${question.message}; ${question.next}`));
  const { elevation } = question;
  await ports.log.append(
    session.tenant,
    elevationRecord(elevation, {
      at: ports.now(),
      event: "elevation.ask",
      by: { named: session.agent },
      body: { run: session.run, scope: [...elevation.scope], minutes: minutesOf(elevation.forMs) },
      facts: { reason: elevation.reason, peer: call.peer },
    }),
  );
  const kept = await ports.elevations.ask(elevation);
  if (kept.ok) return kept.elevation;
  const message = `${kept.waiting} questions for this agent wait for people already; wait for those to be answered`;
  throw await refused(ports, session, call, new Refusal("rate_limited", message, { next: [{ kind: "retry_after", ms: AGAIN_MS }] }));
}

/** People answer in minutes. */
const AGAIN_MS = 60_000;

/**
 * The elevation that a session asked for, or one of the same agent, user and task did, or that it has.
 * @throws Refusal `approval_unknown`: with the same words for another's.
 */
export async function ownElevation(ports: Pick<CallPorts, "elevations">, session: Session, id: string): Promise<Elevation> {
  const elevation = await ports.elevations.find(session.tenant, id);
  if (elevation !== undefined && belongsTo(elevation, session)) return elevation;
  throw new Refusal(
    "approval_unknown",
    `there is no elevation \`${id.slice(0, 200).toWellFormed()}\` that this agent asked for, for this user and task; ask for it`,
  );
}

/** Waits as `patience` says until people have answered. @throws Refusal `elevation_denied`, `elevation_ended`, `approval_expired`. */
export async function waitForElevation(ports: CallPorts, session: Session, asked: Elevation, call: Continuation): Promise<CallAnswer> {
  const elevation = asked.state === "pending" ? await wait(ports, session, asked, call) : asked;
  const { state, id } = elevation;
  switch (state) {
    case "pending":
      return { kind: "pending_elevation", callId: id, elevation };
    case "active":
      return { kind: "result", callId: id, body: activeBody(ports, session, elevation), hidden: [], masked: [], rowsRemoved: 0 };
    case "denied": {
      const last = elevation.answers.at(-1);
      throw new Refusal("elevation_denied", `\`${last?.by ?? "a person"}\` said no${last?.reason === undefined ? "" : `: ${last.reason}`}`);
    }
    case "revoked":
      throw ended(elevation, `it was taken back${elevation.revoked === undefined ? "" : `: ${elevation.revoked.reason}`}`);
    case "expired":
    case "cancelled":
      if (elevation.given !== undefined) throw ended(elevation, "its time is over");
      throw new Refusal("approval_expired", `nobody answered elevation \`${id}\` in time; ask again if it is still needed`);
  }
}

async function wait(ports: CallPorts, session: Session, asked: Elevation, { patience, io }: Continuation): Promise<Elevation> {
  patience.onAsked?.(waitingOf(asked));
  const timeoutMs = Math.min(patience.waitMs, session.expiresAt.getTime() - ports.now().getTime());
  const answered = timeoutMs <= 0 ? undefined : await ports.elevations.wait(session.tenant, asked.id, { timeoutMs, signal: io.signal });
  return answered ?? asked;
}

/** What a line that is held open says of an elevation. */
export function waitingOf({ id, approvers, askEndsAt }: Elevation): Waiting {
  return { id, approvers, expiresAt: askEndsAt };
}

/** Scopes of a right in force that the session does not cover: a new one must, before they are of use. */
export function outsideSession(
  ports: Pick<CallPorts, "policy">,
  session: Pick<Session, "scope">,
  { role, given }: Elevation,
): readonly string[] {
  const wanted = given === undefined || given.scope.length === 0 ? roleScopes(ports.policy(), role) : given.scope;
  return wanted.filter((scope) => !session.scope.some((held) => covers(held, scope)));
}

function activeBody(ports: CallPorts, session: Session, elevation: Elevation): JsonObject {
  const { id, role, given } = elevation;
  const until = given?.until.toISOString() ?? "";
  const scope = [...(given?.scope ?? [])];
  const outside = outsideSession(ports, session, elevation);
  const next: readonly NextStep[] =
    outside.length === 0 ? [] : [{ kind: "reauthenticate", scope: [...session.scope, ...outside].join(" ") }];
  const text = [
    `elevation active: ${scope.length === 0 ? `all of the role \`${role}\`` : scope.join(" ")} until ${until}`,
    outside.length === 0
      ? "next: list the tools again and make the call that was refused"
      : `next: this session does not cover ${outside.join(" ")}: get a session token with scope ${[...session.scope, ...outside].join(" ")}, then make the call`,
  ].join("\n");
  return {
    content: [{ type: "text", text }],
    isError: false,
    structuredContent: { status: "active", elevation: id, role, scope, until, next: next.map((step) => ({ ...step })) },
  };
}

function askerOf({ agent, user, id, task, actors }: Session): Pick<ElevationWish, "agent" | "task" | "askedBy" | "actors"> {
  return { agent, task, askedBy: { agent, user, session: id }, actors };
}

/** Also a right in force that others asked for: whoever asks for what it has already is answered with it. */
function belongsTo({ id, agent, task, askedBy }: Elevation, session: Session): boolean {
  const asked = "agent" in askedBy && agent === session.agent && askedBy.user === session.user && task === session.task;
  return asked || session.elevations?.some((held) => held.id === id) === true;
}

function ended({ id, role }: Elevation, why: string): Refusal {
  return new Refusal(
    "elevation_ended",
    `elevation \`${id}\` to \`${role}\` is no longer in force: ${why}; ask again if it is still needed`,
  );
}

/** What an agent may not ask for is worth a record: somebody may want to know. @throws Fault `log_unavailable`. */
async function refused(
  ports: CallPorts,
  session: Session,
  call: Pick<Continuation, "peer" | "traceparent">,
  refusal: Refusal,
): Promise<Refusal> {
  const callId = ports.newId("call");
  const { code, message, rules, next } = refusal;
  await ports.log.append(session.tenant, {
    kind: "refusal",
    callId,
    ...saidOfSession(ports, session, call, { method: "request_elevation", verdict: "deny", code, rules: [] }),
    facts: { user: session.user, task: session.task, peer: call.peer, message },
  });
  const recorded = new RecordedRefusal(code, message, { rules, next });
  recorded.callId = callId;
  return recorded;
}
