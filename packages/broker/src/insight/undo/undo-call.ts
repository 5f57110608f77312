import type { JsonObject, Policy } from "@bailiwick/policy";
import { agentOf } from "../../call/agent-of.ts";
import { DeniedByPolicy, decideCall } from "../../call/decide.ts";
import { handleCall } from "../../call/handle-call.ts";
import { identify } from "../../call/identify.ts";
import { visibleName } from "../../call/names.ts";
import type { CallPorts } from "../../call/ports.ts";
import { Refusal } from "../../call/refusal.ts";
import { writtenFields } from "../../call/hold.ts";
import type { CallAnswer, IncomingCall } from "../../call/types.ts";
import { adminRecord } from "../../domain/admin-record.ts";
import { Fault } from "../../domain/fault.ts";
import type { Session } from "../../domain/session.ts";
import { changedFields, type ThreeWayChange, threeWay } from "../../domain/undo.ts";
import { isObject } from "../../call/paths.ts";
import { statusOf, viewRecord } from "../record-view.ts";
import { proposeUndo, type UndoObstacle, type UndoProposal } from "./propose-undo.ts";
import { type KeptFacts, type RecordedCall, recordedCall } from "./recorded-call.ts";
import { type Asker, openUndoSession, type UndoSessionPorts } from "./undo-session.ts";
import { undoStanding, type UndoStanding } from "./undo-standing.ts";

/** The call path, and what opens the sessions it is walked in. */
export interface UndoPorts {
  readonly call: CallPorts;
  readonly session: UndoSessionPorts;
}

/** A call that can be taken back, as far as the records say. */
export interface Undoable {
  readonly call: RecordedCall;
  readonly kept: KeptFacts;
  readonly standing: UndoStanding;
  readonly proposal: UndoProposal;
}

export type Looked = ({ readonly possible: true } & Undoable) | ({ readonly possible: false; readonly call: RecordedCall } & UndoObstacle);

/** What would happen to the record, and what the policy would say now. */
export interface UndoPreview {
  readonly verdict: "allow" | "ask" | "deny";
  /** Why it is denied, or why that could not be found out. */
  readonly message?: string | undefined;
  readonly code?: string | undefined;
  readonly changes: readonly ThreeWayChange[];
}

/** How an undo came out. `changed`: the record is no longer as the call left it. */
export type UndoOutcome =
  | { readonly state: "undone"; readonly undo: string }
  | { readonly state: "pending"; readonly undo: string; readonly approval: string; readonly approvers: readonly string[] }
  | {
      readonly state: "refused" | "changed" | "failed" | "unknown";
      readonly undo: string;
      readonly code?: string | undefined;
      readonly message: string;
      readonly changes?: readonly ThreeWayChange[] | undefined;
    };

/** How long the right to begin this attempt stays spent: longer than any call takes, after which its record tells. */
const ATTEMPT_MS = 60 * 60 * 1000;

/** What would take this call back, or why nothing can. Undefined when the tenant has no such call. */
export async function lookAtUndo(ports: UndoPorts, tenant: string, callId: string): Promise<Looked | undefined> {
  const found = await recordedCall(ports.call.log, tenant, callId);
  if (found === undefined) return undefined;
  const { call, records } = found;
  const standing = await undoStanding(ports.call.log, tenant, records);
  const proposed = proposeUndo(ports.call.policy(), call, standing);
  if (!proposed.ok) return { possible: false, call, code: proposed.code, message: proposed.message };
  // Without facts there is no proposal.
  const { kept } = call;
  if (kept === undefined) throw new Error("a proposal is made of facts");
  return { possible: true, call, kept, standing, proposal: proposed.proposal };
}

/** Goes the path of the undo up to the policy's answer: its record is loaded, and nothing is sent. */
export async function previewUndo(ports: UndoPorts, undoable: Undoable, asker: Asker): Promise<UndoPreview> {
  const { proposal } = undoable;
  const session = await opened(ports, undoable, asker);
  const callId = ports.call.newId("call");
  const incoming = incomingOf(ports.call.policy(), undoable, asker);
  const judged = (
    verdict: UndoPreview["verdict"],
    now: JsonObject | undefined,
    why: Pick<UndoPreview, "code" | "message"> = {},
  ): UndoPreview => ({
    verdict,
    ...why,
    changes: changesOf(proposal, now),
  });
  try {
    const identified = await identify(ports.call, session, { callId, incoming, arrivedAt: ports.call.now() });
    const { decision, resource } = await decideCall(ports.call, session, identified);
    return judged(decision.verdict, resource?.attributes);
  } catch (failure) {
    if (failure instanceof DeniedByPolicy)
      return judged("deny", failure.call.resource?.attributes, { code: failure.code, message: failure.message });
    if (failure instanceof Refusal || failure instanceof Fault)
      return judged("deny", undefined, { code: failure.code, message: failure.message });
    throw failure;
  }
}

/**
 * Takes the call back, by the path that every call goes: policy, people, limits, record. The attempt is named in the records of the call
 * before it is made, and its beginning is paid with a proof that there is one of, so that of two askers only one comes through.
 * @throws Fault `log_unavailable`, `session_ended`, `store_unavailable`: nothing was sent.
 */
