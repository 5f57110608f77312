import type { OpenAPIHono } from "@hono/zod-openapi";
import type { AnchorStatus } from "../anchors/anchoring.ts";
import type { LogOutage } from "../../domain/audit.ts";
import type { ExportStatus } from "../../domain/export.ts";
import { logStatusSchema } from "../../rest-contract/log-status.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { tenantQuery, tenantsOf } from "./tenants.ts";

/** What this broker knows of the logs beside their records. */
export interface LogStatus {
  readonly outages: readonly LogOutage[];
  readonly anchors: readonly AnchorStatus[];
  readonly exports: readonly ExportStatus[];
}

/** `GET /audit/status`. */
export function addLogStatusEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/audit/status",
    tag: "audit",
    summary: "whether logs can be written, second places agree with them, and exports get on",
    need: "view",
    params: nothing,
    query: tenantQuery,
    body: nothing,
    answer: logStatusSchema,
    handle: async ({ principal, query }) => {
      const tenants = tenantsOf(principal, query.tenant);
      const own = <T extends { readonly tenant: string }>(all: readonly T[]): T[] => all.filter(({ tenant }) => tenants.includes(tenant));
      const { outages, anchors, exports } = ports.logStatus();
      return {
        outages: own(outages).map(({ since, agents, ...each }) => ({ ...each, since: since.toISOString(), agents: [...agents] })),
        anchors: own(anchors).map(({ at, size, ...each }) => ({
          ...each,
          ...(size === undefined ? {} : { size }),
          ...(at === undefined ? {} : { at: at.toISOString() }),
        })),
        exports: own(exports).map(({ since, lastError, ...each }) => ({
          ...each,
          ...(lastError === undefined ? {} : { lastError }),
          ...(since === undefined ? {} : { since: since.toISOString() }),
        })),
      };
    },
  });
}
