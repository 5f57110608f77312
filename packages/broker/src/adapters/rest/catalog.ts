import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { diagnosticSchema, nameSchema, offeredSchema, toolStateSchema } from "../../rest-contract/schemas.ts";
import { notFound, oneTenantOf, tenantQuery, tenantsOf } from "./tenants.ts";

/** `GET /tools`, `GET /tools/{tool}/offered`, `GET /policy`. */
export function addCatalogEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/tools",
    tag: "catalog",
    summary: "what is reviewed, quarantined or absent, and why",
    need: "view",
    params: nothing,
    query: tenantQuery,
    body: nothing,
    answer: z.object({ tools: z.array(toolStateSchema.extend({ tenant: z.string() })) }),
    handle: async ({ principal, query }) => {
      const states = await Promise.all(
        tenantsOf(principal, query.tenant).map(async (tenant) => (await ports.tools(tenant)).map((state) => ({ ...state, tenant }))),
      );
      return { tools: states.flat() };
    },
  });
  addEndpoint(app, ports, {
    method: "get",
    path: "/tools/{tool}/offered",
    tag: "catalog",
    summary: "connects to a tool and lists what it offers now, with fingerprints",
    need: "author",
    params: z.object({ tool: nameSchema }),
    query: tenantQuery,
    body: nothing,
    answer: z.object({ tool: z.string(), tenant: z.string(), offered: z.array(offeredSchema) }),
    handle: async ({ principal, params, query }) => {
      const tenant = query.tenant === undefined && principal.tenants.length > 1 ? principal.tenants[0] : undefined;
      const at = tenant ?? oneTenantOf(principal, query.tenant);
      if (!ports.policy().tools.some((tool) => tool.tool === params.tool)) throw notFound("tool", params.tool, "bailiwick tools list");
      const offered = await ports.inspect(params.tool, at);
      return { tool: params.tool, tenant: at, offered: offered.map((one) => ({ ...one, entry: { ...one.entry } })) };
    },
  });
  addEndpoint(app, ports, {
    method: "get",
    path: "/policy",
    tag: "policy",
    summary: "the policy in force",
    need: "view",
    params: nothing,
    query: nothing,
    body: nothing,
    answer: z.object({
      version: z.string(),
      tenants: z.array(z.string()),
      environments: z.array(z.string()),
      agents: z.int(),
      tools: z.int(),
      warnings: z.array(diagnosticSchema),
    }),
    handle: async ({ principal }) => {
      const policy = ports.policy();
      return {
        version: policy.version,
        tenants: [...principal.tenants],
        environments: [...policy.environments],
        agents: policy.agents.filter((agent) => principal.tenants.includes(agent.tenant)).length,
        tools: policy.tools.length,
        warnings: [...policy.warnings],
      };
    },
  });
}
