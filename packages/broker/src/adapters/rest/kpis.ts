import type { OpenAPIHono } from "@hono/zod-openapi";
import { identityKpis } from "../../insight/identity-kpis.ts";
import { identityKpisSchema } from "../../rest-contract/schemas.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { tenantQuery, tenantsOf } from "./tenants.ts";

/** `GET /kpis/identity`. */
export function addKpiEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/kpis/identity",
    tag: "kpis",
    summary: "shared credentials, agents without owner, tokens by lifetime",
    need: "view",
    params: nothing,
    query: tenantQuery,
    body: nothing,
    answer: identityKpisSchema,
    handle: async ({ principal, query }) => {
      const { agentsWithoutOwner, tokensByLifetime, ...kpis } = await identityKpis(
        ports,
        ports.policy(),
        tenantsOf(principal, query.tenant),
      );
      return { ...kpis, agentsWithoutOwner: [...agentsWithoutOwner], tokensByLifetime: [...tokensByLifetime] };
    },
  });
}
