import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { doerOf, viaOf } from "./principal.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";
import { notFound, oneTenantOf } from "./tenants.ts";
import { orConnectProblem } from "./tools-connect-problem.ts";

/** A name of the policy, or `*`: every environment or workflow without a grant of its own. */
const part = nameSchema.regex(/^(?:\*|[a-z][a-z0-9_-]{0,62})$/u);
const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/u);

/** `POST /tools/{tool}/connect`. */
export function addToolConnectEndpoint(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "post",
    path: "/tools/{tool}/connect",
    tag: "catalog",
    summary: "makes a link with which a person lets the broker use a tool's server; it works once, in the asking person's browser",
    need: "operate",
    params: z.object({ tool: nameSchema }),
    query: nothing,
    body: z.strictObject({
      tenant: nameSchema.optional(),
      environment: part,
      workflow: part,
      scope: z.array(scope).max(100).default([]),
    }),
    answer: z.object({ url: z.string(), expiresAt: z.string() }),
    handle: async ({ principal, params, body }) => {
      const tenant = oneTenantOf(principal, body.tenant);
      const tool = ports.policy().tools.find((each) => each.tool === params.tool);
      if (tool === undefined) throw notFound("tool", params.tool, "bailiwick tools list");
      const place = { tool: tool.tool, tenant, environment: body.environment, workflow: body.workflow };
      const asked = { by: doerOf(principal), via: viaOf(principal), scope: body.scope };
      const { url, expiresAt } = await orConnectProblem(() => ports.toolAccess.begin(place, asked));
      return { url, expiresAt: expiresAt.toISOString() };
    },
  });
}
