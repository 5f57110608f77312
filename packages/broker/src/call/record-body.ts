import type { JsonObject, RowBound, RuleRef } from "@bailiwick/policy";
import type { RecordBody } from "../domain/audit.ts";
import { chainOf } from "../domain/ended.ts";
import type { Session } from "../domain/session.ts";
import type { CallPorts } from "./ports.ts";
import type { DecidedCall, IncomingCall } from "./types.ts";

/** The chained body every record of a decided call starts from: who, what, the decision and its rules. Arguments only as their digest. */
export function bodyOf(ports: Pick<CallPorts, "brokerId" | "now">, call: DecidedCall): RecordBody {
  return {
    ...sessionBody(ports, call.session, call.incoming),
    tool: call.operation.tool,
    operation: call.operation.name,
    action: call.action.scope,
    effect: call.action.effect,
    argsDigest: call.argsDigest,
    fingerprint: call.fingerprint,
    ...(call.resource === undefined ? {} : { resource: { type: call.resource.type, id: call.resource.id } }),
    verdict: call.decision.verdict,
    rules: rulesBody(call.decision.rules),
    policyVersion: call.decision.policyVersion,
  };
}

/** What is known of a call as soon as its session is. */
export function sessionBody(
  ports: Pick<CallPorts, "brokerId" | "now">,
  session: Session,
  incoming: Pick<IncomingCall, "peer" | "traceparent">,
): RecordBody {
  return {
    at: ports.now().toISOString(),
    broker: ports.brokerId,
    tenant: session.tenant,
    environment: session.environment,
    workflow: session.workflow,
    agent: session.agent,
    user: session.user,
    userProof: session.userProof,
    session: session.id,
    binding: session.binding.kind,
    ...(session.client === undefined ? {} : { client: session.client }),
    ...(session.lineage.length === 0 ? {} : { lineage: session.lineage }),
    ...(session.actors.length === 0 ? {} : { actors: session.actors }),
    ...(session.partner === undefined ? {} : { partner: session.partner }),
    task: session.task,
    peer: incoming.peer,
    ...(incoming.traceparent === undefined ? {} : { traceparent: incoming.traceparent }),
  };
}

/** What lies beside the record, erasable: everything needed to explain the decision again. */
export function factsOf(call: DecidedCall): JsonObject {
  return {
    operation: { ...call.operation },
    args: call.args,
    data: call.session.data,
    scope: [...call.session.scope],
    ...(call.session.rows.length === 0 ? {} : { rows: call.session.rows.map((bound) => rowsBody(bound)) }),
    ...(call.session.delegator === undefined ? {} : { delegators: chainOf(call.session.delegator).map((each) => delegatorFacts(each)) }),
    ...(call.resource === undefined ? {} : { resource: { ...call.resource } }),
    ...(call.incoming.statedReason === undefined ? {} : { statedReason: call.incoming.statedReason }),
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
