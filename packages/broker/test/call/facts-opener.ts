import type { JsonObject } from "@bailiwick/policy";
import { Kysely, PostgresDialect } from "kysely";
import { openPool } from "../../src/adapters/store/connections.ts";
import { z } from "zod";
import { associatedWith, openFacts } from "../../src/adapters/store/log/sealed-facts.ts";
import { subjects } from "../../src/adapters/store/subjects/subjects.ts";
import { tenantSecrets } from "../../src/adapters/store/subjects/tenant-secrets.ts";
import type { Tables } from "../../src/adapters/store/tables.ts";
import type { StoredRecord } from "../../src/domain/audit.ts";
import type { TestStore } from "../support/store.ts";

/** What lies sealed beside one record, and what the record says of it. */
export interface OpenedRecord {
  readonly kind: string;
  readonly facts: JsonObject;
  readonly salts: Readonly<Record<string, string>>;
  readonly commitments: Readonly<Record<string, string>>;
}

export interface FactsOpener {
  /** Undefined when nothing lies beside the record. */
  open(record: StoredRecord): Promise<OpenedRecord | undefined>;
  close(): Promise<void>;
}

const leafSchema = z.looseObject({ user: z.string(), facts: z.record(z.string(), z.string()).default({}) });
const rowsSchema = z.array(z.object({ sealed: z.instanceof(Buffer) }));

/** Opens facts with the deployment's root key, salts included, as whoever discloses them does. */
export async function factsOpener({ databaseUrl, rootKey }: TestStore): Promise<FactsOpener> {
  const pool = openPool(databaseUrl);
  const secrets = tenantSecrets(new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }), Buffer.from(rootKey, "hex"));
  const people = subjects({ pool, secrets });
  return {
    async open({ tenant, index, kind, callId, text }) {
      const { rows } = await pool.query("select sealed from bailiwick.record_facts where tenant_id = $1 and index = $2", [tenant, index]);
      const [row] = rowsSchema.parse(rows);
      if (row === undefined) return undefined;
      const { user, facts: commitments } = leafSchema.parse(JSON.parse(text));
      const subject = (await people.behind(tenant, [user])).get(user);
      if (subject === undefined) throw new Error(`nobody is behind ${user}`);
      return { kind, commitments, ...openFacts(row.sealed, subject.key, associatedWith(tenant, callId, kind)) };
    },
    close: () => pool.end(),
  };
}
