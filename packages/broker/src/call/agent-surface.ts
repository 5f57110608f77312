import type { Approval } from "../domain/approval.ts";
import type { Session } from "../domain/session.ts";
import { authenticate } from "./authenticate.ts";
import { type Asker, complete, subscribe } from "./beside.ts";
import { type Continuation, isElevationTicket, ownElevation, requestElevation, waitForElevation } from "./elevate.ts";
import { handleCall } from "./handle-call.ts";
import { visibleName } from "./names.ts";
import type { CallPorts } from "./ports.ts";
import type { Presented } from "./presented.ts";
import { Refusal } from "./refusal.ts";
import { resolveSession } from "./resolve-session.ts";
import type { AgentSurface } from "./surface.ts";
import type { CallAnswer, IncomingCall } from "./types.ts";
import { connect, connectionKey } from "./upstream.ts";
import { mayEver, visibleTo } from "./visible.ts";

/** All that agents can do, over the call path. `changes` tells of policy and upstream list changes. */
export function createAgentSurface(ports: CallPorts, changes: (listener: () => void) => () => void): AgentSurface {
  const asked = async (presented: Presented): Promise<Asker> => {
    const claims = await authenticate(ports, { presented });
    return { session: await resolveSession(ports, claims), proof: claims.proof };
  };
  const session = async (presented: Presented): Promise<Session> => (await asked(presented)).session;
  return {
    session,
    handle: (call) => handleCall(ports, call),
    resume: async (ticket, call) => resume(ports, session, ticket, call),
    requestElevation: async (args, call) => answered(async () => requestElevation(ports, await session(call.presented), args, call)),
    list: async (presented) => visibleTo(ports, await session(presented)),
    complete: async (presented, params, signal) => complete(ports, await asked(presented), params, signal),
    subscribe: async (presented, uri, onUpdate) => subscribe(ports, await asked(presented), uri, onUpdate),
    setLogLevel: async (presented, level) => setLogLevel(ports, await session(presented), level),
    onListChange: changes,
  };
}

/** Texts that no ticket can be are not looked for. */
const TICKET = /^[\x21-\x7e]{1,200}$/u;

// The held call runs again from the start, with the token of whoever asks now: a ticket alone opens nothing.
async function resume(ports: CallPorts, session: AgentSurface["session"], ticket: string, call: Continuation): Promise<CallAnswer> {
  return answered(async () => {
    const owner = await session(call.presented);
    if (isElevationTicket(ticket) && TICKET.test(ticket))
      return waitForElevation(ports, owner, await ownElevation(ports, owner, ticket), call);
    const approval = TICKET.test(ticket) ? await ports.approvals.find(owner.tenant, ticket) : undefined;
    if (approval === undefined || !belongsTo(approval, owner)) {
      throw new Refusal(
        "approval_unknown",
        `there is no approval \`${ticket.slice(0, 200).toWellFormed()}\` of this agent, user and task; repeat the call itself`,
      );
    }
    requireOpen(approval);
    return handleCall(ports, { ...call, ...repeated(ports, approval) });
  });
}

/** What stops a request beside the call path, as its answer. */
async function answered(work: () => Promise<CallAnswer>): Promise<CallAnswer> {
  try {
    return await work();
  } catch (failure) {
    if (!(failure instanceof Refusal)) throw failure;
    const { callId, code, message, rules, next } = failure;
    return { kind: "refused", callId, code, message, rules, next };
  }
}

// A spent ticket must not ask a person again in the guise of waiting for the answer.
function requireOpen(approval: Approval): void {
  if (approval.state === "used") {
    throw new Refusal(
      "approval_used",
      `approval \`${approval.id}\` was used already; its result was returned once, repeat the call itself to ask again`,
    );
  }
  if (approval.state === "expired" || approval.state === "cancelled") {
    throw new Refusal("approval_expired", `nobody answered approval \`${approval.id}\` in time; repeat the call itself to ask again`);
  }
}

function belongsTo(approval: Approval, session: Session): boolean {
  return approval.agent === session.agent && approval.user === session.user && approval.task === session.task;
}

function repeated(ports: CallPorts, approval: Approval): Pick<IncomingCall, "kind" | "name" | "args" | "ticket" | "statedReason"> {
  const { kind, name, tool } = approval.operation;
  const policy = ports.policy();
  const action = policy.tools
    .find((each) => each.tool === tool)
    ?.actions.find((each) => each.operation.kind === kind && each.operation.name === name);
  const forced = new Set(Object.keys(action?.force ?? {}));
  const args = Object.fromEntries(Object.entries(approval.args).filter(([argument]) => !forced.has(argument)));
  return {
    kind,
    name: action === undefined || kind === "resource" ? name : visibleName(policy, action),
    args,
    ticket: approval.id,
    statedReason: approval.statedReason,
  };
}

// A log level is the agent's own view of messages its calls already receive: nothing is read, so nothing is recorded.
async function setLogLevel(ports: CallPorts, session: Session, level: string): Promise<void> {
  const policy = ports.policy();
  const reachable = policy.tools.filter((tool) => tool.actions.some((action) => mayEver(policy, session, action)));
  await Promise.all(
    reachable.map(async (tool) => {
      const known = ports.tools.known(connectionKey(session, tool.tool));
      if (known?.capabilities["logging"] === undefined) return;
      await (await connect(ports, tool, connectionKey(session, tool.tool))).setLogLevel(level);
    }),
  );
}
