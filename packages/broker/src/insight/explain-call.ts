import {
  decide,
  explain,
  findAction,
  type Caller,
  type DecisionRequest,
  type Explanation,
  type Operation,
  type Policy,
  type ResourceFacts,
} from "@bailiwick/policy";
import { z } from "zod";
import type { AuditLog } from "../domain/audit.ts";

const rowsSchema = z.array(z.record(z.string(), z.record(z.string(), z.array(z.string())))).default([]);

/** What a decision asked of a session above, the nearest first. */
const delegatorSchema = z.object({
  session: z.string(),
  agent: z.string(),
  workflow: z.string(),
  task: z.string(),
  data: z.record(z.string(), z.json()),
  scope: z.array(z.string()),
  rows: rowsSchema,
});

const factsSchema = z.object({
  operation: z.object({ tool: z.string(), kind: z.enum(["tool", "resource", "prompt"]), name: z.string() }),
  args: z.record(z.string(), z.json()),
  user: z.string(),
  task: z.string(),
  data: z.record(z.string(), z.json()),
  scope: z.array(z.string()),
  rows: rowsSchema,
  delegators: z.array(delegatorSchema).default([]),
  resource: z.object({ type: z.string(), id: z.string(), attributes: z.record(z.string(), z.json()) }).optional(),
});

const bodySchema = z.object({
  at: z.string(),
  agent: z.string(),
  environment: z.string(),
  workflow: z.string(),
  session: z.string(),
});

/**
 * Why a recorded call came out as it did, and what would change it, judged by the policy in force now
 * over the facts kept with the record. Undefined when the tenant has no such call, it never reached a decision, or its facts were erased.
 */
export async function explainCall(
  log: Pick<AuditLog, "recordsOf" | "facts">,
  policy: Policy,
  tenant: string,
  callId: string,
): Promise<Explanation | undefined> {
  const request = await recordedRequest(log, policy, tenant, callId);
  return request === undefined ? undefined : explain(policy, request, decide(policy, request));
}

/** What was asked of the policy for a recorded call, to ask it again. Undefined where `explainCall` is. */
export async function recordedRequest(
  log: Pick<AuditLog, "recordsOf" | "facts">,
  policy: Policy,
  tenant: string,
  callId: string,
): Promise<DecisionRequest | undefined> {
  const [records, kept] = await Promise.all([log.recordsOf(tenant, [callId]), log.facts(tenant, callId)]);
  // Answers of people belong to the call as well, but only its own records say who asked.
  const first = records.find((each) => each.kind !== "admin");
  const facts = factsSchema.safeParse(kept);
  if (first === undefined || !facts.success) return undefined;
  const body = bodySchema.safeParse(JSON.parse(first.text));
  return body.success ? requestOf(policy, tenant, body.data, facts.data) : undefined;
}

function requestOf(
  policy: Policy,
  tenant: string,
  body: z.output<typeof bodySchema>,
  facts: z.output<typeof factsSchema>,
): DecisionRequest {
  const { agent, environment, workflow, session } = body;
  const { user, task } = facts;
  const operation: Operation = facts.operation;
  // A call that was hopeless whatever its record was stopped before the record was loaded: it is explained as it was asked.
  const notLoaded = findAction(policy, operation)?.resource?.before === undefined ? undefined : "unknown";
  const resource: ResourceFacts | "unknown" | undefined = facts.resource === undefined ? notLoaded : facts.resource;
  const { data, scope, rows } = facts;
  const delegator = facts.delegators.reduceRight<Caller | undefined>(
    (above, each) => ({ ...each, tenant, environment, user, ...(above === undefined ? {} : { delegator: above }) }),
    undefined,
  );
  const caller: Caller = { agent, tenant, environment, workflow, user, session, task, data, scope, rows };
  return {
    caller: delegator === undefined ? caller : { ...caller, delegator },
    operation,
    args: facts.args,
    resource,
    now: new Date(body.at),
  };
}
