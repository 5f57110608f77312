import { z } from "zod";
import type { SenderBinding, Session } from "../../domain/session.ts";
import type { SessionsTable } from "./tables.ts";

const jsonObject = z.record(z.string(), z.json());
const texts = z.array(z.string());
const rowBounds = z.array(z.record(z.string(), z.record(z.string(), texts)));
const limits = z.object({ calls: z.number().optional(), records: z.number().optional(), cost: z.number().optional() });

/** A session as the table holds it. */
export function toRow(session: Session): SessionsTable {
  return {
    tenant_id: session.tenant,
    id: session.id,
    environment: session.environment,
    workflow: session.workflow,
    agent: session.agent,
    user_id: session.user,
    user_proof: session.userProof,
    task: session.task,
    data: JSON.stringify(session.data),
    scope: JSON.stringify(session.scope),
    rows: JSON.stringify(session.rows),
    limits: JSON.stringify(session.limits),
    grant_kind: session.grant,
    binding: session.binding.kind,
    thumbprint: thumbprintOf(session.binding),
    client: session.client ?? null,
    lineage: [...session.lineage],
    actors: JSON.stringify(session.actors),
    partner: session.partner ?? null,
    partner_version: session.partnerVersion ?? null,
    issued_at: session.issuedAt,
    expires_at: session.expiresAt,
    revoked_at: session.revokedAt ?? null,
    revoked_by: null,
  };
}

/** A session out of its row, without what other rows say of it. */
export function fromRow(row: SessionsTable): Session {
  return {
    id: row.id,
    tenant: row.tenant_id,
    environment: row.environment,
    workflow: row.workflow,
    agent: row.agent,
    user: row.user_id,
    userProof: row.user_proof,
    task: row.task,
    data: jsonObject.parse(JSON.parse(row.data)),
    scope: texts.parse(JSON.parse(row.scope)),
    rows: rowBounds.parse(JSON.parse(row.rows)),
    limits: limits.parse(JSON.parse(row.limits)),
    grant: row.grant_kind,
    binding: bindingOf(row),
    ...(row.client === null ? {} : { client: row.client }),
    lineage: row.lineage,
    actors: texts.parse(JSON.parse(row.actors)),
    ...(row.partner === null ? {} : { partner: row.partner }),
    ...(row.partner_version === null ? {} : { partnerVersion: row.partner_version }),
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
  };
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
