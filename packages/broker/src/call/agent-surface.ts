import { decide, type JsonObject } from "@bailiwick/policy";
import type { Approval } from "../domain/approval.ts";
import type { RecordBody } from "../domain/audit.ts";
import type { Session } from "../domain/session.ts";
import { callerOf } from "./agent-of.ts";
import { authenticate } from "./authenticate.ts";
import { handleCall } from "./handle-call.ts";
import { entryFor, visibleName, type Entry } from "./names.ts";
import { isObject } from "./paths.ts";
import type { CallPorts } from "./ports.ts";
import type { Presented } from "./presented.ts";
import { sessionBody } from "./record-body.ts";
import { Refusal } from "./refusal.ts";
import { resolveSession } from "./resolve-session.ts";
import type { AgentSurface } from "./surface.ts";
import type { CallAnswer, IncomingCall } from "./types.ts";
import { connect, connectionKey, equip, lineFor } from "./upstream.ts";
import { mayEver, visibleTo } from "./visible.ts";

/** All that agents can do, over the call path. `changes` tells of policy and upstream list changes. */
export function createAgentSurface(ports: CallPorts, changes: (listener: () => void) => () => void): AgentSurface {
  const session = async (presented: Presented): Promise<Session> => resolveSession(ports, await authenticate(ports, { presented }));
  return {
    session,
    handle: (call) => handleCall(ports, call),
    resume: async (ticket, call) => resume(ports, session, ticket, call),
    list: async (presented) => visibleTo(ports, await session(presented)),
    complete: async (presented, params, signal) => complete(ports, await session(presented), params, signal),
    subscribe: async (presented, uri, onUpdate) => subscribe(ports, await session(presented), uri, onUpdate),
    setLogLevel: async (presented, level) => setLogLevel(ports, await session(presented), level),
    onListChange: changes,
  };
}

type Continuation = Parameters<AgentSurface["resume"]>[1];

// The held call runs again from the start, with the token of whoever asks now: a ticket alone opens nothing.
async function resume(ports: CallPorts, session: AgentSurface["session"], ticket: string, call: Continuation): Promise<CallAnswer> {
  try {
    const owner = await session(call.presented);
    const approval = await ports.approvals.find(owner.tenant, ticket);
    if (approval === undefined || !belongsTo(approval, owner)) {
      throw new Refusal("approval_unknown", `there is no approval \`${ticket}\` of this agent, user and task; repeat the call itself`);
    }
    requireOpen(approval);
    return await handleCall(ports, { ...call, ...repeated(ports, approval) });
  } catch (failure) {
    if (!(failure instanceof Refusal)) throw failure;
    return { kind: "refused", callId: undefined, code: failure.code, message: failure.message, rules: failure.rules, next: failure.next };
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

function repeated(ports: CallPorts, approval: Approval): Pick<IncomingCall, "kind" | "name" | "args" | "statedReason"> {
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
    statedReason: approval.statedReason,
  };
}

async function complete(ports: CallPorts, session: Session, params: JsonObject, signal: AbortSignal): Promise<JsonObject> {
  const ref = isObject(params["ref"]) ? params["ref"] : {};
  const named = ref["name"] ?? ref["uri"];
  const kind = ref["type"] === "ref/prompt" ? "prompt" : "resource";
  const policy = ports.policy();
  const entry = typeof named === "string" ? entryFor(policy, kind, kind === "resource" ? named.replace(/\{.*$/su, "") : named) : undefined;
  if (entry === undefined || !mayEver(policy, session, entry.action)) {
    throw new Refusal("tool_unknown", `no ${kind} \`${String(named)}\` is known here; ask for the list`);
  }
  const upstreamRef = kind === "prompt" ? { ...ref, name: entry.action.operation.name } : ref;
  return recorded(ports, session, entry, "completion/complete", async () => {
    const key = connectionKey(session, entry.tool.tool);
    const equipped = await equip(ports, entry.tool, key, { session });
    const connection = await lineFor(ports, entry.tool, key, equipped);
    return connection.complete({ ...params, ref: upstreamRef }, { equipment: equipped.equipment, signal });
  });
}

async function subscribe(
  ports: CallPorts,
  session: Session,
  uri: string,
  onUpdate: (params: JsonObject) => void,
): Promise<() => Promise<void>> {
  const policy = ports.policy();
  const entry = entryFor(policy, "resource", uri);
  if (entry === undefined) throw new Refusal("tool_unknown", `no resource \`${uri}\` is known here; ask for the list of resources`);
  const operation = { ...entry.action.operation, name: uri };
  const decision = decide(policy, { caller: callerOf(session), operation, args: {}, now: ports.now() });
  if (decision.verdict !== "allow") {
    throw new Refusal(
      decision.refusal?.code ?? "no_grant",
      decision.refusal?.message ?? "a subscription cannot wait for a person; read the resource instead",
      {
        rules: decision.rules,
        next: decision.refusal?.next ?? [],
      },
    );
  }
  return recorded(ports, session, entry, "resources/subscribe", async () =>
    (await connect(ports, entry.tool, connectionKey(session, entry.tool.tool))).subscribe(uri, onUpdate),
  );
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

// A read beside the call path: recorded before it happens and closed after it, so that it never shows as an unknown outcome.
async function recorded<T>(ports: CallPorts, session: Session, entry: Entry, method: string, read: () => Promise<T>): Promise<T> {
  const callId = ports.newId("call");
  const body = (): RecordBody => ({
    ...sessionBody(ports, session, { peer: "" }),
    tool: entry.tool.tool,
    operation: entry.action.operation.name,
    action: entry.action.scope,
    method,
    policyVersion: ports.policy().version,
  });
  const settle = (status: string): Promise<unknown> =>
    ports.log.append(session.tenant, { kind: "outcome", callId, body: { ...body(), status } });
  await ports.log.append(session.tenant, { kind: "lookup", callId, body: body() });
  try {
    const answer = await read();
    await settle("succeeded");
    return answer;
  } catch (failure) {
    await settle("failed");
    throw failure;
  }
}
