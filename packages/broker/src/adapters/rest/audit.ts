import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { viewRecord } from "../../insight/record-view.ts";
import { nameSchema, recordSchema, verificationSchema } from "../../rest-contract/schemas.ts";
import { oneTenantOf, tenantQuery, tenantsOf } from "./tenants.ts";

/** Records in one answer. */
const MAX_RECORDS = 1_000;

/** `GET /audit/records`, `GET /audit/verify`. */
export function addAuditEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  const verify = oneAtATime(ports.verify);
  addEndpoint(app, ports, {
    method: "get",
    path: "/audit/records",
    tag: "audit",
    summary: "records of one tenant's log in order, from index `from` on",
    need: "view",
    params: nothing,
    query: z.strictObject({
      tenant: nameSchema.optional(),
      from: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(MAX_RECORDS).default(100),
    }),
    body: nothing,
    answer: z.object({ tenant: z.string(), records: z.array(recordSchema) }),
    handle: async ({ principal, query }) => {
      const tenant = oneTenantOf(principal, query.tenant);
      const records = await ports.log.read(tenant, query.from, query.limit);
      return { tenant, records: records.map(viewRecord) };
    },
  });
  addEndpoint(app, ports, {
    method: "get",
    path: "/audit/verify",
    tag: "audit",
    summary: "checks the whole log of each tenant",
    need: "view",
    params: nothing,
    query: tenantQuery,
    body: nothing,
    answer: z.object({ ok: z.boolean(), logs: z.array(verificationSchema) }),
    handle: async ({ principal, query }) => {
      const logs = [];
      for (const tenant of tenantsOf(principal, query.tenant)) logs.push({ tenant, ...(await verify(tenant)) });
      return { ok: logs.every((log) => log.ok), logs };
    },
  });
}

/** Who asks while a log is being checked gets that answer: a check reads the whole log, and however many ask, calls must go on. */
function oneAtATime<T>(check: (tenant: string) => Promise<T>): (tenant: string) => Promise<T> {
  const running = new Map<string, Promise<T>>();
  return (tenant) => {
    const answer = running.get(tenant) ?? check(tenant).finally(() => running.delete(tenant));
    running.set(tenant, answer);
    return answer;
  };
}
