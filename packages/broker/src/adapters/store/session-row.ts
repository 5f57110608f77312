import { z } from "zod";
import type { SenderBinding, Session } from "../../domain/session.ts";
import { openJson, sealJson } from "./subjects/sealed-json.ts";
import type { Subject } from "./subjects/subjects.ts";
import type { TenantSecrets } from "./subjects/tenant-secrets.ts";
import type { SessionsTable } from "./tables.ts";

const texts = z.array(z.string());
const limits = z.object({ calls: z.number().optional(), records: z.number().optional(), cost: z.number().optional() });

export const undoingSchema = z.object({
  call: z.string(),
  by: z.union([z.object({ person: z.string() }), z.object({ named: z.string() })]),
});

/** What a session says of its user and their affairs; lies in the row under the user's key. */
const contentSchema = z.object({
  task: z.string(),
  data: z.record(z.string(), z.json()),
  scope: texts,
  rows: z.array(z.record(z.string(), z.record(z.string(), texts))),
  actors: texts,
  undo: undoingSchema.optional(),
});

/** A session as the table holds it. */
export function toRow(session: Session, subject: Subject, secrets: Pick<TenantSecrets, "tag">): SessionsTable {
  const { task, data, scope, rows, actors, undo } = session;
  return {
    tenant_id: session.tenant,
    id: session.id,
    run: session.run,
    environment: session.environment,
    workflow: session.workflow,
    agent: session.agent,
    subject: subject.pseudonym,
    user_proof: session.userProof,
    task: secrets.tag("task", task.toWellFormed()),
    limits: JSON.stringify(session.limits),
    grant_kind: session.grant,
    binding: session.binding.kind,
    thumbprint: thumbprintOf(session.binding),
    client: session.client ?? null,
    lineage: [...session.lineage],
    partner: session.partner ?? null,
    partner_version: session.partnerVersion ?? null,
    issued_at: session.issuedAt,
    expires_at: session.expiresAt,
    revoked_at: session.revokedAt ?? null,
    sealed: sealJson(
      subject,
      { task, data, scope, rows, actors, ...(undo === undefined ? {} : { undo }) },
      associatedOf(session.tenant, session.id),
    ),
  };
}

/** A session out of its row, without what other rows say of it. */
export function fromRow(row: SessionsTable, subject: Subject): Session {
  const { task, data, scope, rows, actors, undo } = contentSchema.parse(openJson(subject, row.sealed, associatedOf(row.tenant_id, row.id)));
  return {
    id: row.id,
    tenant: row.tenant_id,
    environment: row.environment,
    workflow: row.workflow,
    agent: row.agent,
    user: subject.name,
    userProof: row.user_proof,
    task,
    run: row.run,
    data,
    scope,
    rows,
    limits: limits.parse(JSON.parse(row.limits)),
    grant: row.grant_kind,
    ...(undo === undefined ? {} : { undo }),
    binding: bindingOf(row),
    ...(row.client === null ? {} : { client: row.client }),
    lineage: row.lineage,
    actors,
    ...(row.partner === null ? {} : { partner: row.partner }),
    ...(row.partner_version === null ? {} : { partnerVersion: row.partner_version }),
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
  };
}

function associatedOf(tenant: string, id: string): string {
  return `session|${tenant}|${id}`;
}

function thumbprintOf(binding: SenderBinding): string | null {
  switch (binding.kind) {
    case "dpop":
      return binding.jkt;
    case "mtls":
      return binding.x5t;
    case "bearer":
    case "hmac":
      return null;
  }
}

function bindingOf({ binding, thumbprint }: SessionsTable): SenderBinding {
  switch (binding) {
    case "dpop":
      return { kind: "dpop", jkt: thumbprint ?? "" };
    case "mtls":
      return { kind: "mtls", x5t: thumbprint ?? "" };
    case "bearer":
    case "hmac":
      return { kind: binding };
  }
}
