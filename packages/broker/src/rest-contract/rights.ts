import { z } from "@hono/zod-openapi";
import { fieldChangeSchema } from "./approvals.ts";
import { agentSchema, diagnosticSchema, operationSchema, ruleSchema, sessionSchema, toolStateSchema } from "./schemas.ts";

const time = z.string().openapi({ format: "date-time" });
const object = z.record(z.string(), z.unknown());
const verdict = z.enum(["allow", "ask", "deny"]);
const at = z.object({ file: z.string(), line: z.int() });

/** A right that an agent may ask for, for a time. */
const eligibleSchema = z.object({ role: z.string(), mostMs: z.int(), reason: z.string(), by: z.array(z.string()), at });

/** A right that an agent has for a time. */
const activeElevationSchema = z.object({
  id: z.string(),
  role: z.string(),
  /** Scopes it was narrowed to. Empty: all of the role. */
  scope: z.array(z.string()),
  /** Only sessions for this task have it. */
  task: z.string().optional(),
  until: time,
});

const matrixActionSchema = z.object({ operation: operationSchema, action: z.string(), scope: z.string(), effect: z.string() });

export const matrixSchema = z
  .object({
    policyVersion: z.string(),
    /** The columns: the same for every row. */
    actions: z.array(matrixActionSchema),
    rows: z.array(
      z.object({
        agent: z.string(),
        tenant: z.string(),
        environment: z.string(),
        workflow: z.string(),
        roles: z.array(z.string()),
        owner: z.string(),
        eligible: z.array(eligibleSchema),
        elevations: z.array(activeElevationSchema),
        /**
         * What the policy says of each action, in the order of the columns. `raised`: what one role more makes of it, when that is more: one
         * that the agent has for a time (`active`), else one that it may ask for.
         */
        cells: z.array(
          z.object({
            verdict,
            when: z.enum(["always", "sometimes"]),
            raised: z.object({ verdict: z.enum(["allow", "ask"]), role: z.string(), active: z.boolean() }).optional(),
          }),
        ),
      }),
    ),
  })
  .openapi("Matrix");

const waySchema = z.object({
  grant: ruleSchema,
  verdict: z.enum(["allow", "ask"]),
  conditions: z.array(z.string()),
  rows: z.array(z.string()),
  fields: z.array(z.string()),
  limits: z.array(z.string()),
  approval: z.array(z.string()),
  hours: z.array(z.string()),
  /** What it demands of the texts of a call. */
  content: z.array(z.string()),
  rules: z.array(ruleSchema),
});

/** What one agent may do with one action, in words. */
export const matrixCellSchema = matrixActionSchema
  .extend({
    verdict,
    when: z.enum(["always", "sometimes"]),
    /** Why it is denied. */
    reason: z.string().optional(),
    ways: z.array(waySchema),
    rules: z.array(ruleSchema),
    /** What one role more would make of it. */
    elevations: z.array(
      z.object({
        eligible: eligibleSchema,
        /** Those to this role that are in force. Empty: it has to be asked for. */
        active: z.array(activeElevationSchema),
        verdict: z.enum(["allow", "ask"]),
        when: z.enum(["always", "sometimes"]),
        /** Grants that could apply then and cannot now. */
        ways: z.array(waySchema),
      }),
    ),
  })
  .openapi("MatrixCell");

export const explainedCellSchema = matrixCellSchema
  .extend({
    agent: z.string(),
    /** The smallest changes of the policy that would turn a denial. */
    wouldChange: z.array(z.string()),
    /** What the call may carry, by name; those set by the broker are left out. */
    args: object,
    /** Where the catalog declares the action. */
    at,
  })
  .openapi("ExplainedCell");

export const agentDetailSchema = agentSchema
  .extend({
    at,
    ownerName: z.string().optional(),
    attributes: object,
    clients: z.object({ people: z.array(z.string()), ids: z.array(z.string()).optional() }).optional(),
    eligible: z.array(eligibleSchema),
    elevations: z.array(activeElevationSchema),
    /** Every action of the catalog. */
    rights: z.array(matrixCellSchema),
    /** Live sessions of the agent, those they were delegated from, and those delegated from them. */
    sessions: z.array(sessionSchema),
    /** The tenant has more live sessions than were looked at. */
    moreSessions: z.boolean(),
  })
  .openapi("AgentDetail");

export const triedSchema = z
  .object({
    verdict,
    policyVersion: z.string(),
    agent: z.string(),
    operation: operationSchema,
    scope: z.string(),
    effect: z.string(),
    /** With the arguments that the broker sets. */
    args: object,
    at: time,
    /** `unknown`: the record is not given, and the verdict is for one within the rows. */
    record: z.enum(["given", "unknown", "none"]),
    refusal: z.object({ code: z.string(), message: z.string() }).optional(),
    rules: z.array(ruleSchema),
    summary: z.string(),
    unmatched: z.array(z.object({ rule: ruleSchema, because: z.string() })),
    wouldChange: z.array(z.string()),
    /** Ids of the rights for a time without which it would have been refused, or demanded more. */
    elevations: z.array(z.string()),
    /** What goes with a call that is not refused, a sentence each. */
    holds: z.array(z.string()),
  })
  .openapi("TriedCall");

const policyFileSchema = z.object({ path: z.string(), text: z.string() });

export const policyFilesSchema = z
  .object({
    version: z.string(),
    /** The files of the version in force. */
    files: z.array(policyFileSchema),
    warnings: z.array(diagnosticSchema),
    /** What lies in the folder now and does not load; absent when what lies there is in force. */
    rejected: z
      .object({
        /** Files that are new or differ from those in force. */
        files: z.array(policyFileSchema),
        removed: z.array(z.string()),
        diagnostics: z.array(diagnosticSchema),
      })
      .optional(),
  })
  .openapi("PolicyFiles");

/** What the forms of a page are made of. */
export const catalogSchema = z.object({
  /** `eligible`: roles it may ask for. */
  agents: z.array(z.object({ name: z.string(), eligible: z.array(z.string()) })),
  actions: z.array(
    matrixActionSchema.extend({
      description: z.string().optional(),
      args: object,
      /** Arguments the broker sets. */
      force: z.array(z.string()),
      /** The type of the record it acts on, and that type's fields. */
      record: z.object({ type: z.string(), fields: object }).optional(),
    }),
  ),
});

export const toolReviewSchema = toolStateSchema
  .extend({
    tenant: z.string(),
    /** What the tool offers now, as this broker last saw it. Absent: it was not connected, or does not offer it. */
    offered: z
      .object({
        /** The tool's own text: untrusted. */
        entry: object,
        fingerprint: z.string(),
      })
      .optional(),
    /** What the catalog says of it. */
    declared: z
      .object({
        scope: z.string(),
        effect: z.string(),
        description: z.string().optional(),
        args: object,
        labels: z.record(z.string(), z.array(z.string())),
        at,
      })
      .optional(),
    /** `entry`: what was reviewed against what is offered now; `arguments`: what the catalog declares against that, as types of the catalog. */
    compared: z.enum(["entry", "arguments"]).optional(),
    differences: z.array(fieldChangeSchema),
    /** What a reviewer who agrees writes. Absent: nothing is to be reviewed. */
    write: z.object({ file: z.string(), line: z.int().optional(), text: z.string(), command: z.string() }).optional(),
  })
  .openapi("ToolReview");
