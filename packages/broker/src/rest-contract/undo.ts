import { z } from "@hono/zod-openapi";
import { operationSchema } from "./schemas.ts";

/** A field before the call, as the call left it, and now. A member is absent where the field was, or where the state is not known. */
const changeSchema = z.object({
  path: z.string(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  now: z.unknown().optional(),
  /** Somebody has changed it since the call, and the undo would write it. */
  conflict: z.boolean(),
});

/** What would take a call back, or why nothing can. */
export const undoProposalSchema = z
  .object({
    tenant: z.string(),
    call: z.string(),
    /** Scope of the action that would be taken back. */
    action: z.string().optional(),
    possible: z.boolean(),
    /** Why it is not possible, in a closed list: `no_undo`, `not_succeeded`, `outcome_unknown`, `facts_erased`, `action_gone`, `already_undone`, `under_way`, `nothing_changed`, `value_unknown`. */
    code: z.string().optional(),
    message: z.string().optional(),
    undo: z
      .object({
        operation: operationSchema,
        /** Scope of the action that takes it back. */
        action: z.string(),
        effect: z.string(),
        args: z.record(z.string(), z.unknown()),
        /** Fields that stay otherwise than they were before the call. */
        notRestored: z.array(z.string()),
        /** Without `now` where the record was not looked at. */
        changes: z.array(changeSchema),
        /** What the policy says of it now; absent where it was not asked. `denied` says why not. */
        verdict: z.enum(["allow", "ask", "deny"]).optional(),
        denied: z.object({ code: z.string().optional(), message: z.string() }).optional(),
      })
      .optional(),
  })
  .openapi("UndoProposal");

export const runUndoPlanSchema = z
  .object({
    tenant: z.string(),
    run: z.string(),
    /** In the order in which they would be taken back: the newest first. */
    calls: z.array(undoProposalSchema),
  })
  .openapi("RunUndoPlan");

const stepShape = {
  call: z.string(),
  action: z.string().optional(),
  /**
   * `changed`: the record is no longer as the call left it. `pending`: people are asked; ask again after their yes. `failed`: the tool refused.
   * `skipped`: there is nothing to take back or nothing that could, and what came before is taken back all the same.
   */
  state: z.enum(["undone", "pending", "refused", "changed", "failed", "unknown", "impossible", "skipped", "not_tried"]),
  /** Id of the call that takes it back. */
  undo: z.string().optional(),
  /** The approval that people are to answer. */
  approval: z.string().optional(),
  approvers: z.array(z.string()).optional(),
  code: z.string().optional(),
  message: z.string().optional(),
  changes: z.array(changeSchema).optional(),
};

/** What became of a call that was to be taken back. */
export const undoneSchema = z.object({ tenant: z.string(), ...stepShape }).openapi("Undone");

export const runUndoneSchema = z
  .object({
    tenant: z.string(),
    run: z.string(),
    /** Whether everything that can be taken back is. */
    complete: z.boolean(),
    /** In the order in which they were taken back; the first that did not go through ended it. */
    steps: z.array(z.object(stepShape)),
  })
  .openapi("RunUndone");
