import { decide, type Decision, findAction, forcedArguments, type JsonObject, type ResourceFacts } from "@bailiwick/policy";
import { callerOf } from "../call/agent-of.ts";
import { diffOf } from "../call/diff.ts";
import { answeredByWhoMay, asksNoMorePeople, writtenFields } from "../call/hold.ts";
import { textAt } from "../call/paths.ts";
import type { CallPorts } from "../call/ports.ts";
import type { Approval, FieldChange } from "../domain/approval.ts";

/** What policy says of arguments that a person would approve in place of those asked. */
export interface TriedEdit {
  readonly decision: Decision;
  /** Those arguments, with what the broker sets itself. */
  readonly args: JsonObject;
  readonly diff: readonly FieldChange[];
  /** Why nobody who was asked can say yes to them; absent when they can. */
  readonly refused?: string | undefined;
}

/**
 * Decides other arguments as if the agent had sent them, with the record as it was shown: nothing is read from the tool. The call path decides once more
 * when it runs. A record whose
 * facts are gone is unknown: then only what no record could make possible is refused here. Undefined when the session that asked is no longer known.
 */
export async function tryEdit(
  ports: Pick<CallPorts, "policy" | "sessions" | "log" | "now">,
  approval: Approval,
  edited: JsonObject,
): Promise<TriedEdit | undefined> {
  const policy = ports.policy();
  const session = await ports.sessions.find(approval.tenant, approval.session);
  const action = findAction(policy, approval.operation);
  if (session === undefined || action === undefined) return undefined;
  const caller = callerOf(session);
  const args = { ...edited, ...forcedArguments(action, caller) };
  const resource = approval.resource === undefined ? undefined : await shownRecord(ports, approval);
  const decision = decide(policy, {
    caller,
    operation: approval.operation,
    args,
    now: ports.now(),
    ...(approval.resource === undefined ? {} : { resource: resource ?? "unknown" }),
  });
  const named = action.resource === undefined ? undefined : textAt({ args }, action.resource.id);
  const refused = resource !== undefined && named !== resource.id ? OTHER_RECORD : refusalOf(approval, decision);
  return {
    decision,
    args,
    diff: diffOf(resource?.attributes, writtenFields({ action, args })),
    ...(refused === undefined ? {} : { refused }),
  };
}

/** People see one record, and what would become of it. */
const OTHER_RECORD = "these arguments name another record than the one shown";

function refusalOf(approval: Approval, decision: Decision): string | undefined {
  if (decision.verdict === "deny") return decision.refusal?.message ?? "policy does not allow these arguments";
  if (!answeredByWhoMay(approval, { decision }))
    return `these arguments need the yes of ${decision.approve?.by.join(" or ") ?? "others"}, who were not asked`;
  return asksNoMorePeople(approval, { decision }) ? undefined : "these arguments need the yes of more people than were asked";
}

async function shownRecord(ports: Pick<CallPorts, "log">, approval: Approval): Promise<ResourceFacts | undefined> {
  const facts = await ports.log.facts(approval.tenant, approval.callId);
  const kept = facts?.["resource"];
  if (typeof kept !== "object" || kept === null || Array.isArray(kept)) return undefined;
  const { type, id, attributes } = kept as JsonObject;
  if (
    typeof type !== "string" ||
    typeof id !== "string" ||
    typeof attributes !== "object" ||
    attributes === null ||
    Array.isArray(attributes)
  )
    return undefined;
  return { type, id, attributes: attributes as JsonObject };
}
