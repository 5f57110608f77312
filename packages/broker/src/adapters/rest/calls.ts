import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { StoredRecord } from "../../domain/audit.ts";
import { callPath } from "../../insight/call-path.ts";
import { type CallView, type RecordView, viewCall, viewRecord } from "../../insight/record-view.ts";
import { undoStanding } from "../../insight/undo/undo-standing.ts";
import { callPathSchema } from "../../rest-contract/call-path.ts";
import { callDetailSchema, callSchema, callsSchema, endedCallsSchema, explanationSchema, nameSchema } from "../../rest-contract/schemas.ts";
import { shownFacts, tellsNoSecret } from "./call-facts.ts";
import { type CallFilter, callFilterShape, callQueryOf } from "./call-filter.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import { findAmong, notFound, oneTenantOf, tenantsOf } from "./tenants.ts";

/** Calls in one answer. */
export const MAX_CALLS = 200;
/** A look at the log is bounded; a filter that matches rarely takes several, and what is left then is for the next page. */
const MAX_LOOKS = 5;

/** Positions are indexes of one tenant's log. */
export const pageShape = {
  before: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().min(1).max(MAX_CALLS).default(50),
};
interface Page {
  readonly before?: number | undefined;
  readonly limit: number;
}

const callParams = z.object({ callId: nameSchema });

/** `GET /calls`, `GET /calls/{callId}`, `GET /calls/{callId}/explanation`, `GET /calls/{callId}/path`, `GET /audit/ended`. */
export function addCallEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/calls",
    tag: "calls",
    summary: "calls, newest first by when they began; with `code`, or a `status` other than `succeeded`, by when they ended",
    need: "view",
    params: nothing,
    query: z.strictObject({ tenant: nameSchema.optional(), ...callFilterShape, ...pageShape }),
    body: nothing,
    answer: callsSchema,
    handle: async ({ principal, query: { tenant, before, limit, ...filter } }) =>
      listCalls(ports, tenantsOf(principal, tenant), filter, { before, limit }),
  });
  addEnded(app, ports);
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
      const { undoneBy } = await undoStanding(ports.log, found.call.tenant, found.records);
      return {
        ...found.call,
        undoneBy,
        records: [...found.records],
        ...(facts === undefined ? {} : { facts: shownFacts(ports, facts, principal) }),
      };
    },
  });
  addExplanation(app, ports);
  addPath(app, ports);
}

/** Without the facts of the call, so that a page may ask again while the call goes on. */
function addPath(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/calls/{callId}/path",
    tag: "calls",
    summary: "the steps a call went through, what each came to and which rules spoke",
    need: "view",
    params: callParams,
    query: nothing,
    body: nothing,
    answer: callPathSchema,
    handle: async ({ principal, params: { callId } }) => {
      const found = await findAmong(principal.tenants, async (tenant) => {
        const steps = callPath((await ports.log.recordsOf(tenant, [callId])).map(viewRecord));
        return steps === undefined ? undefined : { tenant, callId, steps: [...steps] };
      });
      if (found === undefined) throw notFound("call", callId, "bailiwick audit query");
      return found;
    },
  });
}

function addExplanation(app: OpenAPIHono, ports: RestPorts): void {
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
    handle: async ({ principal, params: { callId } }) => {
      const found = await findCall(ports, principal.tenants, callId);
      if (found === undefined) throw notFound("call", callId, "bailiwick audit query");
      const { tenant, rules } = found.call;
      const [explanation, facts] = await Promise.all([ports.explain(tenant, callId), ports.log.facts(tenant, callId)]);
      if (explanation !== undefined) {
        const isForAll = tellsNoSecret(ports, facts ?? {}, principal);
        return {
          callId,
          tenant,
          summary: isForAll(explanation.summary) ? explanation.summary : summaryOf(found.call),
          rules: [...explanation.rules],
          unmatched: [...explanation.unmatched],
          wouldChange: explanation.wouldChange.filter((each) => isForAll(each)),
          erased: false,
        };
      }
      const erased = hadFacts(found.records) && facts === undefined;
      return { callId, tenant, summary: summaryOf(found.call), rules, unmatched: [], wouldChange: [], erased };
    },
  });
}

