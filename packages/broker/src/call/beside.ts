import { digest } from "@bailiwick/ledger";
import { type Decision, decide, type JsonObject } from "@bailiwick/policy";
import type { Session } from "../domain/session.ts";
import { callerOf } from "./agent-of.ts";
import { beginRead } from "./begin-read.ts";
import { reservationsOf } from "./limit.ts";
import { entryFor, type Entry } from "./names.ts";
import { isObject } from "./paths.ts";
import type { CallPorts } from "./ports.ts";
import type { Claims } from "./presented.ts";
import { rulesBody, type Said, saidOfSession } from "./record-body.ts";
import { RecordedRefusal, Refusal } from "./refusal.ts";
import { scrub } from "./scrub.ts";
import { elevationsBody } from "./stands-on.ts";
import { connect, connectionKey, equip, lineFor } from "./upstream.ts";
import { mayEver } from "./visible.ts";

/** Whose request it is, and the proof that pays for what it reads. */
export interface Asker {
  readonly session: Session;
  readonly proof: Claims["proof"];
}

/** What a read beside the call path draws when no rule says more: one call of the session's budget. */
const NO_LIMITS: BesideDecision = { limits: [] };

/** MCP `completion/complete`. @throws Refusal; Fault. */
export async function complete(ports: CallPorts, asker: Asker, params: JsonObject, signal: AbortSignal): Promise<JsonObject> {
  const { session } = asker;
  const ref = isObject(params["ref"]) ? params["ref"] : {};
  const named = ref["name"] ?? ref["uri"];
  const kind = ref["type"] === "ref/prompt" ? "prompt" : "resource";
  const policy = ports.policy();
  const entry = typeof named === "string" ? entryFor(policy, kind, kind === "resource" ? named.replace(/\{.*$/su, "") : named) : undefined;
  if (entry === undefined || !mayEver(policy, session, entry.action)) {
    const refusal = new Refusal("tool_unknown", `no ${kind} \`${String(named)}\` is known here; ask for the list`);
    throw await refused(ports, session, { method: "completion/complete", asked: params }, refusal);
  }
  const upstreamRef = kind === "prompt" ? { ...ref, name: entry.action.operation.name } : ref;
  return recorded(ports, { ...asker, entry, decision: NO_LIMITS, method: "completion/complete", asked: params }, async () => {
    const key = connectionKey(session, entry.tool.tool);
    const equipped = await equip(ports, entry.tool, key, { session });
    const connection = await lineFor(ports, entry.tool, key, equipped);
    const answer = await connection.complete({ ...params, ref: upstreamRef }, { equipment: equipped.equipment, signal });
    return scrub(answer, equipped.secrets);
  });
}

/** MCP `resources/subscribe`. Returns the function that ends it. @throws Refusal; Fault. */
export async function subscribe(
  ports: CallPorts,
  { session, proof }: Asker,
  uri: string,
  onUpdate: (params: JsonObject) => void,
): Promise<() => Promise<void>> {
  const policy = ports.policy();
  const read = { method: "resources/subscribe", asked: { uri } };
  const entry = entryFor(policy, "resource", uri);
  if (entry === undefined) {
    const refusal = new Refusal("tool_unknown", `no resource \`${uri}\` is known here; ask for the list of resources`);
    throw await refused(ports, session, read, refusal);
  }
  const operation = { ...entry.action.operation, name: uri };
  const decision = decide(policy, { caller: callerOf(session), operation, args: {}, now: ports.now() });
  if (decision.verdict !== "allow") {
    const why = decision.refusal?.message ?? "a subscription cannot wait for a person; read the resource instead";
    const next = decision.refusal?.next ?? [];
    const refusal = new Refusal(decision.refusal?.code ?? "no_grant", why, { rules: decision.rules, next });
    throw await refused(ports, session, read, refusal);
  }
  // One request may subscribe to several resources, and its one proof pays for each of them once. A digest, since a URI may be long.
  const each = proof === undefined ? undefined : { ...proof, id: digest([proof.id, uri.toWellFormed()]) };
  return recorded(ports, { session, proof: each, entry, decision, ...read }, async () =>
    (await connect(ports, entry.tool, connectionKey(session, entry.tool.tool))).subscribe(uri, onUpdate),
  );
}

/** Which read, and what the agent asked of it in its own words. */
interface AskedRead {
  readonly method: string;
  readonly asked: JsonObject;
}

type BesideDecision = Pick<Decision, "limits" | "amounts" | "elevations" | "delegator">;

interface Beside extends Asker, AskedRead {
  readonly entry: Entry;
  readonly decision: BesideDecision;
}

// A read beside the call path: recorded before it happens and closed after it, so that it never shows as an unknown outcome.
async function recorded<T>(ports: CallPorts, beside: Beside, read: () => Promise<T>): Promise<T> {
  const { session, proof, entry, decision, method, asked } = beside;
  const callId = ports.newId("call");
  const own = (more: JsonObject = {}): Said =>
    saidOfSession(
      ports,
      session,
      {},
      {
        tool: entry.tool.tool,
        operation: entry.action.operation.name,
        action: entry.action.scope,
        method,
        policyVersion: ports.policy().version,
        ...elevationsBody(decision),
        ...more,
      },
    );
  const settle = (status: string): Promise<unknown> => ports.log.append(session.tenant, { kind: "outcome", callId, ...own({ status }) });
  await beginRead(
    ports,
    { session, action: entry.action, decision },
    { kind: "lookup", callId, ...own(), facts: askedFacts(session, asked) },
    { proof, reservations: reservationsOf(session, decision) },
  );
  try {
    const answer = await read();
    await settle("succeeded");
    return answer;
  } catch (failure) {
    await settle("failed");
    throw failure;
  }
}

/** Records the refusal of a read. @throws Fault `log_unavailable`. */
async function refused(ports: CallPorts, session: Session, { method, asked }: AskedRead, refusal: Refusal): Promise<Refusal> {
  const { code, message, rules, next } = refusal;
  await ports.log.append(session.tenant, {
    kind: "refusal",
    callId: ports.newId("call"),
    ...saidOfSession(ports, session, {}, { method, verdict: "deny", code, rules: rulesBody(rules) }),
    facts: askedFacts(session, asked),
  });
  return new RecordedRefusal(code, message, { rules, next });
}

function askedFacts({ user, task }: Session, asked: JsonObject): JsonObject {
  return { asked, user, task };
}
