import { Kysely, PostgresDialect } from "kysely";
import { join } from "node:path";
import type { Client } from "pg";
import type { ApprovalStore } from "../../domain/approval.ts";
import type { AuditLog } from "../../domain/audit.ts";
import type { CredentialStore } from "../../domain/credential.ts";
import { Fault } from "../../domain/fault.ts";
import type { PersonSessionStore } from "../../domain/person.ts";
import type { AgentKeyStore, SessionStore } from "../../domain/session.ts";
import { rootKeyFromFile, rootKeyFromText } from "../keyring/root-key.ts";
import { agentKeyStore } from "./agent-keys.ts";
import { approvalStore } from "./approvals.ts";
import { connectOnce, MAX_LOG_CONNECTIONS, openPool } from "./connections.ts";
import { credentialStore } from "./credentials.ts";
import { assertDurable } from "./durable.ts";
import { health } from "./health.ts";
import { type EmbeddedServer, startEmbedded } from "./embedded/server.ts";
import { holdLiveness } from "./liveness.ts";
import { openListener } from "./listener.ts";
import { auditLog } from "./log/audit-log.ts";
import { migrate } from "./migrate.ts";
import { personSessionStore } from "./people.ts";
import { assertPowerless, ensureLogin } from "./roles.ts";
import { derive } from "./sealing.ts";
import { sessionStore } from "./sessions.ts";
import type { Tables } from "./tables.ts";
import { orUnavailable } from "./unavailable.ts";
import { wakeups } from "./wakeups.ts";

/** A session revoked here or on another broker; undefined means that a revocation may have been missed: forget every cached session. */
export type RevokedSession = { readonly tenant: string; readonly session: string } | undefined;

export interface Store {
  readonly sessions: SessionStore;
  readonly agentKeys: AgentKeyStore;
  readonly approvals: ApprovalStore;
  readonly credentials: CredentialStore;
  readonly people: PersonSessionStore;
  readonly log: AuditLog;
  health(): Promise<{ readonly ok: boolean; readonly detail: string }>;
  /** Returns the function that stops listening. */
  onSessionRevoked(listener: (revoked: RevokedSession) => void): () => void;
  /** Whether revocations made on other brokers are heard now; when not, cached sessions must not be trusted. */
  listenerFresh(): boolean;
  close(): Promise<void>;
}

/** `rootKey` is 32 bytes in base64 or hex. With a data folder it defaults to the file `root-key` in it. */
export type StoreOptions =
  | { readonly dataFolder: string; readonly rootKey?: string | undefined }
  | { readonly databaseUrl: string; readonly rootKey: string };

export interface StoreContext {
  /** Names this broker process; no two living brokers on one database share it. */
  readonly brokerId: string;
  readonly log?: ((line: string) => void) | undefined;
  readonly now?: (() => Date) | undefined;
}

/** Migrations of a large log may build indexes; nothing else runs meanwhile. */
const MIGRATION_TIMEOUT_MS = 3_600_000;
/** PostgreSQL 15, as server_version_num has it. */
const MIN_SERVER_VERSION = 150_000;
/** The database of the embedded server. */
const EMBEDDED_DATABASE = "bailiwick";

/**
 * Opens the store: starts the embedded server when a data folder is given, migrates, and logs in as a role that owns nothing.
 * @throws Fault `store_unavailable` | `credential_unavailable` with what to do next.
 */
export async function openStore(options: StoreOptions, context: StoreContext): Promise<Store> {
  if ("databaseUrl" in options)
    return orUnavailable(() => connect(options.databaseUrl, rootKeyFromText(options.rootKey), context, undefined));
  const server = await startEmbedded({ folder: options.dataFolder, log: context.log });
  try {
    const rootKey =
      options.rootKey === undefined ? await rootKeyFromFile(join(options.dataFolder, "root-key")) : rootKeyFromText(options.rootKey);
    await orUnavailable(() => createDatabase(server));
    return await orUnavailable(() => connect(server.ownerUrl(EMBEDDED_DATABASE), rootKey, context, server));
  } catch (error) {
    await server.close();
    throw error;
  }
}

