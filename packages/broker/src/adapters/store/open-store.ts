import { Kysely, PostgresDialect } from "kysely";
import { join } from "node:path";
import type { Client } from "pg";
import { z } from "zod";
import type { ApprovalStore } from "../../domain/approval.ts";
import type { AuditLog } from "../../domain/audit.ts";
import type { LogEvidence } from "../../domain/evidence.ts";
import type { CredentialFeed, CredentialStore } from "../../domain/credential.ts";
import { Fault } from "../../domain/fault.ts";
import type { DutyStore } from "../../domain/duty.ts";
import type { CursorStore } from "../../domain/export.ts";
import type { NotificationStore } from "../../domain/notification.ts";
import type { DrillStore } from "../../domain/drill.ts";
import type { HabitStore } from "../../domain/habits.ts";
import type { Happenings } from "../../domain/happening.ts";
import type { ElevationStore } from "../../domain/elevation.ts";
import type { PersonSessionStore } from "../../domain/person.ts";
import type { AgentKeyStore } from "../../domain/agent-key.ts";
import type { Ended, EndedFeed } from "../../domain/ended.ts";
import type { SessionStore } from "../../domain/session.ts";
import type { StopStore } from "../../domain/stop.ts";
import type { OAuthEntityStore } from "../../domain/oauth-entity.ts";
import type { SavedSearches } from "../../domain/saved-search.ts";
import type { SignInStore } from "../../domain/sign-in.ts";
import type { SigningKeyStore } from "../../domain/signing-key.ts";
import type { TokenVault } from "../../domain/token.ts";
import { rootKeyFromFile, rootKeyFromText } from "../keyring/root-key.ts";
import { agentKeyStore } from "./agent-keys.ts";
import { approvalStore } from "./approvals.ts";
import { connectOnce, MAX_WAITING_CONNECTIONS, openPool } from "./connections.ts";
import { credentialHub } from "./credential-changes.ts";
import { credentialStore } from "./credentials.ts";
import { assertDurable } from "./durable.ts";
import { drillStore } from "./drills.ts";
import { dutyStore } from "./duties.ts";
import { happeningHub } from "./happening-hub.ts";
import { elevationStore } from "./elevations.ts";
import { exportCursors } from "./export-cursors.ts";
import { habitStore } from "./habits.ts";
import { health } from "./health.ts";
import { type EmbeddedServer, startEmbedded } from "./embedded/server.ts";
import { openListener } from "./listener.ts";
import { openErasure, type OpenedErasure } from "./open-erasure.ts";
import { openLog, type StoreUrls } from "./open-log.ts";
import { migrate } from "./migrate.ts";
import { notificationStore } from "./notifications.ts";
import { oauthEntityStore } from "./oauth-entities.ts";
import { personSessionStore } from "./people.ts";
import { assertPowerless, ensureLogin } from "./roles.ts";
import { derive } from "./sealing.ts";
import { savedSearches } from "./searches.ts";
import { sessionStore } from "./sessions.ts";
import { signInStore } from "./sign-in.ts";
import { signingKeyStore } from "./signing-keys.ts";
import type { StoreContext } from "./store-context.ts";
import { stopStore } from "./stops.ts";
import { subjects } from "./subjects/subjects.ts";
import { tenantSecrets } from "./subjects/tenant-secrets.ts";
import type { Tables } from "./tables.ts";
import { tidy } from "./tidy.ts";
import { tokenVault } from "./tokens.ts";
import { orUnavailable } from "./unavailable.ts";
import { wakeups } from "./wakeups.ts";

export interface Store extends EndedFeed, CredentialFeed, OpenedErasure {
  readonly sessions: SessionStore;
  readonly agentKeys: AgentKeyStore;
  readonly stops: StopStore;
  readonly approvals: ApprovalStore;
  readonly duties: DutyStore;
  readonly habits: HabitStore;
  readonly drills: DrillStore;
  readonly elevations: ElevationStore;
  readonly notifications: NotificationStore;
  /** Approvals, elevations and stops, of all brokers on this database. */
  readonly happenings: Happenings;
  readonly credentials: CredentialStore;
  readonly people: PersonSessionStore;
  readonly signIn: SignInStore;
  readonly searches: SavedSearches;
  readonly oauth: OAuthEntityStore;
  readonly signingKeys: SigningKeyStore;
  readonly tokens: TokenVault;
  readonly log: AuditLog;
  readonly evidence: LogEvidence;
  readonly exportCursors: CursorStore;
  /** Signs what other brokers left unsigned in these tenants' logs. */
  sweep(tenants: readonly string[]): void;
  /** Deletes a tenant's rows that have expired and decide nothing any more; returns how many. */
  tidy(tenant: string): Promise<number>;
  health(): Promise<{ readonly ok: boolean; readonly detail: string }>;
  close(): Promise<void>;
}

