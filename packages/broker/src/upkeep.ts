import { join } from "node:path";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Policy } from "@bailiwick/policy";
import { type Anchoring, startAnchoring } from "./adapters/anchors/anchoring.ts";
import type { Finding } from "./adapters/anchors/finding.ts";
import { openAnchors } from "./adapters/anchors/open-anchors.ts";
import { type RunningExports, startExports } from "./adapters/export/start-exports.ts";
import { applyRetention, type Store } from "./adapters/store/index.ts";
import { randomId } from "./adapters/system/random.ts";
import type { Logger } from "./adapters/telemetry/logger.ts";
import { adminRecord, BROKER } from "./domain/admin-record.ts";
import { type LogConfig, requireTenants } from "./log-config.ts";

/** How often rows that decide nothing any more are deleted. */
const TIDY_MS = 10 * 60_000;
/** How often records are looked for that no broker signed. */
const SWEEP_MS = 5_000;
/** How often intents of brokers that are gone are looked for. */
const SURFACE_UNKNOWN_MS = 30_000;
/** How often months that are older than a tenant's retention are looked for. */
const RETIRE_MS = 24 * 60 * 60_000;

export interface UpkeepParts {
  readonly store: Store;
  readonly policy: () => Policy;
  readonly config: LogConfig;
  readonly dataFolder: string;
  readonly environment: (name: string) => string | undefined;
  readonly version: string;
  readonly now: () => Date;
  readonly logger: Logger;
}

/** What runs beside the calls: checkpoints of other brokers' records, second places for them, exports, ends of calls whose broker is gone. */
export interface Upkeep {
  readonly anchoring: Pick<Anchoring, "status">;
  readonly exports: Pick<RunningExports, "status">;
  close(): Promise<void>;
}

/** @throws Error with what to do when an anchor or an export of `log.yaml` cannot begin. */
export async function startUpkeep(parts: UpkeepParts): Promise<Upkeep> {
  const { store, policy, config, logger, now } = parts;
  requireTenants(config, policy().tenants);
  const anchoring = startAnchoring({
    evidence: store.evidence,
    tenants: () => policy().tenants,
    anchors: openAnchors(config, {
      fill: (text) => filled(text, parts.environment),
      cacheFolder: join(parts.dataFolder, "anchors"),
      environment: process.env,
      now,
    }),
    now,
    alarm: (finding) => {
      logger.error(finding, "an anchor and a log are not one history");
      void recordAlarm(parts, finding);
    },
    pause: (ms, signal) => sleep(ms, undefined, { signal, ref: false }),
  });
  const exports = startExports({
    log: store.log,
    size: (tenant) => store.log.size(tenant),
    cursors: store.exportCursors,
    targets: config.exports,
    source: { version: parts.version, host: hostname() },
    now,
    environment: parts.environment,
    onFault: (status) => logger.error({ ...status }, "an export of the log does not get on"),
  });
  await surfaceUnknown(parts);
  void retireOld(parts);
  const timers = [
    setInterval(() => store.sweep(policy().tenants), SWEEP_MS),
    setInterval(() => void surfaceUnknown(parts), SURFACE_UNKNOWN_MS),
    setInterval(() => void tidyAll(parts), TIDY_MS),
    setInterval(() => void retireOld(parts), RETIRE_MS),
  ];
  return {
    anchoring,
    exports,
    close: async () => {
      for (const timer of timers) clearInterval(timer);
      await Promise.all([anchoring.close(), exports.stop()]);
    },
  };
}

/** The log says of itself that it was found wanting: whoever reads it later sees that somebody was told. */
async function recordAlarm({ store, now, logger }: UpkeepParts, { tenant, anchor, kind, message }: Finding): Promise<void> {
  const record = adminRecord({
    at: now(),
    event: "anchor.conflict",
    by: BROKER,
    callId: randomId("alarm"),
    body: { anchor, finding: kind },
    facts: { message },
  });
  await store.log
    .append(tenant, record)
    .catch((error: unknown) => logger.error({ err: error, tenant }, "an alarm about the log could not be recorded in it"));
}

const REFERENCE = /\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/gu;

function filled(text: string, environment: UpkeepParts["environment"]): string {
  return text.replaceAll(REFERENCE, (_, name: string) => {
    const value = environment(name);
    if (value !== undefined && value !== "") return value;
    throw new Error(`\`log.yaml\` needs the environment variable \`${name}\`, which is not set; set it and start the broker again`);
  });
}

async function surfaceUnknown({ store, policy, logger }: UpkeepParts): Promise<void> {
  for (const tenant of policy().tenants) {
    try {
      const found = await store.log.surfaceUnknown(tenant, new Date());
      if (found > 0)
        logger.warn(
          { tenant, calls: found },
          "calls of a broker that is gone have an unknown outcome; see `bailiwick audit query --status unknown`",
        );
    } catch (error) {
      logger.error({ err: error, tenant }, "intents without outcome could not be looked for");
    }
  }
}

async function retireOld({ store, config, now, logger }: UpkeepParts): Promise<void> {
  await applyRetention(
    {
      retention: store.retention,
      now,
      tell: (tenant, { level, sentence, error }) => logger[level]({ tenant, ...(error === undefined ? {} : { err: error }) }, sentence),
    },
    new Map(Object.entries(config.retention)),
  );
}

async function tidyAll({ store, policy, logger }: UpkeepParts): Promise<void> {
  for (const tenant of policy().tenants) {
    await store.tidy(tenant).catch((error: unknown) => logger.error({ err: error, tenant }, "expired rows could not be deleted"));
  }
}
