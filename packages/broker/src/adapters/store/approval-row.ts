import { z } from "zod";
import type { Approval } from "../../domain/approval.ts";
import { canonicalText } from "./log/canonical-text.ts";
import { resourceTag } from "./log/wire-entry.ts";
import { openJson, sealJson } from "./subjects/sealed-json.ts";
import type { Subject } from "./subjects/subjects.ts";
import type { TenantSecrets } from "./subjects/tenant-secrets.ts";
import type { ApprovalsTable } from "./tables.ts";

const jsonObject = z.record(z.string(), z.json());

/** What was asked, without what changes: written once. */
const askSchema = z.object({
  environment: z.string(),
  callId: z.string(),
  session: z.string(),
  task: z.string(),
  argsDigest: z.string(),
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

export function toRow(approval: Approval, subject: Subject, secrets: TenantSecrets): ApprovalsTable {
  const {
    environment,
    callId,
    session,
    task,
    argsDigest,
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
  const ask: Omit<Approval, "id" | "tenant" | "agent" | "user" | "state" | "createdAt" | "expiresAt" | "answer"> = {
    environment,
    callId,
    session,
    task,
    argsDigest,
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
    subject: subject.pseudonym,
    task: secrets.tag("task", task.toWellFormed()),
    asked: askedTag(secrets, approval),
    resource: resource === undefined ? null : resourceTag(secrets, resource),
    state: approval.state,
    created_at: approval.createdAt,
    expires_at: approval.expiresAt,
    ask: sealJson(subject, ask, associatedOf("ask", approval)),
    answer: approval.answer === undefined ? null : sealAnswer(subject, approval, approval.answer),
  };
}

/** Operation and arguments as they are found again: names of resources and prompts can hold a record's id. */
export function askedTag(
  { tag }: Pick<TenantSecrets, "tag">,
  { operation, argsDigest }: Pick<Approval, "operation" | "argsDigest">,
): string {
  const { tool, kind, name } = operation;
  return tag("arguments", canonicalText([tool, kind, name, argsDigest]));
}

/** An answer lies under the key of the person it was asked for, whoever gave it. */
export function sealAnswer(subject: Subject, place: Pick<Approval, "tenant" | "id">, answer: NonNullable<Approval["answer"]>): Buffer {
  const { by, at, reason, args, argsDigest } = answer;
  return sealJson(subject, { by, at, reason, args, argsDigest }, associatedOf("answer", place));
}

function associatedOf(part: "ask" | "answer", { tenant, id }: Pick<Approval, "tenant" | "id">): string {
  return `${part}|${tenant}|${id}`;
}

/** A pending or approved ask whose time is over reads as expired; nobody has to write that down for it to hold. */
export function fromRow(row: ApprovalsTable, subject: Subject, now: Date): Approval {
  const place = { tenant: row.tenant_id, id: row.id };
  const over = (row.state === "pending" || row.state === "approved") && row.expires_at <= now;
  return {
    ...askSchema.parse(openJson(subject, row.ask, associatedOf("ask", place))),
    ...place,
    agent: row.agent,
    user: subject.name,
    state: over ? "expired" : row.state,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    ...(row.answer === null ? {} : { answer: answerSchema.parse(openJson(subject, row.answer, associatedOf("answer", place))) }),
  };
}
