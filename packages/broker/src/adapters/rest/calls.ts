import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { RecordQuery } from "../../domain/audit.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import { type CallView, type RecordView, viewCall, viewRecord } from "./record-view.ts";
import { callDetailSchema, callSchema, explanationSchema, nameSchema } from "../../rest-contract/schemas.ts";
import { findAmong, notFound, tenantsOf } from "./tenants.ts";

/** Calls in one answer. */
const MAX_CALLS = 200;
/** Records looked through for one page; a filter that matches less often pages on. */
const MAX_RECORDS_LOOKED_AT = 2_000;
const RECORDS_A_READ = 500;

const callQuery = z.strictObject({
  tenant: nameSchema.optional(),
  agent: nameSchema.optional(),
  user: nameSchema.optional(),
  session: nameSchema.optional(),
  task: nameSchema.optional(),
  tool: nameSchema.optional(),
  action: nameSchema.optional(),
  verdict: z.enum(["allow", "ask", "deny"]).optional(),
  status: nameSchema.optional(),
  code: nameSchema.optional(),
  /** Only calls whose newest record lies before this index; takes a single tenant. */
  before: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().min(1).max(MAX_CALLS).default(50),
});
type CallFilter = z.output<typeof callQuery>;

const callParams = z.object({ callId: nameSchema });

/** `GET /calls`, `GET /calls/{callId}`, `GET /calls/{callId}/explanation`. */
export function addCallEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/calls",
    tag: "calls",
    summary: "calls, newest first",
    need: "view",
    params: nothing,
    query: callQuery,
    body: nothing,
    answer: z.object({ calls: z.array(callSchema), next: z.int().optional() }),
    handle: async ({ principal, query }) => listCalls(ports, tenantsOf(principal, query.tenant), query),
  });
  addEndpoint(app, ports, {
    method: "get",
    path: "/calls/{callId}",
    tag: "calls",
    summary: "one call with its records in order",
    need: "view",
    params: callParams,
    query: nothing,
    body: nothing,
    answer: callDetailSchema,
    handle: async ({ principal, params }) => {
      const found = await findCall(ports, principal.tenants, params.callId);
      if (found === undefined) throw notFound("call", params.callId, "bailiwick audit query");
      const facts = await ports.log.facts(found.call.tenant, params.callId);
      return { ...found.call, records: [...found.records], ...(facts === undefined ? {} : { facts }) };
    },
  });
  addEndpoint(app, ports, {
    method: "get",
    path: "/calls/{callId}/explanation",
    tag: "calls",
    summary: "why a call came out as it did, and what would change it",
    need: "view",
    params: callParams,
    query: nothing,
    body: nothing,
    answer: explanationSchema,
    handle: async ({ principal, params }) => {
      const found = await findCall(ports, principal.tenants, params.callId);
      if (found === undefined) throw notFound("call", params.callId, "bailiwick audit query");
      const { tenant, rules } = found.call;
      const explanation = await ports.explain(tenant, params.callId);
      if (explanation === undefined)
        return { callId: params.callId, tenant, summary: summaryOf(found.call), rules, unmatched: [], wouldChange: [] };
      return {
        callId: params.callId,
        tenant,
        summary: explanation.summary,
        rules: [...explanation.rules],
        unmatched: [...explanation.unmatched],
        wouldChange: [...explanation.wouldChange],
      };
    },
  });
}

/** A call with all its records, or undefined when none of these tenants has it. */
export async function findCall(
  ports: RestPorts,
  tenants: readonly string[],
  callId: string,
): Promise<{ call: CallView; records: readonly RecordView[] } | undefined> {
  return findAmong(tenants, async (tenant) => {
    const records = await recordsOf(ports, tenant, callId);
    const call = viewCall(records);
    return call === undefined ? undefined : { call, records };
  });
}

/** What the record alone says, for a call whose facts were erased or that never reached the policy. */
function summaryOf(call: CallView): string {
  if (call.message !== undefined) return call.message;
  if (call.code !== undefined) return `the call was refused with \`${call.code}\``;
  return call.verdict === undefined
    ? `the call is ${call.status}; no decision is recorded`
    : `the policy said ${call.verdict}, and the call is ${call.status}`;
}

async function listCalls(ports: RestPorts, tenants: readonly string[], filter: CallFilter): Promise<{ calls: CallView[]; next?: number }> {
  if (filter.before !== undefined && tenants.length > 1) {
    throw new Problem("malformed_request", "`query.before` is a position in one tenant's log", ["add the query parameter `tenant`"]);
  }
  const pages = await Promise.all(tenants.map((tenant) => pageOf(ports, tenant, filter)));
  const calls = pages.flatMap((page) => page.calls).toSorted((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : b.index - a.index));
  const next = pages.length === 1 ? pages[0]?.next : undefined;
  return { calls: calls.slice(0, filter.limit), ...(next === undefined ? {} : { next }) };
}

/** Reads records newest first until there are enough calls. A call is listed once, where its newest matching record lies. */
async function pageOf(ports: RestPorts, tenant: string, filter: CallFilter): Promise<{ calls: CallView[]; next: number | undefined }> {
  const calls: CallView[] = [];
  const seen = new Set<string>();
  let cursor = filter.before;
  for (let looked = 0; looked < MAX_RECORDS_LOOKED_AT;) {
    const batch = await ports.log.query(tenant, { ...queryOf(filter), before: cursor, limit: RECORDS_A_READ });
    for (const record of batch) {
      cursor = record.index;
      if (record.kind === "admin" || record.kind === "lookup" || seen.has(record.callId)) continue;
      seen.add(record.callId);
      const records = await recordsOf(ports, tenant, record.callId);
      const call = viewCall(records);
      if (call === undefined || !matches(call, filter) || listedEarlier(records, record.index, filter)) continue;
      calls.push(call);
      if (calls.length >= filter.limit) return { calls, next: cursor };
    }
    looked += batch.length;
    if (batch.length < RECORDS_A_READ) return { calls, next: undefined };
  }
  return { calls, next: cursor };
}

/** With a cursor, a call whose newer records lie after it was on an earlier page. */
function listedEarlier(records: readonly RecordView[], index: number, filter: CallFilter): boolean {
  return (
    filter.before !== undefined &&
    records.some(
      (record) => record.kind !== "admin" && record.kind !== "lookup" && record.index > index && record.index >= (filter.before ?? 0),
    )
  );
}

function matches(call: CallView, filter: CallFilter): boolean {
  return (filter.code === undefined || call.code === filter.code) && (filter.status === undefined || call.status === filter.status);
}

function queryOf(filter: CallFilter): Omit<RecordQuery, "limit" | "before"> {
  const { agent, user, session, task, tool, action, verdict, status } = filter;
  return { agent, user, session, task, tool, action, verdict, status };
}

async function recordsOf(ports: RestPorts, tenant: string, callId: string): Promise<readonly RecordView[]> {
  return (await ports.log.recordsOf(tenant, [callId])).map(viewRecord);
}
