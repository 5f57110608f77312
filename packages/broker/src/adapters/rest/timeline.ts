import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { runTimeline } from "../../insight/run-timeline.ts";
import { nameSchema, timelineSchema } from "../../rest-contract/schemas.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { findAmong, notFound, tenantsOf } from "./tenants.ts";

/** Records of a run in one answer. */
const MAX_RECORDS = 1_000;

/** `GET /runs/{run}/timeline`. */
export function addTimelineEndpoint(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/runs/{run}/timeline",
    tag: "audit",
    summary: "what happened in one execution of an agent's job, its delegates included, in order",
    need: "view",
    params: z.object({ run: nameSchema }),
    query: z.strictObject({
      tenant: nameSchema.optional(),
      before: z.coerce.number().int().positive().optional(),
      limit: z.coerce.number().int().min(1).max(MAX_RECORDS).default(500),
    }),
    body: nothing,
    answer: timelineSchema,
    handle: async ({ principal, params: { run }, query: { tenant: asked, ...page } }) => {
      const found = await findAmong(tenantsOf(principal, asked), async (tenant) => {
        const timeline = await runTimeline(ports.log, tenant, run, page);
        return timeline === undefined ? undefined : { tenant, ...timeline, steps: [...timeline.steps] };
      });
      if (found === undefined) throw notFound("run", run, "bailiwick audit query");
      return found;
    },
  });
}
