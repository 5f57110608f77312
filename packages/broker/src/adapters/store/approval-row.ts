import { z } from "zod";
import type { Approval } from "../../domain/approval.ts";
import type { ApprovalsTable } from "./tables.ts";

const jsonObject = z.record(z.string(), z.json());

/** What was asked, without what changes: written once. */
const askSchema = z.object({
  environment: z.string(),
  callId: z.string(),
  session: z.string(),
  operation: z.object({ tool: z.string(), kind: z.enum(["tool", "resource", "prompt"]), name: z.string() }),
  scope: z.string(),
  effect: z.string(),
  args: jsonObject,
  fingerprint: z.string(),
  policyVersion: z.string(),
  resource: z.object({ type: z.string(), id: z.string(), digest: z.string() }).optional(),
  diff: z.array(z.object({ path: z.string(), before: z.unknown().optional(), after: z.unknown().optional() })),
  statedReason: z.string().optional(),
  rules: z.array(
    z.object({
      kind: z.enum(["grant", "deny", "gate", "ceiling", "builtin"]),
      id: z.string(),
      at: z.object({ file: z.string(), line: z.number() }),
      reason: z.string(),
    }),
  ),
  approvers: z.array(z.string()),
});

const answerSchema = z.object({
  by: z.string(),
  at: z.coerce.date(),
  reason: z.string().optional(),
  args: jsonObject.optional(),
  argsDigest: z.string().optional(),
});

export function toRow(approval: Approval): ApprovalsTable {
  const {
    environment,
    callId,
    session,
    operation,
    scope,
    effect,
    args,
    fingerprint,
    policyVersion,
    resource,
    diff,
    statedReason,
    rules,
    approvers,
  } = approval;
  const ask: Omit<Approval, "id" | "tenant" | "agent" | "user" | "task" | "argsDigest" | "state" | "createdAt" | "expiresAt" | "answer"> = {
    environment,
    callId,
    session,
    operation,
    scope,
    effect,
    args,
    fingerprint,
    policyVersion,
    resource,
    diff,
    statedReason,
    rules,
    approvers,
  };
  return {
    tenant_id: approval.tenant,
    id: approval.id,
    agent: approval.agent,
    user_id: approval.user,
    task: approval.task,
    tool: operation.tool,
    operation_kind: operation.kind,
    operation_name: operation.name,
    args_digest: approval.argsDigest,
    state: approval.state,
    created_at: approval.createdAt,
    expires_at: approval.expiresAt,
    ask: JSON.stringify(ask),
    answer: approval.answer === undefined ? null : answerText(approval.answer),
  };
}

export function answerText(answer: NonNullable<Approval["answer"]>): string {
  return JSON.stringify({ by: answer.by, at: answer.at, reason: answer.reason, args: answer.args, argsDigest: answer.argsDigest });
}

/** A pending or approved ask whose time is over reads as expired; nobody has to write that down for it to hold. */
export function fromRow(row: ApprovalsTable, now: Date): Approval {
  const over = (row.state === "pending" || row.state === "approved") && row.expires_at <= now;
  return {
    ...askSchema.parse(JSON.parse(row.ask)),
    id: row.id,
    tenant: row.tenant_id,
    agent: row.agent,
    user: row.user_id,
    task: row.task,
    argsDigest: row.args_digest,
    state: over ? "expired" : row.state,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    ...(row.answer === null ? {} : { answer: answerSchema.parse(JSON.parse(row.answer)) }),
  };
}
