import type { Transaction } from "kysely";
import type { Approval, ApprovalStore, BoundedApproval } from "../../domain/approval.ts";
import { fromRow, openBounds, operationTag, sealBounds } from "./approval-row.ts";
import type { ApprovalDeps } from "./approvals.ts";
import type { Subject } from "./subjects/subjects.ts";
import type { TenantSecrets } from "./subjects/tenant-secrets.ts";
import type { ApprovalsTable, BoundedApprovalsTable, Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";

/** Keeps the yes to further calls, when the last answer gave one. The call that was asked for has its own. */
export async function keepBounds(scoped: Transaction<Tables>, secrets: TenantSecrets, subject: Subject, approval: Approval): Promise<void> {
  const bounds = approval.answers.at(-1)?.bounds;
  if (bounds === undefined || bounds.uses < 2) return;
  await scoped
    .insertInto("bailiwick.bounded_approvals")
    .values({
      tenant_id: approval.tenant,
      id: approval.id,
      agent: approval.agent,
      subject: subject.pseudonym,
      operation: operationTag(secrets, approval.operation),
      uses_left: bounds.uses - 1,
      until: bounds.until,
      revoked_at: null,
      sealed: sealBounds(subject, approval, bounds),
    })
    .execute();
}

export async function boundedFor(deps: ApprovalDeps, key: Parameters<ApprovalStore["bounded"]>[0]): Promise<readonly BoundedApproval[]> {
  const subject = await deps.people.find(key.tenant, key.user);
  if (subject === undefined) return [];
  const secrets = await deps.secrets(key.tenant);
  const at = deps.now();
  const [bounded, approvals] = await inTenant(deps.db, key.tenant, async (scoped) => {
    const rows = await scoped
      .selectFrom("bailiwick.bounded_approvals")
      .selectAll()
      .where("tenant_id", "=", key.tenant)
      .where("agent", "=", key.agent)
      .where("subject", "=", subject.pseudonym)
      .where("operation", "=", operationTag(secrets, key.operation))
      .where("uses_left", ">", 0)
      .where("until", ">", at)
      .where("revoked_at", "is", null)
      .orderBy("until")
      .execute();
    return [rows, await approvalsOf(scoped, key.tenant, rows)] as const;
  });
  return bounded.flatMap((row) => joined(row, approvals, subject, at));
}

export async function listBounded(deps: ApprovalDeps, tenant: string): Promise<readonly BoundedApproval[]> {
  const at = deps.now();
  const [bounded, approvals] = await inTenant(deps.db, tenant, async (scoped) => {
    const rows = await scoped
      .selectFrom("bailiwick.bounded_approvals")
      .selectAll()
      .where("tenant_id", "=", tenant)
      .where("until", ">", at)
      .orderBy("until")
      .limit(MAX_LISTED)
      .execute();
    return [rows, await approvalsOf(scoped, tenant, rows)] as const;
  });
  const known = await deps.people.behind(
    tenant,
    bounded.map(({ subject }) => subject),
  );
  return bounded.flatMap((row) => {
    const subject = known.get(row.subject);
    return subject === undefined ? [] : joined(row, approvals, subject, at);
  });
}

export async function revokeBounded({ db }: ApprovalDeps, tenant: string, id: string, at: Date): Promise<boolean> {
  const result = await inTenant(db, tenant, (scoped) =>
    scoped
      .updateTable("bailiwick.bounded_approvals")
      .set({ revoked_at: at })
      .where("tenant_id", "=", tenant)
      .where("id", "=", id)
      .where("revoked_at", "is", null)
      .where("until", ">", at)
      .executeTakeFirst(),
  );
  return result.numUpdatedRows > 0n;
}

/** A person looks at no more at a time. */
const MAX_LISTED = 500;

async function approvalsOf(
  scoped: Transaction<Tables>,
  tenant: string,
  bounded: readonly BoundedApprovalsTable[],
): Promise<ReadonlyMap<string, ApprovalsTable>> {
  if (bounded.length === 0) return new Map();
  const rows = await scoped
    .selectFrom("bailiwick.approvals")
    .selectAll()
    .where("tenant_id", "=", tenant)
    .where(
      "id",
      "in",
      bounded.map(({ id }) => id),
    )
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

function joined(
  row: BoundedApprovalsTable,
  approvals: ReadonlyMap<string, ApprovalsTable>,
  subject: Subject,
  at: Date,
): readonly BoundedApproval[] {
  const asked = approvals.get(row.id);
  if (asked === undefined) return [];
  const approval = fromRow(asked, subject, at);
  return [
    {
      approval,
      bounds: openBounds(subject, approval, row.sealed),
      args: approval.answers.at(-1)?.args ?? approval.args,
      usesLeft: row.uses_left,
      ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
    },
  ];
}
