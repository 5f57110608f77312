import { z } from "@hono/zod-openapi";
import { anyJsonSchema } from "./any-json.ts";
import { nameSchema, operationSchema, ruleSchema } from "./schemas.ts";

const time = z.string().openapi({ format: "date-time" });
const object = z.record(z.string(), z.unknown());

export const approvalStateSchema = z.enum(["pending", "approved", "denied", "expired", "cancelled", "used"]);

/** `masked`: the values are there, and the asking person may not see them. */
export const fieldChangeSchema = z
  .object({ path: z.string(), before: z.unknown().optional(), after: z.unknown().optional(), masked: z.boolean().optional() })
  .openapi("FieldChange");

export const argumentBoundSchema = z
  .union([
    z.strictObject({ any: z.literal(true) }),
    z.strictObject({ min: z.number().optional(), max: z.number() }),
    z.strictObject({ in: z.array(anyJsonSchema).min(1).max(100) }),
  ])
  .openapi("ArgumentBound");

/** A yes to several calls. Arguments that are not named must be exactly the approved ones. */
export const boundsSchema = z
  .strictObject({
    uses: z.int().min(1),
    until: time,
    within: z.enum(["session", "task"]),
    args: z.record(z.string().max(256), argumentBoundSchema).default({}),
  })
  .openapi("ApprovalBounds");

export const answerSchema = z
  .object({
    verdict: z.enum(["approve", "deny"]),
    by: z.string(),
    at: time,
    onDutyFor: z.string().optional(),
    reason: z.string().optional(),
    args: object.optional(),
    bounds: boundsSchema.optional(),
    /** Whether it was signed with a passkey; then there is a receipt. */
    signed: z.boolean(),
  })
  .openapi("ApprovalAnswer");

/** Who has said yes, of how many, in each group that is asked. */
export const quorumSchema = z
  .object({
    groups: z.array(z.object({ by: z.array(z.string()), count: z.int(), yes: z.array(z.string()) })),
    /** When more people are asked. */
    escalatesAt: time.optional(),
  })
  .openapi("Quorum");

/** A held call, with what it takes to decide it. */
export const approvalSchema = z
  .object({
    id: z.string(),
    tenant: z.string(),
    environment: z.string(),
    callId: z.string(),
    run: z.string(),
    agent: z.string(),
    user: z.string(),
    session: z.string(),
    task: z.string(),
    operation: operationSchema,
    scope: z.string(),
    effect: z.string(),
    /** What would happen, in one sentence made by the broker. */
    sentence: z.string(),
    /** Whether it can be taken back, in words. */
    reversible: z.boolean(),
    undo: z.string(),
    args: object,
    /** Arguments with values that the asking person may not see: a mask stands in their place, and an edit leaves it as it is. */
    maskedArgs: z.array(z.string()),
    argsDigest: z.string(),
    /** Twelve digits that a message about it shows as well: whoever comes from there can compare. */
    check: z.string(),
    /** Names what is shown here: a yes says which one it was given to. */
    showing: z.string(),
    policyVersion: z.string(),
    fingerprint: z.string(),
    resource: z.object({ type: z.string(), id: z.string() }).optional(),
    diff: z.array(fieldChangeSchema),
    /** In the agent's own words: untrusted text. */
    statedReason: z.string().optional(),
    rules: z.array(ruleSchema),
    /** How much is at stake, and each thing that makes it so. */
    stakes: z.object({ level: z.enum(["low", "medium", "high"]), because: z.array(z.string()) }),
    reach: z.object({
      records: z.int(),
      cost: z.number().optional(),
      destinations: z.array(z.object({ argument: z.string(), value: z.string(), external: z.boolean() })),
    }),
    origins: z.array(
      z.object({
        argument: z.string(),
        from: z.enum(["user", "result", "agent"]),
        callId: z.string().optional(),
        action: z.string().optional(),
        untrusted: z.boolean().optional(),
        /** The same in words. */
        words: z.string(),
      }),
    ),
    /** The question before this one, and what has changed since. */
    supersedes: z
      .object({ id: z.string(), because: z.array(z.enum(["policy", "record", "tool", "approvers"])), changes: z.array(fieldChangeSchema) })
      .optional(),
    approvers: z.array(z.string()),
    quorum: quorumSchema,
    /** Whether a yes is signed with a passkey. */
    stepUp: z.boolean(),
    /** The most a yes to several calls may cover; absent: a yes is for one call. */
    bounded: z.object({ uses: z.int(), forMs: z.int() }).optional(),
    answers: z.array(answerSchema),
    state: approvalStateSchema,
    /** It was sown to see whether people look; said once it is over. */
    drill: z.boolean().optional(),
    /** Same for approvals that may be answered together. */
    shape: z.string(),
    createdAt: time,
    expiresAt: time,
    /** Whether the asking person may answer it, and why not. */
    mayAnswer: z.boolean(),
    mayNotBecause: z.string().optional(),
  })
  .openapi("Approval");

export const approvalsSchema = z.object({
  approvals: z.array(approvalSchema),
  /** The next page's `after`. */
  next: z.string().optional(),
  /** How many are pending in the tenants asked for. */
  pending: z.int(),
});

export const similarSchema = z
  .object({
    approved: z.int(),
    denied: z.int(),
    expired: z.int(),
    medianSeconds: z.number().optional(),
    recent: z.array(
      z.object({
        id: z.string(),
        at: time,
        state: approvalStateSchema,
        by: z.string().optional(),
        sentence: z.string(),
        reason: z.string().optional(),
      }),
    ),
  })
  .openapi("SimilarApprovals");

/** What policy says of arguments that a person would approve instead. */
export const triedEditSchema = z
  .object({
    verdict: z.enum(["allow", "ask", "deny"]),
    message: z.string().optional(),
    rules: z.array(ruleSchema),
    diff: z.array(fieldChangeSchema),
  })
  .openapi("TriedEdit");

/** What is signed: the digest of the document is the WebAuthn challenge. */
export const toSignSchema = z.object({ document: object, options: object }).openapi("ToSign");

export const bulkSchema = z.strictObject({
  approvals: z
    .array(z.strictObject({ id: nameSchema, showing: z.string().min(1).max(128) }))
    .min(1)
    .max(100),
  verdict: z.enum(["approve", "deny"]),
  reason: z.string().trim().min(1).max(2_000).optional(),
});

export const bulkAnswerSchema = z.object({
  results: z.array(
    z.object({ id: z.string(), state: approvalStateSchema.optional(), problem: z.string().optional(), code: z.string().optional() }),
  ),
});

export const boundedApprovalSchema = z
  .object({
    id: z.string(),
    tenant: z.string(),
    agent: z.string(),
    user: z.string(),
    task: z.string(),
    sentence: z.string(),
    args: object,
    bounds: boundsSchema,
    usesLeft: z.int(),
    approvedBy: z.array(z.string()),
    revokedAt: time.optional(),
  })
  .openapi("BoundedApproval");