/** For whoever follows the log: nothing is asked again that was answered before. */
function addEnded(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/audit/ended",
    tag: "audit",
    summary: "calls as they end, are held or refused, in the order of one tenant's log; without `from`, where to begin",
    need: "view",
    params: nothing,
    query: z.strictObject({
      tenant: nameSchema.optional(),
      ...callFilterShape,
      from: z.coerce.number().int().min(0).optional(),
      limit: z.coerce.number().int().min(1).max(MAX_CALLS).default(100),
    }),
    body: nothing,
    answer: endedCallsSchema,
    handle: async ({ principal, query: { tenant: asked, from, limit, ...filter } }) => {
      const tenant = oneTenantOf(principal, asked);
      const { places, next } = await ports.log.ended(tenant, { ...callQueryOf(filter, ports.now()), limit }, from);
      return { tenant, calls: [...(await viewCalls(ports, tenant, new Set(places.map(({ callId }) => callId))))], next };
    },
  });
}

/** A call with all its records, or undefined when none of these tenants has it. */
async function findCall(
  ports: RestPorts,
  tenants: readonly string[],
  callId: string,
): Promise<{ call: CallView; records: readonly RecordView[] } | undefined> {
  return findAmong(tenants, async (tenant) => {
    const records = (await ports.log.recordsOf(tenant, [callId])).map(viewRecord);
    const call = viewCall(records);
    return call === undefined ? undefined : { call, records };
  });
}

function hadFacts(records: readonly RecordView[]): boolean {
  return records.some(({ kind, body }) => kind !== "admin" && "facts" in body);
}

/** What the record alone says, for a call whose facts were erased or that never reached the policy. */
function summaryOf(call: CallView): string {
  if (call.message !== undefined) return call.message;
  if (call.code !== undefined) return `the call was refused with \`${call.code}\``;
  return call.verdict === undefined
    ? `the call is ${call.status}; no decision is recorded`
    : `the policy said ${call.verdict}, and the call is ${call.status}`;
}

/** A page of calls. @throws Problem `malformed_request` when a position is given without saying in which log. */
export async function listCalls(
  ports: Pick<RestPorts, "log" | "now">,
  tenants: readonly string[],
  filter: CallFilter,
  page: Page,
): Promise<z.input<typeof callsSchema>> {
  if (filter.since !== undefined && filter.from !== undefined)
    throw new Problem("malformed_request", "`query.since` and `query.from` both say where to begin", ["give one of them"]);
  if (page.before !== undefined && tenants.length > 1) {
    throw new Problem("malformed_request", "`query.before` is a position in one tenant's log", ["add the query parameter `tenant`"]);
  }
  const pages = await Promise.all(tenants.map(async (tenant) => ({ tenant, ...(await pageOf(ports, tenant, filter, page)) })));
  const [only, ...others] = pages;
  if (only !== undefined && others.length === 0) return { calls: [...only.calls], ...(only.next === undefined ? {} : { next: only.next }) };
  const newest = pages.flatMap(({ calls }) => calls).toSorted((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
  const shown = newest.slice(0, page.limit);
  const more = pages.filter(({ calls, next }) => next !== undefined || calls.some((call) => !shown.includes(call)));
  return { calls: shown, ...(more.length === 0 ? {} : { more: more.map(({ tenant }) => tenant) }) };
}

async function pageOf(
  ports: Pick<RestPorts, "log" | "now">,
  tenant: string,
  filter: CallFilter,
  { before, limit }: Page,
): Promise<{ calls: readonly z.input<typeof callSchema>[]; next: number | undefined }> {
  const query = callQueryOf(filter, ports.now());
  const found: string[] = [];
  let next = before;
  for (let looks = 0; looks < MAX_LOOKS && found.length < limit; looks += 1) {
    const seen = await ports.log.calls(tenant, { ...query, before: next, limit: limit - found.length });
    found.push(...seen.places.map(({ callId }) => callId));
    next = seen.next;
    if (next === undefined) break;
  }
  return { calls: await viewCalls(ports, tenant, new Set(found)), next };
}

/** These calls in this order, all their records read at once. */
async function viewCalls(ports: Pick<RestPorts, "log">, tenant: string, callIds: ReadonlySet<string>): Promise<readonly CallView[]> {
  const records = await ports.log.recordsOf(tenant, [...callIds]);
  const byCall = Map.groupBy(records, ({ callId }: StoredRecord) => callId);
  return [...callIds].flatMap((callId) => viewCall((byCall.get(callId) ?? []).map(viewRecord)) ?? []);
}
