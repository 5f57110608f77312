import { z } from "@hono/zod-openapi";

const time = z.string().openapi({ format: "date-time" });

const callCounts = {
  /** Calls that began. */
  calls: z.int(),
  /** Let through to their tool. */
  ran: z.int(),
  refused: z.int(),
  /** Held for a person, whatever became of them. */
  held: z.int(),
  /** Their outcome is not known; by when that was recorded. */
  unknown: z.int(),
};

/** What happened of late, in figures: no person, and no value of a call. Days and hours are UTC. */
export const overviewSchema = z
  .object({
    tenants: z.array(z.string()),
    at: time,
    /** Records that were counted. While `complete` is false older ones are still being counted, and the figures are of the newest. */
    records: z.int(),
    complete: z.boolean(),
    /** When the oldest record that is kept was written. */
    begins: time.optional(),
    today: z.object(callCounts),
    /** Of seven days, today included, as are `answers` and all lists. */
    week: z.object(callCounts),
    hours: z.array(z.object({ at: time, ...callCounts })),
    /** From the hold of a call to a person's answer. */
    answers: z.object({ count: z.int(), medianMs: z.number().optional(), p90Ms: z.number().optional() }),
    refusedRules: z.array(
      z.object({
        rule: z.string(),
        kind: z.string().optional(),
        /** Absent when the policy in force has no such rule. */
        at: z.object({ file: z.string(), line: z.int() }).optional(),
        refused: z.int(),
      }),
    ),
    refusedActions: z.array(z.object({ action: z.string(), refused: z.int(), calls: z.int() })),
    codes: z.array(z.object({ code: z.string(), count: z.int() })),
    agents: z.array(z.object({ agent: z.string(), ...callCounts })),
    kpis: z.array(
      z.object({
        id: z.enum([
          "shared_credentials",
          "least_privilege_coverage",
          "high_risk_approval",
          "policy_violation_rate",
          "time_to_detect",
          "stale_permissions",
        ]),
        unit: z.enum(["count", "percent", "ms"]),
        value: z.number().optional(),
        part: z.int().optional(),
        whole: z.int().optional(),
        /** What exactly was counted. */
        means: z.string(),
        /** Why there is no value yet. */
        notMeasured: z.string().optional(),
      }),
    ),
  })
  .openapi("Overview");
