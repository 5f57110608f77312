import { z } from "zod";

export const count = z.int().min(1).max(1_000_000_000);
/** In the catalog's currency unit. */
export const amount = z.number().positive().max(1_000_000_000);

/** How much, how often, how many at once. What each counts: docs/spec/policy-files.md. */
export const limits = z.strictObject({
  perMinute: count.optional(),
  perHour: count.optional(),
  perDay: count.optional(),
  cost: amount.optional(),
  costPerDay: amount.optional(),
  costPerMonth: amount.optional(),
  costPerSession: amount.optional(),
  records: count.optional(),
  recordsPerHour: count.optional(),
  recordsPerDay: count.optional(),
  recipients: count.optional(),
  recipientsPerHour: count.optional(),
  recipientsPerDay: count.optional(),
  concurrent: count.optional(),
  repeats: count.optional(),
  perTenant: z
    .strictObject({
      perMinute: count.optional(),
      perHour: count.optional(),
      perDay: count.optional(),
      costPerDay: amount.optional(),
      costPerMonth: amount.optional(),
      recordsPerDay: count.optional(),
      recipientsPerHour: count.optional(),
      concurrent: count.optional(),
    })
    .optional(),
});
const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, { error: "must be a time of day such as `08:00`" });
/** When it is open, by the clock of a zone. `to` before `from` is on the next day. */
export const hours = z.strictObject({
  days: z.array(z.enum(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])).min(1),
  from: clock,
  to: clock,
  zone: z.string().trim().min(1, { error: "must not be empty" }),
});
