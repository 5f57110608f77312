import { z } from "@hono/zod-openapi";
import { canonicalize } from "@bailiwick/ledger";
import type { JsonObject } from "@bailiwick/policy";
import type { ApprovalBounds } from "../../../domain/approval.ts";
import { boundsSchema } from "../../../rest-contract/approvals.ts";
import { nameSchema } from "../../../rest-contract/schemas.ts";

/** A reason is a sentence or two. */
const MAX_REASON_CHARS = 2_000;

export const approvalParams = z.object({ id: nameSchema });

const NO_CANONICAL_FORM = "must be well-formed Unicode and not nested deeper than 128 levels";

/** Values that have none cannot be compared, digested or signed. */
function hasCanonicalForm(value: unknown): boolean {
  try {
    canonicalize(value);
    return true;
  } catch {
    return false;
  }
}

/** The body was JSON, so an object that is no list is a JsonObject. */
export const argsBody = z
  .custom<JsonObject>((value) => typeof value === "object" && value !== null && !Array.isArray(value), { error: "must be a JSON object" })
  .refine(hasCanonicalForm, { error: NO_CANONICAL_FORM })
  .openapi({ type: "object", additionalProperties: true });

export const reasonBody = z.string().trim().min(1).max(MAX_REASON_CHARS);

export const showingBody = z.string().min(1).max(128);

export const boundsBody = boundsSchema
  .extend({ until: z.iso.datetime({ offset: true }) })
  .refine(({ args }) => hasCanonicalForm(args), { error: NO_CANONICAL_FORM });

export function asBounds(body: z.output<typeof boundsBody> | undefined): ApprovalBounds | undefined {
  return body === undefined ? undefined : { ...body, until: new Date(body.until) };
}
