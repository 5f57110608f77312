import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Retirement } from "../../domain/erasure.ts";
import { retirementSchema } from "../../rest-contract/erasure.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";
import { stepUpSchema } from "./assertion-schema.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import { actOf, heldProblem, reasonSchema } from "./erasure.ts";
import type { RestPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import { withStepUp } from "./step-up-acts.ts";
import { oneTenantOf } from "./tenants.ts";

const DAY_MS = 86_400_000;
/** A hundred years. */
const MAX_DAYS = 36_525;

/** `POST /audit/retire`: drops whole months of old records. */
export function addRetentionEndpoint(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "post",
    path: "/audit/retire",
    tag: "audit",
    summary: "drops the records of months that ended long enough ago; the tree and all proofs of later records stay",
    need: "operate",
    params: nothing,
    query: nothing,
    body: z.strictObject({
      tenant: nameSchema,
      olderThanDays: z.int().min(1).max(MAX_DAYS),
      dryRun: z.boolean().default(false),
      reason: reasonSchema,
      stepUp: stepUpSchema.optional(),
    }),
    answer: retirementSchema,
    handle: async ({ principal, context, body }) => {
      const tenant = oneTenantOf(principal, body.tenant);
      const keepMs = body.olderThanDays * DAY_MS;
      assertNotSooner(tenant, keepMs, ports.retentionOf(tenant));
      const before = new Date(ports.now().getTime() - keepMs);
      if (body.dryRun) {
        const plan = await ports.retention.plan(tenant, before);
        return { tenant, ...(plan ?? { months: [], from: 0, to: 0 }), months: [...(plan?.months ?? [])], done: false };
      }
      const act = { action: "retire_records", subject: `${tenant} ${body.olderThanDays} days` } as const;
      return withStepUp(ports, { context, principal, act, given: body.stepUp }, async (receipt) => {
        const done = await ports.retention.retire(tenant, before, actOf(principal, body.reason, receipt));
        if (done === undefined)
          throw new Problem("not_found", `no month of this log ended ${body.olderThanDays} days ago`, [
            "see what would go with `bailiwick audit retire --dry-run`; the newest month always stays",
          ]);
        if (!done.ok) throw notRetired(done);
        return { tenant, months: [...done.months], from: done.from, to: done.to, done: true };
      });
    },
  });
}

/** A person cannot shorten what the configuration promises. */
function assertNotSooner(tenant: string, keepMs: number, promisedMs: number | undefined): void {
  if (promisedMs === undefined || keepMs >= promisedMs) return;
  const days = Math.ceil(promisedMs / DAY_MS);
  throw new Problem("malformed_request", `records of \`${tenant}\` are kept ${days} days, as \`log.yaml\` says`, [
    `ask for ${days} days or more, or change \`retention\` in \`log.yaml\``,
  ]);
}

function notRetired(stopped: Extract<Retirement, { ok: false }>): Problem {
  switch (stopped.why) {
    case "held":
      return heldProblem(stopped.hold);
    case "broken":
      return new Problem("log_broken", `these records are not those that were signed (${stopped.what}); nothing was retired`, [
        "run `bailiwick audit verify`, and keep the database as it is",
      ]);
    case "calls_under_way":
      return new Problem("calls_under_way", "a call among these records has no end yet; nothing was retired", [
        "run `bailiwick audit query --status running` to see it, and try again when it has ended",
      ]);
  }
}