async function createDatabase(server: EmbeddedServer): Promise<void> {
  const client = await connectOnce(server.ownerUrl("postgres"));
  try {
    const found = await client.query("select from pg_database where datname = $1", [EMBEDDED_DATABASE]);
    if (found.rowCount === 0) await client.query(`create database ${EMBEDDED_DATABASE} template template0`);
  } finally {
    await client.end();
  }
}

async function connect(ownerUrl: string, rootKey: Buffer, context: StoreContext, server: EmbeddedServer | undefined): Promise<Store> {
  const appUrl = await prepare(ownerUrl, rootKey, context);
  const closing = new AsyncDisposableStack();
  if (server !== undefined) closing.defer(() => server.close());
  try {
    return await assemble(appUrl, rootKey, context, closing);
  } catch (error) {
    await closing.disposeAsync();
    throw error;
  }
}

/** Migrates as the owner, who is not used again. Returns the URL the application connects with. */
async function prepare(ownerUrl: string, rootKey: Buffer, context: StoreContext): Promise<string> {
  const owner = await connectOnce(ownerUrl, { statement_timeout: 0, query_timeout: MIGRATION_TIMEOUT_MS });
  try {
    await assertSupported(owner);
    await assertDurable(owner);
    for (const name of await migrate(owner)) context.log?.(`applied migration ${name}`);
    return await ensureLogin(owner, ownerUrl, derive(rootKey, "database login").toString("base64url"));
  } finally {
    await owner.end();
  }
}

async function assertSupported(owner: Client): Promise<void> {
  const { rows } = await owner.query<{ version: number }>("select current_setting('server_version_num')::int as version");
  const version = rows[0]?.version ?? 0;
  if (version < MIN_SERVER_VERSION) {
    throw new Fault(
      "store_unavailable",
      `the database is PostgreSQL ${Math.trunc(version / 10_000)}; Bailiwick needs ${MIN_SERVER_VERSION / 10_000} or newer`,
    );
  }
}

async function assemble(appUrl: string, rootKey: Buffer, context: StoreContext, closing: AsyncDisposableStack): Promise<Store> {
  const now = context.now ?? (() => new Date());
  const pool = openPool(appUrl);
  closing.defer(() => pool.end());
  await assertPowerless(pool);
  const appenders = openPool(appUrl, MAX_LOG_CONNECTIONS);
  closing.defer(() => appenders.end());
  const liveness = await holdLiveness(appUrl, context.brokerId);
  closing.defer(() => liveness.close());
  const waiters = wakeups();
  const revocations = revocationHub();
  const listener = await openListener(appUrl, (notice) => {
    if (notice.kind === "approval") return waiters.wake(`${notice.tenant} ${notice.id}`);
    if (notice.kind === "session") return revocations.tell({ tenant: notice.tenant, session: notice.id });
    waiters.wakeAll();
    revocations.tell(undefined);
  });
  closing.defer(() => listener.close());
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  const log = auditLog({ db, appenders, brokerId: context.brokerId, since: liveness.since, now });
  let closed: Promise<void> | undefined;
  return {
    sessions: sessionStore({ db, now, revoked: (tenant, session) => revocations.tell({ tenant, session }) }),
    agentKeys: agentKeyStore(db, now),
    approvals: approvalStore({ db, now, wakeups: waiters }),
    credentials: credentialStore({ db, now, rootKey }),
    people: personSessionStore(db, now),
    log,
    health: () => health(pool, { logDownSince: log.downSince(), listening: listener.fresh(), named: liveness.held() }),
    onSessionRevoked: revocations.on,
    listenerFresh: () => listener.fresh(),
    close: () => (closed ??= closing.disposeAsync()),
  };
}

function revocationHub(): { readonly on: Store["onSessionRevoked"]; readonly tell: (revoked: RevokedSession) => void } {
  const listeners = new Set<(revoked: RevokedSession) => void>();
  return {
    on: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell: (revoked) => {
      for (const listener of listeners) listener(revoked);
    },
  };
}
