import { z } from "zod";
import type { Approval, ApprovalAnswer, ApprovalBounds } from "../../domain/approval.ts";
import { shapeOf } from "../../domain/approval-shape.ts";
import { canonicalText } from "./log/canonical-text.ts";
import { resourceTag } from "./log/wire-entry.ts";
import { undoingSchema } from "./session-row.ts";
import { openJson, sealJson } from "./subjects/sealed-json.ts";
import type { Subject } from "./subjects/subjects.ts";
import type { TenantSecrets } from "./subjects/tenant-secrets.ts";
import type { ApprovalsTable } from "./tables.ts";

const jsonObject = z.record(z.string(), z.json());
const group = z.object({ by: z.array(z.string()), count: z.number() });
const change = z.object({ path: z.string(), before: z.unknown().optional(), after: z.unknown().optional() });

/** Terms of a question; also what an elevation's row holds. */
export const termsSchema = z.object({
  count: z.number(),
  also: z.array(group),
  stepUp: z.boolean(),
  escalate: z.object({ afterMs: z.number(), to: z.array(z.string()) }).optional(),
  bounded: z.object({ uses: z.number(), forMs: z.number() }).optional(),
});

/** What was asked, without what changes: written once. */
const askSchema = z.object({
  callId: z.string(),
  session: z.string(),
  actors: z.array(z.string()),
  run: z.string(),
  task: z.string(),
  undo: undoingSchema.optional(),
  argsDigest: z.string(),
  operation: z.object({ tool: z.string(), kind: z.enum(["tool", "resource", "prompt"]), name: z.string() }),
  scope: z.string(),
  effect: z.string(),
  args: jsonObject,
  fingerprint: z.string(),
  policyVersion: z.string(),
  resource: z.object({ type: z.string(), id: z.string(), digest: z.string() }).optional(),
  diff: z.array(change),
  reach: z.object({
    records: z.number(),
    cost: z.number().optional(),
    destinations: z.array(z.object({ argument: z.string(), value: z.string(), external: z.boolean() })),
    undo: z.string().optional(),
  }),
  origins: z.array(
    z.object({
      argument: z.string(),
      from: z.enum(["user", "result", "agent"]),
      callId: z.string().optional(),
      action: z.string().optional(),
      untrusted: z.boolean().optional(),
    }),
  ),
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
  terms: termsSchema,
  supersedes: z
    .object({ id: z.string(), because: z.array(z.enum(["policy", "record", "tool", "approvers"])), changes: z.array(change) })
    .optional(),
});

export const boundsSchema = z.object({
  uses: z.number(),
  until: z.coerce.date(),
  within: z.enum(["session", "task"]),
  args: z.record(
    z.string(),
    z.union([
      z.strictObject({ any: z.literal(true) }),
      z.strictObject({ min: z.number().optional(), max: z.number() }),
      z.strictObject({ in: z.array(z.json()) }),
    ]),
  ),
});

const jwk = z.union([
  z.object({ kty: z.literal("EC"), crv: z.literal("P-256"), x: z.string(), y: z.string() }),
  z.object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string() }),
  z.object({ kty: z.literal("RSA"), n: z.string(), e: z.string() }),
]);

/** Answers of people, in their order. */
export const answersSchema = z.array(
  z.object({
    verdict: z.enum(["approve", "deny"]),
    by: z.string(),
    at: z.coerce.date(),
    via: z.enum(["login-link", "operator-key", "passkey", "recovery-code", "sso", "slack"]),
    roles: z.array(z.string()),
    onDutyFor: z.string().optional(),
    reason: z.string().optional(),
    args: jsonObject.optional(),
    argsDigest: z.string().optional(),
    bounds: boundsSchema.optional(),
    receipt: z
      .object({
        document: jsonObject,
        credentialId: z.string(),
        clientDataJSON: z.string(),
        authenticatorData: z.string(),
        signature: z.string(),
        publicKey: jwk,
        at: z.string(),
      })
      .optional(),
  }),
);

type Written = "tenant" | "id" | "agent" | "environment" | "user" | "state" | "createdAt" | "expiresAt" | "answers" | "drill";

export function toRow(approval: Approval, subject: Subject, secrets: TenantSecrets): ApprovalsTable {
  const { tenant, id, agent, environment, user: _, state, createdAt, expiresAt, answers, drill, ...rest } = approval;
  const ask: Omit<Approval, Written> = rest;
  return {
    tenant_id: tenant,
    id,
    agent,
    environment,
    subject: subject.pseudonym,
    task: secrets.tag("task", approval.task.toWellFormed()),
    asked: askedTag(secrets, approval),
    resource: approval.resource === undefined ? null : resourceTag(secrets, approval.resource),
    rule: approval.rules[0]?.id ?? "",
    shape: shapeTag(secrets, approval),
    drill: drill === true,
    state,
    created_at: createdAt,
    expires_at: expiresAt,
    answered: answers.length,
    decided_at: null,
    // A drill has no call that could end.
    end_said: drill === true,
    end_taken_until: null,
    ask: sealJson(subject, ask, associatedOf("ask", approval)),
    answers: answers.length === 0 ? null : sealAnswers(subject, approval, answers),
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

export function shapeTag({ tag }: Pick<TenantSecrets, "tag">, approval: Approval): string {
  return tag("shape", shapeOf(approval));
}

export function operationTag({ tag }: Pick<TenantSecrets, "tag">, { tool, kind, name }: Approval["operation"]): string {
  return tag("operation", canonicalText([tool, kind, name]));
}

/** Answers lie under the key of the person it was asked for, whoever gave them. */
export function sealAnswers(subject: Subject, place: Pick<Approval, "tenant" | "id">, answers: readonly ApprovalAnswer[]): Buffer {
  return sealJson(subject, answers, associatedOf("answer", place));
}

export function sealBounds(subject: Subject, place: Pick<Approval, "tenant" | "id">, bounds: ApprovalBounds): Buffer {
  return sealJson(subject, bounds, associatedOf("bounds", place));
}

export function openBounds(subject: Subject, place: Pick<Approval, "tenant" | "id">, sealed: Buffer): ApprovalBounds {
  return boundsSchema.parse(openJson(subject, sealed, associatedOf("bounds", place)));
}

function associatedOf(part: "ask" | "answer" | "bounds", { tenant, id }: Pick<Approval, "tenant" | "id">): string {
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
    environment: row.environment,
    user: subject.name,
    ...(row.drill ? { drill: true } : {}),
    state: over ? "expired" : row.state,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    answers: row.answers === null ? [] : answersSchema.parse(openJson(subject, row.answers, associatedOf("answer", place))),
  };
}