/** `rootKey` is 32 bytes in base64 or hex. With a data folder it defaults to the file `root-key` in it. */
export type StoreOptions = (
  | { readonly dataFolder: string; readonly rootKey?: string | undefined }
  | { readonly databaseUrl: string; readonly rootKey: string }
) & {
  /** The owner's URL of a database of its own for the log; by default it lies beside everything else. */
  readonly logDatabaseUrl?: string | undefined;
};

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
    return orUnavailable(() => connect(options.databaseUrl, options.logDatabaseUrl, rootKeyFromText(options.rootKey), context, undefined));
  const server = await startEmbedded({ folder: options.dataFolder, log: context.log });
  try {
    const rootKey =
      options.rootKey === undefined ? await rootKeyFromFile(join(options.dataFolder, "root-key")) : rootKeyFromText(options.rootKey);
    await orUnavailable(() => createDatabase(server));
    return await orUnavailable(() => connect(server.ownerUrl(EMBEDDED_DATABASE), options.logDatabaseUrl, rootKey, context, server));
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

async function connect(
  ownerUrl: string,
  logOwnerUrl: string | undefined,
  rootKey: Buffer,
  context: StoreContext,
  server: EmbeddedServer | undefined,
): Promise<Store> {
  const appUrl = await prepare(ownerUrl, rootKey, context);
  const logUrl = logOwnerUrl === undefined ? undefined : await prepare(logOwnerUrl, rootKey, context);
  const closing = new AsyncDisposableStack();
  if (server !== undefined) closing.defer(() => server.close());
  try {
    return await assemble({ appUrl, logUrl }, rootKey, context, closing);
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

async function assemble(urls: StoreUrls, rootKey: Buffer, context: StoreContext, closing: AsyncDisposableStack): Promise<Store> {
  const { appUrl } = urls;
  const now = context.now ?? (() => new Date());
  const pool = openPool(appUrl);
  closing.defer(() => pool.end());
  await assertPowerless(pool);
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  const secrets = tenantSecrets(db, rootKey);
  const people = subjects({ pool, secrets });
  const { log, evidence, keeper, liveness, logPool } = await openLog({ urls, pool, db, secrets, people, rootKey, now, context, closing });
  const waitingPool = openPool(urls.logUrl ?? appUrl, MAX_WAITING_CONNECTIONS);
  closing.defer(() => waitingPool.end());
  const waiters = wakeups();
  const ends = endedHub();
  const credentialChanges = credentialHub();
  const happenings = happeningHub();
  const listener = await openListener(appUrl, (notice) => {
    switch (notice.kind) {
      case "approval":
        happenings.tell({ tenant: notice.tenant, kind: "approval", id: notice.ids[0] });
        return waiters.wake(`${notice.tenant} ${notice.ids[0] ?? ""}`);
      case "elevation":
        happenings.tell({ tenant: notice.tenant, kind: "elevation", id: notice.ids[0] });
        waiters.wake(`${notice.tenant} ${notice.ids[0] ?? ""}`);
        return ends.tell({ kind: "elevations", tenant: notice.tenant });
      case "session":
        return ends.tell({ kind: "sessions", tenant: notice.tenant, ids: notice.ids });
      case "stop":
        happenings.tell({ tenant: notice.tenant, kind: "stop" });
        return ends.tell(stopOf(notice));
      case "credential":
        return credentialChanges.tell({ tenant: notice.tenant, name: notice.ids[0] ?? "" });
      case "subject":
        people.forget(notice.tenant, notice.ids[0]);
        // Rights that were asked for the person are gone with them.
        return ends.tell({ kind: "elevations", tenant: notice.tenant });
      case "missed":
        waiters.wakeAll();
        people.forget(undefined);
        credentialChanges.tell(undefined);
        happenings.tell(undefined);
        return ends.tell(undefined);
    }
  });
  closing.defer(() => listener.close());
  const ended = (tenant: string, ids: readonly string[]): void => ends.tell({ kind: "sessions", tenant, ids });
  let closed: Promise<void> | undefined;
  return {
    sessions: sessionStore({ db, people, secrets, now, revoked: ended }),
    stops: stopStore({ db, changed: (tenant, stop, name) => ends.tell({ kind: "stop", tenant, stop, name }) }),
    agentKeys: agentKeyStore(db, now),
    duties: dutyStore(db),
    habits: habitStore({ db, people }),
    drills: drillStore(db),
    notifications: notificationStore({ db, people, secrets }),
    approvals: approvalStore({ db, people, secrets, now, wakeups: waiters }),
    elevations: elevationStore({
      db,
      people,
      secrets,
      now,
      wakeups: waiters,
      changed: (tenant) => ends.tell({ kind: "elevations", tenant }),
    }),
    credentials: credentialStore({ db, now, rootKey, changed: (tenant, name) => credentialChanges.tell({ tenant, name }) }),
    people: personSessionStore(db, now),
    signIn: signInStore(db, now),
    searches: savedSearches({ db, people, secrets }),
    oauth: oauthEntityStore(db, now),
    signingKeys: signingKeyStore(db),
    tokens: tokenVault({ db, people, secrets, now }),
    log,
    evidence,
    exportCursors: exportCursors(db, appUrl),
    ...openErasure({
      db,
      logPool,
      waitingPool,
      people,
      secrets,
      log,
      evidence,
      rootKey,
      now,
      ended,
      cancelled: (tenant, id) => waiters.wake(`${tenant} ${id}`),
    }),
    sweep: (tenants) => keeper.sweep(tenants),
    tidy: (tenant) => tidy(db, tenant, now()),
    health: () => health(pool, { outages: log.outages(), listening: listener.fresh(), named: liveness.held() }),
    happenings,
    onEnded: ends.on,
    onCredentialChanged: credentialChanges.on,
    listenerFresh: () => listener.fresh(),
    close: () => (closed ??= closing.disposeAsync()),
  };
}

const stopKinds = z.enum(["agent", "workflow", "tenant", "everything"]);

/** A notice that cannot be read counts as one that was missed. */
function stopOf({ tenant, ids }: { readonly tenant: string; readonly ids: readonly string[] }): Ended | undefined {
  const kind = stopKinds.safeParse(ids[0]);
  const name = ids[1];
  return kind.success && name !== undefined ? { kind: "stop", tenant, stop: kind.data, name } : undefined;
}

function endedHub(): { readonly on: EndedFeed["onEnded"]; readonly tell: (ended: Ended | undefined) => void } {
  const listeners = new Set<(ended: Ended | undefined) => void>();
  return {
    on: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell: (ended) => {
      for (const listener of listeners) listener(ended);
    },
  };
}
