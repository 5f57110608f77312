import type { JsonObject, Operation, RowBound } from "@bailiwick/policy";
import { z } from "zod";
import type { AuditLog } from "../../domain/audit.ts";
import { ownRecords, type RecordView, viewCall, viewRecord } from "../record-view.ts";

const object = z.record(z.string(), z.json());
const factsSchema = z.object({
  operation: z.object({ tool: z.string(), kind: z.enum(["tool", "resource", "prompt"]), name: z.string() }),
  args: object,
  user: z.string(),
  task: z.string(),
  data: object,
  rows: z.array(z.record(z.string(), z.record(z.string(), z.array(z.string())))).default([]),
  resource: z.object({ type: z.string(), id: z.string(), attributes: object }).optional(),
  after: object.optional(),
});
const bodySchema = z.object({
  agent: z.string(),
  environment: z.string(),
  workflow: z.string(),
  run: z.string(),
  effect: z.string().optional(),
  actors: z.array(z.string()).default([]),
});

/** What is known of a call that may be taken back. */
export interface RecordedCall {
  readonly callId: string;
  readonly tenant: string;
  readonly agent: string;
  readonly environment: string;
  readonly workflow: string;
  readonly run: string;
  readonly actors: readonly string[];
  /** The scope of its action, as it was then. */
  readonly action: string | undefined;
  readonly effect: string | undefined;
  readonly status: string;
  /** The call that this one took back. */
  readonly undoes: string | undefined;
  /** What lay beside its records; undefined when it was erased. */
  readonly kept: KeptFacts | undefined;
}

export interface KeptFacts {
  readonly operation: Operation;
  readonly args: JsonObject;
  readonly user: string;
  readonly task: string;
  readonly data: JsonObject;
  readonly rows: readonly RowBound[];
  /** The record before the call, when it was loaded. */
  readonly before: JsonObject | undefined;
  /** The record as the call left it, when the tool answered with it. */
  readonly after: JsonObject | undefined;
}

/** Undefined when the tenant has no such call, or it never reached a decision. */
export async function recordedCall(
  log: Pick<AuditLog, "recordsOf" | "facts">,
  tenant: string,
  callId: string,
): Promise<{ readonly call: RecordedCall; readonly records: readonly RecordView[] } | undefined> {
  const records = (await log.recordsOf(tenant, [callId])).map(viewRecord);
  const view = viewCall(records);
  const first = ownRecords(records)[0];
  const body = bodySchema.safeParse(first?.body);
  if (view === undefined || !body.success) return undefined;
  const { agent, environment, workflow, run, actors, effect } = body.data;
  const facts = factsSchema.safeParse(await log.facts(tenant, callId));
  const call: RecordedCall = {
    callId,
    tenant,
    agent,
    environment,
    workflow,
    run,
    actors,
    action: view.action,
    effect,
    status: view.status,
    undoes: view.undoes,
    kept: facts.success ? keptOf(facts.data) : undefined,
  };
  return { call, records };
}

function keptOf({ operation, args, user, task, data, rows, resource, after }: z.output<typeof factsSchema>): KeptFacts {
  return { operation, args, user, task, data, rows, before: resource?.attributes, after };
}
