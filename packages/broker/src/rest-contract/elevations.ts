import { z } from "@hono/zod-openapi";
import { quorumSchema } from "./approvals.ts";
import { nameSchema } from "./schemas.ts";

const time = z.string().openapi({ format: "date-time" });

/** The longest time that any policy gives a right for is 30 days. */
const MAX_MINUTES = 30 * 24 * 60;
/** A reason is a sentence or two. */
const MAX_REASON_CHARS = 2_000;
/** A longer list should be a role. */
const MAX_SCOPES = 50;

export const elevationStateSchema = z.enum(["pending", "active", "denied", "expired", "revoked", "cancelled"]);

export const scopeSchema = z
  .string()
  .max(256)
  .regex(/^[a-z][a-z0-9_-]*:(?:\*|[a-z][a-z0-9_-]*(?::[A-Za-z_$][\w$-]*)?)$/u, { error: "must be a scope such as `tickets:update`" });
export const scopesSchema = z.array(scopeSchema).max(MAX_SCOPES);
export const minutesSchema = z.int().min(1).max(MAX_MINUTES);
export const elevationReasonSchema = z.string().trim().min(1).max(MAX_REASON_CHARS);

/** What a person asks for an agent to have. `scope` absent or empty: all of the role. */
export const newElevationSchema = z.strictObject({
  agent: nameSchema,
  role: nameSchema.optional(),
  scope: scopesSchema.default([]),
  task: nameSchema.optional(),
  minutes: minutesSchema.optional(),
  reason: elevationReasonSchema,
});

const elevationAnswerSchema = z.object({
  verdict: z.enum(["approve", "deny"]),
  by: z.string(),
  at: time,
  onDutyFor: z.string().optional(),
  reason: z.string().optional(),
  scope: z.array(z.string()),
  minutes: z.int(),
  /** Whether it was signed with a passkey; then there is a receipt. */
  signed: z.boolean(),
});

/** A right for a time. */
export const elevationSchema = z
  .object({
    id: z.string(),
    tenant: z.string(),
    environment: z.string(),
    agent: z.string(),
    role: z.string(),
    /** What would be given, in one sentence made by the broker. */
    sentence: z.string(),
    /** Scopes asked for; empty: all of the role. */
    scope: z.array(z.string()),
    /** Scopes of the catalog that the role covers in this policy. */
    roleScopes: z.array(z.string()),
    task: z.string().optional(),
    minutes: z.int(),
    reason: z.string(),
    /** `agent`: the reason is in the agent's own words, untrusted. */
    askedBy: z.object({ kind: z.enum(["agent", "person"]), name: z.string(), user: z.string().optional(), session: z.string().optional() }),
    state: elevationStateSchema,
    createdAt: time,
    askEndsAt: time,
    policyVersion: z.string(),
    approvers: z.array(z.string()),
    quorum: quorumSchema,
    stepUp: z.boolean(),
    answers: z.array(elevationAnswerSchema),
    /** What was given, which may be less than was asked. */
    given: z.object({ scope: z.array(z.string()), from: time, until: time }).optional(),
    revoked: z.object({ by: z.string(), at: time, reason: z.string() }).optional(),
    /** Whether the policy in force still lets the agent have it; otherwise it counts for nothing. */
    eligible: z.boolean(),
    mayAnswer: z.boolean(),
    mayNotBecause: z.string().optional(),
    mayRevoke: z.boolean(),
  })
  .openapi("Elevation");

export const elevationsSchema = z.object({
  elevations: z.array(elevationSchema),
  /** The next page's `after`. */
  next: z.string().optional(),
});

/** What became of it: calls that stood on it, found in the log by its id as by that of a rule. */
export const elevationDetailSchema = elevationSchema.extend({
  uses: z.object({
    calls: z.int(),
    /** Whether there are more than were counted. */
    more: z.boolean(),
    latest: z.object({ callId: z.string(), at: time, action: z.string().optional() }).optional(),
  }),
});

export const eligibleRolesSchema = z.object({
  roles: z.array(
    z.object({
      tenant: z.string(),
      agent: z.string(),
      role: z.string(),
      reason: z.string(),
      mostMinutes: z.int(),
      scopes: z.array(z.string()),
      approvers: z.array(z.string()),
      stepUp: z.boolean(),
    }),
  ),
});
