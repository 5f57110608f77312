import { z } from "@hono/zod-openapi";
import { nameSchema } from "./schemas.ts";

const time = z.string().openapi({ format: "date-time" });

/** Somebody who answers for somebody else while they are away. */
export const dutySchema = z
  .object({
    id: z.string(),
    tenant: z.string(),
    /** The person who is away. */
    from: z.string(),
    /** The person who answers for them. */
    to: z.string(),
    /** Roles that are lent; empty: all of the person's. */
    roles: z.array(z.string()),
    begins: time,
    ends: time,
    reason: z.string(),
    state: z.enum(["to_come", "in_force", "ended", "revoked"]),
    revokedAt: time.optional(),
    /** Whether the asking person may end it. */
    mayEnd: z.boolean(),
  })
  .openapi("Duty");

export const dutiesSchema = z.object({ duties: z.array(dutySchema) });

/** What a new duty is made of. `from`: by default the asking person. `begins`: by default now. */
export const newDutySchema = z.strictObject({
  tenant: nameSchema.optional(),
  from: nameSchema.optional(),
  to: nameSchema,
  roles: z.array(nameSchema).max(50).default([]),
  begins: z.iso.datetime({ offset: true }).optional(),
  ends: z.iso.datetime({ offset: true }),
  reason: z
    .string()
    .trim()
    .min(1)
    .max(500)
    .regex(/^\P{Cc}+$/u),
});

const figures = {
  asked: z.int(),
  approved: z.int(),
  denied: z.int(),
  expired: z.int(),
  medianSeconds: z.number().optional(),
  p90Seconds: z.number().optional(),
  /** Decided in less than 5 s. */
  quick: z.int(),
  /** Of a shape that had come before. */
  repeated: z.int(),
};

const flagSchema = z.object({
  kind: z.enum(["always_yes", "often_no", "unanswered", "quick", "repeated", "drill_approved", "drills_missed"]),
  rule: z.string().optional(),
  person: z.string().optional(),
  agent: z.string().optional(),
  words: z.string(),
});

/** How people of one tenant answer. */
const habitSchema = z
  .object({
    tenant: z.string(),
    rules: z.array(z.object({ rule: z.string(), approvers: z.int(), ...figures })),
    /** `asked`: what they answered. */
    approvers: z.array(z.object({ person: z.string(), ...figures, drills: z.object({ denied: z.int(), approved: z.int() }) })),
    agents: z.array(z.object({ agent: z.string(), ...figures })),
    drillsMissed: z.int(),
    flags: z.array(flagSchema),
  })
  .openapi("Habits");

export const habitsSchema = z.object({ days: z.int(), habits: z.array(habitSchema) });

/** A change of the policy to paste. */
const proposalSchema = z
  .object({
    tenant: z.string(),
    kind: z.enum(["spare", "deny"]),
    rule: z.string(),
    because: z.string(),
    condition: z.string().optional(),
    /** Arguments the condition leaves open. */
    open: z.array(z.string()),
    file: z.string(),
    line: z.int(),
    how: z.string(),
    yaml: z.string(),
    replayed: z.object({ spared: z.int(), still: z.int(), unknown: z.int() }),
    failingTests: z.array(z.string()),
  })
  .openapi("HabitProposal");

export const proposalsSchema = z.object({ days: z.int(), proposals: z.array(proposalSchema) });
