import { z } from "@hono/zod-openapi";

const moment = z.string().openapi({ format: "date-time" });

/** A record acted on, as people name it. */
export const resourceNameSchema = z.strictObject({ type: z.string().min(1).max(256), id: z.string().min(1).max(2_048) });

export const erasedSchema = z.object({
  /** The pseudonym or the tag that stands in the log for good. */
  erased: z.string(),
  /** Records whose facts no longer open. */
  records: z.int(),
  sessions: z.int().optional(),
  approvals: z.int().optional(),
});

/** What a hold keeps. The id of a record is known only when the hold is placed; afterwards there is a tag. */
export const holdScopeSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("everything") }),
  z.strictObject({ kind: z.literal("person"), person: z.string().min(1).max(2_048) }),
  z.strictObject({ kind: z.literal("resource"), resource: resourceNameSchema }),
]);

export const holdSchema = z.object({
  id: z.string(),
  tenant: z.string(),
  scope: holdScopeSchema,
  by: z.string(),
  reason: z.string().optional(),
  at: moment,
  liftedAt: moment.optional(),
});

export const retirementSchema = z.object({
  tenant: z.string(),
  /** Year and month, such as 202610. */
  months: z.array(z.int()),
  /** Where the records began and begin now. */
  from: z.int(),
  to: z.int(),
  /** False when it was only asked what would go. */
  done: z.boolean(),
});
