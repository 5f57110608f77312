import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { LegalHold } from "../../domain/erasure.ts";
import { holdSchema, holdScopeSchema } from "../../rest-contract/erasure.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";
import { stepUpSchema } from "./assertion-schema.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import { actOf, reasonSchema } from "./erasure.ts";
import type { RestPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import { withStepUp } from "./step-up-acts.ts";
import { notFound, oneTenantOf, tenantsOf } from "./tenants.ts";

/** `GET /audit/holds`, `POST /audit/holds`, `POST /audit/holds/{id}/lift`: what may not be erased or retired. */
export function addLegalHoldEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/audit/holds",
    tag: "audit",
    summary: "legal holds that stand, oldest first; `lifted=true` adds those that stood once",
    need: "view",
    params: nothing,
    query: z.strictObject({ tenant: nameSchema.optional(), lifted: z.enum(["true", "false"]).default("false") }),
    body: nothing,
    answer: z.object({ holds: z.array(holdSchema) }),
    handle: async ({ principal, query }) => {
      const options = { lifted: query.lifted === "true" };
      const lists = await Promise.all(tenantsOf(principal, query.tenant).map((tenant) => ports.holds.list(tenant, options)));
      return { holds: lists.flat().map(viewHold) };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/audit/holds",
    tag: "audit",
    summary: "keeps everything, a person's or a record's facts from being erased or retired",
    need: "operate",
    params: nothing,
    query: nothing,
    body: z.strictObject({ tenant: nameSchema, scope: holdScopeSchema, reason: reasonSchema }),
    answer: holdSchema,
    handle: async ({ principal, body }) => {
      const tenant = oneTenantOf(principal, body.tenant);
      const hold = await ports.holds.place(tenant, body.scope, actOf(principal, body.reason, undefined));
      if (hold === undefined)
        throw new Problem("not_found", "the log knows no such person", [
          "compare the spelling with `bailiwick audit query`; whoever was erased cannot be held",
        ]);
      return viewHold(hold);
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/audit/holds/{id}/lift",
    tag: "audit",
    summary: "lifts a legal hold",
    need: "operate",
    params: z.strictObject({ id: nameSchema }),
    query: nothing,
    body: z.strictObject({ tenant: nameSchema, reason: reasonSchema, stepUp: stepUpSchema.optional() }),
    answer: z.object({ lifted: z.literal(true) }),
    handle: async ({ principal, context, params, body }) => {
      const tenant = oneTenantOf(principal, body.tenant);
      const act = { action: "lift_hold", subject: `${tenant} ${params.id}` } as const;
      return withStepUp(ports, { context, principal, act, given: body.stepUp }, async (receipt) => {
        if (!(await ports.holds.lift(tenant, params.id, actOf(principal, body.reason, receipt))))
          throw notFound("legal hold that stands", params.id, "bailiwick audit hold list");
        return { lifted: true } as const;
      });
    },
  });
}

function viewHold({ at, liftedAt, ...hold }: LegalHold): z.input<typeof holdSchema> {
  return { ...hold, at: at.toISOString(), ...(liftedAt === undefined ? {} : { liftedAt: liftedAt.toISOString() }) };
}