export async function undoCall(ports: UndoPorts, undoable: Undoable, asker: Asker): Promise<UndoOutcome> {
  const { call, kept, standing } = undoable;
  const session = await opened(ports, undoable, asker);
  const undo = ports.call.newId("call");
  await ports.call.log.append(
    call.tenant,
    adminRecord({
      at: ports.call.now(),
      event: "call.undo",
      by: asker.by,
      via: asker.via,
      callId: call.callId,
      user: kept.user,
      body: { undo, session: session.id, run: call.run, agent: call.agent, environment: call.environment },
      ...(asker.reason === undefined ? {} : { facts: { undoReason: asker.reason } }),
    }),
  );
  const incoming = { ...incomingOf(ports.call.policy(), undoable, asker), ...expectation(undoable.proposal) };
  const answer = await handleCall(attempt(ports.call, session, undo, `undo:${call.callId}:${standing.begun}`), incoming);
  return outcomeOf(ports, undoable, undo, answer);
}

/** Whoever opens it, a session is bounded as the agent's sessions are. */
function opened(ports: UndoPorts, undoable: Undoable, asker: Asker): Promise<Session> {
  const bounds = agentOf(ports.call.policy(), undoable.call.agent)?.session;
  return openUndoSession(ports.session, { ...undoable, bounds }, asker);
}

/** The ports of one attempt: nobody shows a token, the call has the id that was written down, and the proof is that of the attempt. */
function attempt(ports: CallPorts, session: Session, undo: string, proof: string): CallPorts {
  const untilMs = ports.now().getTime() + ATTEMPT_MS;
  return {
    ...ports,
    newId: (prefix) => (prefix === "call" ? undo : ports.newId(prefix)),
    senders: { verify: () => Promise.resolve({ tenant: session.tenant, session: session.id, proof: { id: proof, untilMs } }) },
  };
}

function incomingOf(policy: Policy, { call, proposal }: Undoable, { reason }: Asker): IncomingCall {
  return {
    presented: { token: undefined, scheme: "Bearer", method: "POST", url: "" },
    peer: "the broker itself",
    kind: "tool",
    name: visibleName(policy, proposal.action),
    args: proposal.args,
    statedReason: `undoes \`${call.callId}\`${reason === undefined ? "" : `: ${reason}`}`,
    io: {
      signal: new AbortController().signal,
      capabilities: {},
      progress: () => undefined,
      log: () => undefined,
      ask: () => Promise.reject(new Fault("agent_cannot_answer", "an undo has no agent that a tool could ask")),
    },
    // Whoever asks comes back once people have answered.
    patience: { waitMs: 0 },
  };
}

function expectation({ expects }: UndoProposal): Pick<IncomingCall, "expects"> {
  return expects === undefined ? {} : { expects };
}

async function outcomeOf(ports: UndoPorts, { call, proposal }: Undoable, undo: string, answer: CallAnswer): Promise<UndoOutcome> {
  switch (answer.kind) {
    case "result":
    case "tool_error":
      // What an agent is shown of it says less: a record that it may not see any more looks like an error to it.
      return (await succeeded(ports.call, call.tenant, undo)) ? { state: "undone", undo } : failed(undo);
    case "pending":
      return { state: "pending", undo, approval: answer.approval.id, approvers: answer.approval.approvers };
    case "pending_elevation":
      return { state: "refused", undo, message: "the undo waits for a right that nobody asked for; this cannot be" };
    case "unknown":
      return { state: "unknown", undo, message: answer.message };
    case "refused": {
      const { code, message } = answer;
      if (code === "proof_replayed")
        return { state: "refused", undo, code, message: "somebody else has begun to undo this call; look at it again" };
      if (code !== "record_changed") return { state: "refused", undo, code, message };
      return { state: "changed", undo, code, message, changes: changesOf(proposal, await recordNow(ports.call, call.tenant, undo)) };
    }
  }
}

async function succeeded({ log }: Pick<CallPorts, "log">, tenant: string, undo: string): Promise<boolean> {
  const records = (await log.recordsOf(tenant, [undo])).map(viewRecord);
  return records.some((record) => record.kind === "outcome" && statusOf(record) === "succeeded");
}

function failed(undo: string): UndoOutcome {
  return { state: "failed", undo, message: `the tool refused; \`bailiwick explain ${undo}\` shows the call that would have undone it` };
}

/** The record that a refused undo found; it lies with the facts of its refusal. */
async function recordNow(ports: Pick<CallPorts, "log">, tenant: string, undo: string): Promise<JsonObject | undefined> {
  const resource = (await ports.log.facts(tenant, undo))?.["resource"];
  const attributes = isObject(resource) ? resource["attributes"] : undefined;
  return isObject(attributes) ? attributes : undefined;
}

/** Before, as the call left it, now; a conflict where the undo would write what somebody has changed since. */
export function changesOf({ action, args, expects, before, after }: UndoProposal, now: JsonObject | undefined): readonly ThreeWayChange[] {
  const conflicts =
    expects === undefined || now === undefined ? [] : changedFields(expects, now, Object.keys(writtenFields({ action, args })));
  return threeWay({ before, after, now }, conflicts);
}
