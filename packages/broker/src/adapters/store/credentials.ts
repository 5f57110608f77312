import { type Kysely, sql, type Transaction } from "kysely";
import {
  type Changed,
  type CredentialBinding,
  type CredentialInfo,
  type CredentialPlace,
  type CredentialStore,
  DEFAULT_GRACE_MS,
  type RecordChange,
  type StoreOptions,
  type Verification,
  type VersionRef,
} from "../../domain/credential.ts";
import { nextVersion, planActivate, planRevoke, planStage } from "../../domain/credential-versions.ts";
import { infoOf, placeText, requirePlainParts, sealSecret, sealState, type StateColumns } from "./credential-rows.ts";
import { openActive, openVersion } from "./open-credential.ts";
import type { CredentialsTable, Tables } from "./tables.ts";
import { tenantKeyOf } from "./tenant-key.ts";
import { inTenant } from "./tenant-scope.ts";
import { orUnavailable } from "./unavailable.ts";

export interface CredentialDeps {
  readonly db: Kysely<Tables>;
  readonly now: () => Date;
  readonly rootKey: Uint8Array;
  /** Told after a change is committed here; other brokers hear of it by NOTIFY. */
  readonly changed?: ((tenant: string, name: string) => void) | undefined;
}

export function credentialStore(deps: CredentialDeps): CredentialStore {
  const floors = new Map<string, number>();
  // Each holder of a lock keeps a connection and needs others: one at a time, so that holders never use up the pool.
  let turn: Promise<unknown> = Promise.resolve();
  return {
    put: (name, binding, value, options = {}) => put(deps, name, binding, value, options),
    stage: (name, binding, value, options = {}) => stage(deps, name, binding, value, options),
    activate: (ref, options) => activate(deps, ref, options),
    revoke: (ref, options = {}) => revoke(deps, ref, options.record),
    open: (name, at, version) => openActive({ ...deps, floors }, name, at, version),
    openVersion: (ref) => openVersion(deps, ref),
    list: (tenant) =>
      inTenant(deps.db, tenant, async (scoped) => {
        const rows = await scoped
          .selectFrom("bailiwick.credentials")
          .selectAll()
          .where("tenant_id", "=", tenant)
          .orderBy("name")
          .orderBy("environment")
          .orderBy("workflow")
          .orderBy("version")
          .execute();
        return rows.map(infoOf);
      }),
    exclusively: (place, work) => {
      const mine = turn.then(() => exclusively(deps, place, work));
      turn = mine.catch(() => undefined);
      return mine;
    },
  };
}

async function put(
  deps: CredentialDeps,
  name: string,
  binding: CredentialBinding,
  value: string,
  options: StoreOptions & { readonly graceMs?: number; readonly verification?: Verification },
): Promise<CredentialInfo> {
  return change(deps, { ...binding, name }, async ({ scoped, rows, tenantKey }) => {
    const active = rows.find(({ state }) => state === "active");
    if (active !== undefined) await retire(deps, scoped, tenantKey, active, options.graceMs ?? DEFAULT_GRACE_MS);
    const made = await insert(deps, scoped, tenantKey, { name, binding, value, version: nextVersion(rows.map(infoOf)), options }, "active");
    await options.record?.(made);
    return made;
  });
}

async function stage(
  deps: CredentialDeps,
  name: string,
  binding: CredentialBinding,
  value: string,
  options: StoreOptions,
): Promise<Changed> {
  return change(deps, { ...binding, name }, async ({ scoped, rows, tenantKey }) => {
    const plan = planStage(rows.map(infoOf));
    if (!plan.ok) return plan;
    const made = await insert(deps, scoped, tenantKey, { name, binding, value, version: plan.version, options }, "pending");
    await options.record?.(made);
    return { ok: true, info: made };
  });
}

async function activate(deps: CredentialDeps, ref: VersionRef, options: Parameters<CredentialStore["activate"]>[1]): Promise<Changed> {
  return change(deps, ref, async ({ scoped, rows, tenantKey }) => {
    const plan = planActivate(rows.map(infoOf), ref.version);
    if (!plan.ok) return plan;
    const replaced = rows.find(({ version }) => version === plan.replaces?.version);
    if (replaced !== undefined) await retire(deps, scoped, tenantKey, replaced, options.graceMs);
    const state = { state: "active", verification: options.verification, activated_at: deps.now(), grace_until: null } as const;
    const info = await update(scoped, ref, sealState(tenantKey, ref, state));
    await options.record?.(info);
    return { ok: true, info };
  });
}

async function revoke(deps: CredentialDeps, ref: VersionRef, record: RecordChange | undefined): Promise<Changed> {
  return change(deps, ref, async ({ scoped, rows, tenantKey }) => {
    const plan = planRevoke(rows.map(infoOf), ref.version);
    const row = rows.find(({ version }) => version === ref.version);
    if (!plan.ok) return plan;
    const { verification, activated_at } = row ?? { verification: null, activated_at: null };
    const state = sealState(tenantKey, ref, { state: "revoked", verification, activated_at, grace_until: null });
    // What is destroyed cannot be put back by whoever can write to the store.
    const info = await update(scoped, ref, { ...state, wrapped_key: Buffer.alloc(0), sealed: Buffer.alloc(0) });
    await record?.(info);
    return { ok: true, info };
  });
}

