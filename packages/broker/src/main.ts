import { hkdfSync, randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { getRequestListener } from "@hono/node-server";
import type { Policy } from "@bailiwick/policy";
import { Hono } from "hono";
import { repeatMemory } from "./adapters/cache/repeat-memory.ts";
import { labelledMemory } from "./adapters/cache/labelled-memory.ts";
import { runMemory } from "./adapters/cache/run-memory.ts";
import { withAccessRequests } from "./access-requests.ts";
import { cachedSessions } from "./adapters/cache/session-cache.ts";
import { bindFront, type FrontTls } from "./adapters/http/front.ts";
import { openRootKey } from "./adapters/keyring/root-key.ts";
import { createMcpEndpoint, type Durations } from "./adapters/mcp/index.ts";
import { resourceMetadataUrl } from "./adapters/oauth/metadata.ts";
import { createRestApp } from "./adapters/rest/app.ts";
import { firstInvitation } from "./adapters/rest/first-invitation.ts";
import { randomId } from "./adapters/system/random.ts";
import { loadSqlParser } from "./adapters/sql/parser.ts";
import { readQuery } from "./adapters/sql/read-query.ts";
import { openStore, type Store } from "./adapters/store/index.ts";
import { createLogger } from "./adapters/telemetry/logger.ts";
import { createMetrics } from "./adapters/telemetry/metrics.ts";
import { openTraces } from "./adapters/telemetry/traces.ts";
import { createToolConnections } from "./adapters/tools/index.ts";
import { openAuthority } from "./authority.ts";
import { createAgentSurface } from "./call/agent-surface.ts";
import type { CallPorts } from "./call/ports.ts";
import { Refusal } from "./call/refusal.ts";
import { runningCalls } from "./call/running-calls.ts";
import { openOperatorKey, removeBrokerFile, writeBrokerFile } from "./config/data-folder.ts";
import { openLivePolicy } from "./config/live-policy.ts";
import { openCustody } from "./custody.ts";
import { openEgress } from "./egress.ts";
import { outgoingCredentials } from "./federation.ts";
import { recordPolicy } from "./domain/policy-record.ts";
import { openHappenings } from "./happenings.ts";
import { readLogConfig } from "./log-config.ts";
import { readNotifyConfig } from "./notify-config.ts";
import { openNotifying } from "./notifying.ts";
import { measured } from "./measured.ts";
import { openToolTokens } from "./tool-tokens.ts";
import { keepReviewedEntries } from "./reviewed-entries.ts";
import { restPorts, VERSION } from "./rest-ports.ts";
import { startUpkeep } from "./upkeep.ts";

export { VERSION } from "./rest-ports.ts";

export interface BrokerOptions {
  /** The policy folder; watched for changes. */
  readonly policyFolder: string;
  /** Keys, the embedded store and `broker.json`; made when missing. */
  readonly dataFolder: string;
  /** A PostgreSQL URL of the database's owner; absent: the embedded store in the data folder. */
  readonly databaseUrl?: string | undefined;
  /** A PostgreSQL URL of a database of its own for the log; absent: it lies beside everything else. */
  readonly logDatabaseUrl?: string | undefined;
  /** Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Default 7400; 0 takes any free port. */
  readonly port?: number | undefined;
  /** Port of the egress proxy, on the same host and with the same certificate; 0 takes any free one. Absent: there is none. */
  readonly egressPort?: number | undefined;
  /** Serves HTTPS; without it TLS is a proxy's, and client certificates bind no token. */
  readonly tls?: FrontTls | undefined;
  /** URL under which agents and people reach this broker; default: the bound address. */
  readonly publicUrl?: string | undefined;
  /** Values for `${env:NAME}` in tool files and for `BAILIWICK_ROOT_KEY`; default: this process's environment. */
  readonly environment?: ((name: string) => string | undefined) | undefined;
  /** Default `info`. */
  readonly logLevel?: string | undefined;
  readonly mcpDurations?: Partial<Durations> | undefined;
}

/** A broker that serves. */
export interface RunningBroker {
  readonly url: string;
  /** Of the egress proxy, when there is one. */
  readonly egressUrl?: string | undefined;
  readonly brokerId: string;
  readonly startedAt: Date;
  readonly dataFolder: string;
  readonly store: Store;
  policy(): Policy;
  /** An enrolment link for the first owner while nobody is enrolled; undefined afterwards, or without an owner in the policy. */
  firstInvitation(): Promise<{ readonly person: string; readonly url: string; readonly expiresAt: Date } | undefined>;
  close(): Promise<void>;
}

/**
 * Starts a broker: the only place where adapters are made. Resolves when it serves.
 * @throws Error or Fault with what to do when the port, the policy, the store or a key is not usable; nothing is left running then.
 */
export async function startBroker(options: BrokerOptions): Promise<RunningBroker> {
  const undo: (() => Promise<void>)[] = [];
  try {
    return await compose(options, undo);
  } catch (failure) {
    await closeAll(undo);
    throw failure;
  }
}

async function compose(options: BrokerOptions, undo: (() => Promise<void>)[]): Promise<RunningBroker> {
  const startedAt = new Date();
  const brokerId = `brk_${randomBytes(9).toString("base64url")}`;
  const environment = options.environment ?? ((name: string) => process.env[name]);
  const logger = createLogger({ level: options.logLevel ?? "info" });
  const now = (): Date => new Date();
  const newId = randomId;

  const front = await bindFront(options.host ?? "127.0.0.1", options.port ?? 7400, options.tls);
  undo.push(() => front.close());
  const url = options.publicUrl ?? front.url;

  await loadSqlParser();
  await mkdir(options.dataFolder, { recursive: true, mode: 0o711 });
  const rootKey = await openRootKey(options.dataFolder, environment);
  const logConfig = await readLogConfig(options.policyFolder);
  const notifyConfig = await readNotifyConfig(options.policyFolder);

  const store = await openStore(
    {
      rootKey: rootKey.toString("base64"),
      ...(options.databaseUrl === undefined ? { dataFolder: options.dataFolder } : { databaseUrl: options.databaseUrl }),
      logDatabaseUrl: options.logDatabaseUrl,
    },
    {
      brokerId,
      log: (line) => logger.info(line),
      origin: logConfig.origin,
      witnesses: { keys: logConfig.witnesses.map(({ key }) => key), quorum: logConfig.quorum },
      complain: (tenant, error) => logger.error({ err: error, tenant }, "a checkpoint of the log could not be signed; it is tried again"),
    },
  );
  undo.push(() => store.close());

  const policyListeners = new Set<() => void>();
  const live = await openLivePolicy(options.policyFolder, {
    activate: (next, before) => recordPolicy({ log: store.log, brokerId, now, newId }, next, before),
    onChange: ({ version }) => {
      logger.info({ version }, "a changed policy is in force");
      for (const listener of policyListeners) listener();
    },
    onError: (error) => logger.error({ err: error }, "the changed policy folder has errors; the version before stays in force"),
  });
  undo.push(() => live.close());
  const policy = (): Policy => live.current();

  const tools = createToolConnections({ policy, environment, log: (event, facts) => logger.warn(facts, event) });
  undo.push(() => tools.close());

  const complain = (tenant: string, sentence: string): void => logger.error({ tenant }, sentence);
  const custody = await openCustody({ store, policy, environment, now, complain });
  undo.push(() => custody.close());

  const traces = openTraces({
    settings: logConfig.traces,
    environment,
    version: VERSION,
    brokerId,
    onCollector: (up) =>
      up
        ? logger.info("the trace collector takes spans again")
        : logger.warn("the trace collector takes no spans; calls go on, their spans are lost (`bailiwick_trace_spans_lost_total`)"),
  });
  undo.push(() => traces.shutdown());
  const metrics = createMetrics({
    lostSpans: () => traces.lost(),
    pendingApprovals: () => pendingApprovals(store, policy()),
    overdueCredentials: () => custody.overdue(),
  });
  undo.push(() => metrics.shutdown());

  const onFault = (error: unknown): void => logger.error({ err: error }, "a request was stopped by a fault");
  const keep = (error: unknown): void => logger.warn({ err: error }, "entries of tools that people reviewed could not be kept");
  const reviewed = keepReviewedEntries({ tools, policy, dataFolder: options.dataFolder, onFault: keep });
  undo.push(() => reviewed.close());
  const authority = await openAuthority({ store, policy, environment, now, rootKey, dataFolder: options.dataFolder, url, onFault });
  const toolTokens = openToolTokens({ store, policy, now, environment, rootKey, url, authority }, custody.opener);
  const ports: CallPorts = traces.ports({
    brokerId,
    maskSalt: Buffer.from(hkdfSync("sha256", rootKey, new Uint8Array(0), "bailiwick/mask/v1", 32)).toString("hex"),
    now,
    newId,
    policy,
    senders: authority.senders,
    running: runningCalls(store),
    memory: runMemory(),
    repeats: repeatMemory(),
    tokens: store.tokens,
    labelled: labelledMemory(),
    readSql: readQuery,
    sessions: cachedSessions(store.sessions, store),
    approvals: store.approvals,
    elevations: store.elevations,
    log: store.log,
    credentials: {
      ...outgoingCredentials({ store, policy, now, url, authority }, toolTokens.opener),
      held: (tenant) => custody.held.of(tenant),
    },
    tools,
    onStuck: ({ tenant, agent, run }, code) =>
      logger.warn({ tenant, agent, run, code }, "an agent makes a refused call over and over; it is not decided any more"),
    onFault: (failure) => {
      if (!(failure instanceof Refusal)) logger.error({ err: failure }, "a call was stopped by a fault");
    },
  });

  const surface = measured(
    traces.surface(
      createAgentSurface(ports, (listener) => both(tools.onChange(listener), subscribe(policyListeners, listener))),
      policy,
    ),
    metrics,
    policy,
  );
  const mcp = createMcpEndpoint(surface, {
    publicUrl: () => url,
    version: VERSION,
    // Some clients start a sign-in as soon as they see it, although they were given a token: this leaves it out.
    ...(environment("BAILIWICK_MCP_METADATA") === "off" ? {} : { resourceMetadataUrl: () => resourceMetadataUrl(url) }),
    ...(options.mcpDurations === undefined ? {} : { durations: options.mcpDurations }),
  });
  undo.push(() => mcp.close());
  const warn = (sentence: string): void => logger.warn(sentence);
  const host = options.host ?? "127.0.0.1";
  const egress = await openEgress({ port: options.egressPort, host, tls: options.tls, surface, policy, now, onFault, warn });
  undo.push(async () => egress?.close());

  const upkeep = await startUpkeep({
    store,
    policy,
    config: logConfig,
    policyFolder: options.policyFolder,
    brokerId,
    rootKey,
    dataFolder: options.dataFolder,
    environment,
    version: VERSION,
    now,
    logger,
  });
  undo.push(() => upkeep.close());
  const happenings = openHappenings({
    store,
    policy,
    onPolicy: (listener) => subscribe(policyListeners, listener),
    onTools: (listener) => tools.onChange(listener),
  });
  undo.push(async () => happenings.close());
  const notifying = openNotifying({
    store,
    policy,
    config: notifyConfig,
    environment,
    rootKey,
    publicUrl: url,
    now,
    happenings: store.happenings,
    onFault,
  });
  undo.push(() => notifying.notifier.stop());
  const operatorKey = await openOperatorKey(options.dataFolder);
  const web = new Hono();
  const { signingKeys } = authority;
  const toolAccess = toolTokens.access;
  const rest = restPorts({
    url,
    operatorKey,
    store,
    custody,
    signingKeys,
    toolAccess,
    ports,
    tools,
    metrics,
    policy,
    policyFolder: () => live.folder(),
    reviewed,
    happenings,
    notifications: notifying.access,
    environment,
    onFault,
    retentionOf: (tenant) => logConfig.retention[tenant],
    logStatus: () => ({ outages: store.log.outages(), anchors: upkeep.anchoring.status(), exports: upkeep.exports.status() }),
  });
  web.route("/", createRestApp(rest));
  const people = getRequestListener(web.fetch);
  const oauth = withAccessRequests(authority.oauth, { ...ports, issuer: url, entities: store.oauth }, environment);
  front.open({ mcp: (req, res) => mcp.handle(req, res), oauth, web: (req, res) => void people(req, res) });

  // A certificate names the public address, not this machine's.
  const local = options.tls === undefined ? front.url : url;
  await writeBrokerFile(options.dataFolder, {
    url: local,
    ...(local === url ? {} : { publicUrl: url }),
    ...(egress === undefined ? {} : { egressUrl: egress.url }),
    pid: process.pid,
    version: VERSION,
    policy: options.policyFolder,
    startedAt: startedAt.toISOString(),
  });
  undo.push(() => removeBrokerFile(options.dataFolder));
  return {
    url,
    egressUrl: egress?.url,
    brokerId,
    startedAt,
    dataFolder: options.dataFolder,
    store,
    policy,
    firstInvitation: () => firstInvitation(rest),
    close: () => closeAll(undo),
  };
}

async function pendingApprovals(store: Store, policy: Policy): Promise<number> {
  const counts = await Promise.all(policy.tenants.map((tenant) => store.approvals.countPending(tenant)));
  return counts.reduce((sum, each) => sum + each, 0);
}

function subscribe(listeners: Set<() => void>, listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

function both(first: () => void, second: () => void): () => void {
  return () => {
    first();
    second();
  };
}

// In reverse order of making; one part that fails to close does not keep the others open.
async function closeAll(undo: (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (let close = undo.pop(); close !== undefined; close = undo.pop()) {
    try {
      await close();
    } catch (failure) {
      failures.push(failure);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, "some parts of the broker did not close cleanly");
}
