import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { digest } from "@bailiwick/ledger";
import type { ErasureAct, LegalHold, NotErased } from "../../domain/erasure.ts";
import type { Receipt } from "../../domain/receipt.ts";
import { erasedSchema, resourceNameSchema } from "../../rest-contract/erasure.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";
import { stepUpSchema } from "./assertion-schema.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { doerOf, type Principal, viaOf } from "./principal.ts";
import { Problem } from "./problem.ts";
import { withStepUp } from "./step-up-acts.ts";
import { oneTenantOf } from "./tenants.ts";

/** Why it is done; kept sealed under the key of whoever says it. */
export const reasonSchema = z
  .string()
  .min(1)
  .max(500)
  .regex(/^\P{Cc}+$/u);

const common = { tenant: nameSchema, reason: reasonSchema, stepUp: stepUpSchema.optional() };

/** `POST /audit/erasures/person`, `POST /audit/erasures/resource`: makes what lies sealed beside records unreadable, for good. */
export function addErasureEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "post",
    path: "/audit/erasures/person",
    tag: "audit",
    summary: "destroys the key of a person agents worked for: their name, and the facts of all records about them",
    need: "operate",
    params: nothing,
    query: nothing,
    body: z.strictObject({ ...common, person: z.string().min(1).max(2_048) }),
    answer: erasedSchema,
    handle: async ({ principal, context, body }) => {
      const tenant = oneTenantOf(principal, body.tenant);
      const act = { action: "erase_person", subject: `${tenant} ${body.person}` } as const;
      return withStepUp(ports, { context, principal, act, given: body.stepUp }, async (receipt) => {
        const done = await ports.erasure.erase(tenant, body.person, actOf(principal, body.reason, receipt));
        if (!done.ok) throw notErased(done, "person");
        return { erased: done.pseudonym, records: done.records, sessions: done.sessions, approvals: done.approvals };
      });
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/audit/erasures/resource",
    tag: "audit",
    summary: "deletes the facts of all records about a record of a tool",
    need: "operate",
    params: nothing,
    query: nothing,
    body: z.strictObject({ ...common, resource: resourceNameSchema }),
    answer: erasedSchema,
    handle: async ({ principal, context, body }) => {
      const tenant = oneTenantOf(principal, body.tenant);
      const act = { action: "erase_resource", subject: `${tenant} ${body.resource.type}/${body.resource.id}` } as const;
      return withStepUp(ports, { context, principal, act, given: body.stepUp }, async (receipt) => {
        const done = await ports.erasure.eraseResource(tenant, body.resource, actOf(principal, body.reason, receipt));
        if (!done.ok) throw notErased(done, "record");
        return { erased: done.tag, records: done.records };
      });
    },
  });
}

/** Who does it. Of a step-up's receipt only the digest is kept: the receipt names whom it is about. */
export function actOf(principal: Principal, reason: string, receipt: Receipt | undefined): ErasureAct {
  return {
    by: doerOf(principal),
    via: viaOf(principal),
    reason,
    ...(receipt === undefined ? {} : { receipt: digest(receipt) }),
  };
}

export function heldProblem({ id, by, reason }: LegalHold): Problem {
  const why = reason === undefined ? "" : ` (${reason})`;
  return new Problem("legal_hold", `the legal hold \`${id}\` of \`${by}\`${why} covers this`, [
    `ask \`${by}\` whether it can be lifted; \`bailiwick audit hold list\` shows all that stand`,
  ]);
}

function notErased(stopped: NotErased, what: "person" | "record"): Problem {
  switch (stopped.why) {
    case "held":
      return heldProblem(stopped.hold);
    case "calls_under_way":
      if (what === "record")
        return new Problem("calls_under_way", `calls about this record have no end yet: ${stopped.calls.join(", ")}; nothing was erased`, [
          "try again in a minute",
        ]);
      return new Problem("calls_under_way", `calls for this person have no end yet: ${stopped.calls.join(", ")}; nothing was erased`, [
        "their sessions have ended, so no more begin; try again in a minute",
      ]);
    case "unknown":
      return new Problem("not_found", `the log knows no such ${what}, or nothing of it is left to erase`, [
        "compare the spelling with `bailiwick audit query`; names of people and ids of records are matched exactly",
      ]);
  }
}
