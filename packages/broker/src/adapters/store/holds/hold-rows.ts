import { z } from "zod";
import type { LegalHold } from "../../../domain/erasure.ts";
import type { Queryable } from "../queryable.ts";
import { openJson } from "../subjects/sealed-json.ts";
import type { Subject, Subjects } from "../subjects/subjects.ts";
import type { TenantSecrets } from "../subjects/tenant-secrets.ts";

export interface HoldReading {
  readonly people: Pick<Subjects, "behind">;
  readonly secrets: (tenant: string) => Promise<TenantSecrets>;
}

const rowsSchema = z.array(
  z.object({
    id: z.string(),
    scope: z.enum(["everything", "person", "resource"]),
    target: z.string().nullable(),
    resource_type: z.string().nullable(),
    by_whom: z.string(),
    sealed: z.instanceof(Buffer),
    at: z.date(),
    lifted_at: z.date().nullable(),
  }),
);
type Row = z.output<typeof rowsSchema>[number];

const contentSchema = z.object({ reason: z.string() });
const COLUMNS = "id, scope, target, resource_type, by_whom, sealed, at, lifted_at";

/** Holds of a tenant, oldest first; the tenant of the transaction is set. */
export async function readHolds(db: Queryable, tenant: string, options: { readonly lifted: boolean }): Promise<readonly Row[]> {
  const { rows } = await db.query({
    text: `select ${COLUMNS} from bailiwick.legal_holds where tenant_id = $1 and (lifted_at is null or $2) order by at, id`,
    values: [tenant, options.lifted],
  });
  return rowsSchema.parse(rows);
}

export async function readHold(db: Queryable, tenant: string, id: string): Promise<Row | undefined> {
  const { rows } = await db.query({
    text: `select ${COLUMNS} from bailiwick.legal_holds where tenant_id = $1 and id = $2`,
    values: [tenant, id],
  });
  return rowsSchema.parse(rows)[0];
}

/** Holds with the names of people who are still known. */
export async function viewHolds({ people, secrets }: HoldReading, tenant: string, rows: readonly Row[]): Promise<readonly LegalHold[]> {
  const known = await people.behind(
    tenant,
    rows.flatMap(({ by_whom: by, scope, target }) => [by, ...(scope === "person" && target !== null ? [target] : [])]),
  );
  const { factsKey } = await secrets(tenant);
  return rows.map((row) => {
    const by = known.get(row.by_whom);
    const key = row.by_whom === OPERATOR ? { key: factsKey } : by;
    return {
      id: row.id,
      tenant,
      scope: scopeOf(row, known),
      by: by?.name ?? row.by_whom,
      ...(key === undefined ? {} : { reason: contentSchema.parse(openJson(key, row.sealed, holdPlace(tenant, row.id))).reason }),
      at: row.at,
      ...(row.lifted_at === null ? {} : { liftedAt: row.lifted_at }),
    };
  });
}

/** Who stands in a hold that no person placed. */
export const OPERATOR = "operator";

/** What a hold's reason is sealed for. */
export function holdPlace(tenant: string, id: string): string {
  return `hold|${tenant}|${id}`;
}

function scopeOf({ scope, target, resource_type: type }: Row, known: ReadonlyMap<string, Subject>): LegalHold["scope"] {
  const on = target ?? "";
  switch (scope) {
    case "everything":
      return { kind: "everything" };
    case "person":
      return { kind: "person", person: known.get(on)?.name ?? on };
    case "resource":
      return { kind: "resource", resource: { type: type ?? "", id: on } };
  }
}
