import { hkdfSync } from "node:crypto";
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
import { type ApprovalsConfig, readApprovalsConfig, rolesOfPeople } from "./approvals-config.ts";
import { adminRecord, BROKER } from "./domain/admin-record.ts";
import { endMissedDrills, sowDrill } from "./drills.ts";
import { type KnownEnds, sayEnds } from "./elevation-ends.ts";
import { endHeldCalls } from "./held-calls.ts";
import { type LogConfig, requireTenants } from "./log-config.ts";

/** How often rows that decide nothing any more are deleted. */
const TIDY_MS = 10 * 60_000;
/** How often records are looked for that no broker signed. */
const SWEEP_MS = 5_000;
/** How often intents of brokers that are gone are looked for. */
const SURFACE_UNKNOWN_MS = 30_000;
/** How often approvals are looked for that ended without an agent there to say so. */
const END_HELD_MS = 5_000;
/** How often rights for a time are looked for that have ended. */
const ELEVATION_ENDS_MS = 30_000;
/** How often it is looked whether a drill is due. */
const DRILL_MS = 60_000;
/** How often months that are older than a tenant's retention are looked for. */
const RETIRE_MS = 24 * 60 * 60_000;

export interface UpkeepParts {
  readonly store: Store;
  readonly policy: () => Policy;
  readonly config: LogConfig;
  readonly policyFolder: string;
  readonly brokerId: string;
  readonly rootKey: Uint8Array;
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

/** @throws Error with what to do when `approvals.yaml` cannot be used, or an anchor or an export of `log.yaml` cannot begin. */
export async function startUpkeep(parts: UpkeepParts): Promise<Upkeep> {
  const { store, policy, config, logger, now } = parts;
  const { tenants, people } = policy();
  requireTenants(config, tenants);
  const approvals = await readApprovalsConfig(parts.policyFolder, { tenants, roles: rolesOfPeople(people) });
  const drillKey = new Uint8Array(hkdfSync("sha256", parts.rootKey, new Uint8Array(0), "bailiwick/drills/v1", 32));
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
  const knownEnds: KnownEnds = new Map();
  void drill(parts, approvals, drillKey);
  const timers = [
    setInterval(() => store.sweep(policy().tenants), SWEEP_MS),
    setInterval(() => void surfaceUnknown(parts), SURFACE_UNKNOWN_MS),
    setInterval(() => void tidyAll(parts), TIDY_MS),
    setInterval(() => void retireOld(parts), RETIRE_MS),
    setInterval(() => void endHeld(parts), END_HELD_MS),
    setInterval(() => void sayElevationEnds(parts, knownEnds), ELEVATION_ENDS_MS),
    setInterval(() => void drill(parts, approvals, drillKey), DRILL_MS),
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

async function endHeld({ store, policy, brokerId, now, logger }: UpkeepParts): Promise<void> {
  for (const tenant of policy().tenants) {
    await endHeldCalls({ approvals: store.approvals, log: store.log, brokerId, now }, tenant).catch((error: unknown) =>
      logger.error({ err: error, tenant }, "the ends of held calls could not be recorded"),
    );
  }
}

async function sayElevationEnds({ store, policy, now, logger }: UpkeepParts, known: KnownEnds): Promise<void> {
  for (const tenant of policy().tenants) {
    await sayEnds({ elevations: store.elevations, log: store.log, now }, tenant, known).catch((error: unknown) =>
      logger.error({ err: error, tenant }, "the ends of rights for a time could not be recorded"),
    );
  }
}

async function drill({ store, policy, now, logger }: UpkeepParts, approvals: ApprovalsConfig, key: Uint8Array): Promise<void> {
  for (const tenant of policy().tenants) {
    try {
      // Those that were sown before drills were switched off end as well.
      await endMissedDrills({ drills: store.drills, log: store.log, now }, tenant);
      if (approvals.drills?.tenants.includes(tenant) !== true) continue;
      await sowDrill({ ...store, config: approvals.drills, key, policy, now }, tenant);
    } catch (error) {
      logger.error({ err: error, tenant }, "a drill could not be sown or ended");
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
