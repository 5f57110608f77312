import { type JsonObject, obligationsOf, type RowBound, type RuleRef } from "@bailiwick/policy";
import type { LogEntry, ResourceName } from "../domain/audit.ts";
import { chainOf } from "../domain/ended.ts";
import { recordedActors, type Session } from "../domain/session.ts";
import type { Undoing } from "../domain/undo.ts";
import { textAt } from "./paths.ts";
import type { CallPorts } from "./ports.ts";
import type { DecidedCall, IncomingCall } from "./types.ts";

/** What a record says, without its kind, its call and what lies sealed beside it. */
export type Said = Pick<LogEntry, "body" | "people" | "resource" | "task">;

type RecordPorts = Pick<CallPorts, "brokerId" | "now">;

/** What every record of a decided call starts from: who, what, the decision and its rules. Arguments only as a commitment. */
export function said(ports: RecordPorts, call: DecidedCall, more: JsonObject = {}): Said {
  const resource = recordNamed(call);
  const session = saidOfSession(ports, call.session, call.incoming, {
    tool: call.operation.tool,
    operation: call.action.operation.name,
    action: call.action.scope,
    effect: call.action.effect,
    fingerprint: call.fingerprint,
    verdict: call.decision.verdict,
    rules: rulesBody(call.decision.rules),
    policyVersion: call.decision.policyVersion,
    ...more,
  });
  return resource === undefined ? session : { ...session, resource };
}

/** The record a call is about, also where it was never loaded: whoever erases it means the arguments of calls that were refused, too. */
function recordNamed({ action, args, resource }: DecidedCall): ResourceName | undefined {
  if (resource !== undefined) return { type: resource.type, id: resource.id };
  const id = action.resource === undefined ? undefined : textAt({ args }, action.resource.id);
  return id === undefined || action.resource === undefined ? undefined : { type: action.resource.type, id };
}

/** What is known of a call as soon as its session is. */
export function saidOfSession(
  ports: RecordPorts,
  session: Session,
  incoming: Pick<IncomingCall, "traceparent">,
  more: JsonObject = {},
): Said {
  const actors = recordedActors(session);
  return {
    body: {
      at: ports.now().toISOString(),
      broker: ports.brokerId,
      tenant: session.tenant,
      environment: session.environment,
      workflow: session.workflow,
      agent: session.agent,
      userProof: session.userProof,
      session: session.id,
      run: session.run,
      binding: session.binding.kind,
      ...(session.client === undefined ? {} : { client: session.client }),
      ...(session.lineage.length === 0 ? {} : { lineage: session.lineage }),
      ...(actors.length === 0 ? {} : { actors }),
      ...(session.partner === undefined ? {} : { partner: session.partner }),
      ...(session.undo === undefined ? {} : undoBody(session.undo)),
      ...(incoming.traceparent === undefined ? {} : { traceparent: incoming.traceparent }),
      ...more,
    },
    people: { user: session.user, ...(session.undo !== undefined && "person" in session.undo.by ? { by: session.undo.by.person } : {}) },
    task: session.task,
  };
}

/** That a call takes another one back; a person who had it asked stands among the people. */
function undoBody({ call, by }: Undoing): JsonObject {
  return { undoes: call, ...("named" in by ? { by: by.named } : {}) };
}

/** What the policy asks to be done with a call that it lets pass. */
export function obligationsBody({ policy, request, decision }: DecidedCall): JsonObject {
  const obligations = obligationsOf(policy, request, decision);
  return obligations.length === 0 ? {} : { obligations };
}

/** What lies sealed beside the record, erasable: everything needed to explain the decision again, and who called from where. */
export function factsOf(call: DecidedCall): JsonObject {
  return {
    operation: { ...call.operation },
    args: call.args,
    data: call.session.data,
    scope: [...call.session.scope],
    ...(call.session.rows.length === 0 ? {} : { rows: call.session.rows.map((bound) => rowsBody(bound)) }),
    ...(call.session.delegator === undefined ? {} : { delegators: chainOf(call.session.delegator).map((each) => delegatorFacts(each)) }),
    ...(call.resource === undefined ? {} : { resource: { ...call.resource } }),
    ...callerFacts(call.session, call.incoming),
  };
}

/** Who asked, in plain: sealed with the facts of every record that begins a call. */
export function callerFacts(session: Session, incoming: Pick<IncomingCall, "peer" | "statedReason">): JsonObject {
  return {
    user: session.user,
    task: session.task,
    peer: incoming.peer,
    ...(recordedActors(session).length === session.actors.length ? {} : { actors: session.actors }),
    ...(incoming.statedReason === undefined ? {} : { statedReason: incoming.statedReason }),
  };
}

function delegatorFacts({ id, agent, workflow, task, data, scope, rows }: Session): JsonObject {
  return { session: id, agent, workflow, task, data, scope: [...scope], rows: rows.map((bound) => rowsBody(bound)) };
}

function rowsBody(bound: RowBound): JsonObject {
  return Object.fromEntries(
    Object.entries(bound).map(([type, fields]) => [
      type,
      Object.fromEntries(Object.entries(fields).map(([path, values]) => [path, [...values]])),
    ]),
  );
}

/** Rules as they stand in records: kind, id and place. */
export function rulesBody(rules: readonly RuleRef[]): readonly JsonObject[] {
  return rules.map(({ kind, id, at, reason }) => ({ kind, id, file: at.file, line: at.line, reason }));
}