interface Locked {
  readonly scoped: Transaction<Tables>;
  /** All versions of the place. */
  readonly rows: readonly CredentialsTable[];
  readonly tenantKey: Buffer;
}

/** One change of a tenant's credentials at a time, told to everyone when it is committed. */
async function change<T>(deps: CredentialDeps, place: CredentialPlace, work: (locked: Locked) => Promise<T>): Promise<T> {
  const { tenant, name, environment, workflow } = place;
  requirePlainParts(place);
  // Before the change: its record needs the tenant's key too, and would wait for one that is not committed.
  await inTenant(deps.db, tenant, (scoped) => tenantKeyOf(scoped, tenant, deps.rootKey, "make"));
  const done = await inTenant(deps.db, tenant, async (scoped) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`bailiwick.credential ${tenant}`}, 0))`.execute(scoped);
    const rows = await scoped
      .selectFrom("bailiwick.credentials")
      .selectAll()
      .where("tenant_id", "=", tenant)
      .where("name", "=", name)
      .where("environment", "=", environment)
      .where("workflow", "=", workflow)
      .orderBy("version")
      .execute();
    const tenantKey = await tenantKeyOf(scoped, tenant, deps.rootKey, "need");
    await sql`select pg_notify('bailiwick', ${JSON.stringify(["credential", tenant, name])})`.execute(scoped);
    return work({ scoped, rows, tenantKey });
  });
  deps.changed?.(tenant, name);
  return done;
}

async function insert(
  { now }: CredentialDeps,
  scoped: Transaction<Tables>,
  tenantKey: Buffer,
  made: {
    readonly name: string;
    readonly binding: CredentialBinding;
    readonly value: string;
    readonly version: number;
    readonly options: StoreOptions & { readonly verification?: Verification };
  },
  state: "active" | "pending",
): Promise<CredentialInfo> {
  const { name, binding, value, version, options } = made;
  const { tenant, environment, workflow, hosts } = binding;
  const ref = { name, tenant, environment, workflow, version };
  const createdAt = now();
  const unsaid = version === 1 ? "initial" : "skipped";
  const row: CredentialsTable = {
    tenant_id: tenant,
    environment,
    workflow,
    name,
    version,
    hosts: JSON.stringify(hosts),
    created_at: createdAt,
    origin: options.origin ?? "person",
    ...sealSecret(tenantKey, ref, { value, hosts: [...hosts], ...(options.login === undefined ? {} : { login: options.login }) }),
    ...sealState(tenantKey, ref, {
      state,
      verification: state === "active" ? (options.verification ?? unsaid) : null,
      activated_at: state === "active" ? createdAt : null,
      grace_until: null,
    }),
  };
  await scoped.insertInto("bailiwick.credentials").values(row).execute();
  return infoOf(row);
}

async function retire(
  { now }: CredentialDeps,
  scoped: Transaction<Tables>,
  tenantKey: Buffer,
  row: CredentialsTable,
  graceMs: number,
): Promise<void> {
  const ref = { name: row.name, tenant: row.tenant_id, environment: row.environment, workflow: row.workflow, version: row.version };
  const until = new Date(now().getTime() + graceMs);
  await update(
    scoped,
    ref,
    sealState(tenantKey, ref, {
      state: "previous",
      verification: row.verification,
      activated_at: row.activated_at,
      grace_until: until,
    }),
  );
}

async function update(
  scoped: Transaction<Tables>,
  ref: VersionRef,
  columns: StateColumns & Partial<Pick<CredentialsTable, "wrapped_key" | "sealed">>,
): Promise<CredentialInfo> {
  const row = await scoped
    .updateTable("bailiwick.credentials")
    .set(columns)
    .where("tenant_id", "=", ref.tenant)
    .where("name", "=", ref.name)
    .where("environment", "=", ref.environment)
    .where("workflow", "=", ref.workflow)
    .where("version", "=", ref.version)
    .returningAll()
    .executeTakeFirstOrThrow();
  return infoOf(row);
}

/** The lock belongs to a connection of its own, which nothing else uses meanwhile; it is gone with this process. */
function exclusively<T>(
  { db }: CredentialDeps,
  place: CredentialPlace,
  work: () => Promise<T>,
): Promise<{ readonly value: T } | undefined> {
  const topic = `bailiwick.rotation ${placeText(place)}`;
  return db.connection().execute(async (own) => {
    const { rows } = await orUnavailable(() =>
      sql<{ held: boolean }>`select pg_try_advisory_lock(hashtextextended(${topic}, 0)) as held`.execute(own),
    );
    if (rows[0]?.held !== true) return undefined;
    try {
      return { value: await work() };
    } finally {
      await sql`select pg_advisory_unlock(hashtextextended(${topic}, 0))`.execute(own).catch(() => undefined);
    }
  });
}
