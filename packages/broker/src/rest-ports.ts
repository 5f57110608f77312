import { createHash, randomBytes } from "node:crypto";
import type { Policy } from "@bailiwick/policy";
import type { createRestApp } from "./adapters/rest/app.ts";
import type { LogStatus } from "./adapters/rest/log-status.ts";
import type { NotificationAccess } from "./adapters/rest/notification-access.ts";
import { peopleOrigins } from "./adapters/rest/relying-party.ts";
import { randomId } from "./adapters/system/random.ts";
import type { Store } from "./adapters/store/index.ts";
import type { Metrics } from "./adapters/telemetry/metrics.ts";
import type { LiveToolConnections } from "./adapters/tools/index.ts";
import type { Authority } from "./authority.ts";
import { argumentsDigest } from "./call/identify.ts";
import type { CallPorts } from "./call/ports.ts";
import type { Custody } from "./custody.ts";
import type { Happenings } from "./domain/happening.ts";
import type { PolicyFolder } from "./domain/policy-folder.ts";
import type { ReviewedEntries } from "./domain/reviewed-entries.ts";
import { explainCall } from "./insight/explain-call.ts";
import { reviewTool } from "./insight/tool-review.ts";
import { inspectTool, toolStates } from "./insight/tool-states.ts";
import { tryEdit } from "./insight/try-edit.ts";
import { verifyLog } from "./insight/verify-log.ts";
import type { ToolTokens } from "./tool-tokens.ts";

/** Version of this program. */
export const VERSION = "0.1.0";

/** What the people's interface is made of. */
export interface RestParts {
  readonly url: string;
  readonly operatorKey: string;
  readonly store: Store;
  readonly custody: Pick<Custody, "keeper">;
  readonly signingKeys: Authority["signingKeys"];
  readonly toolAccess: ToolTokens["access"];
  readonly ports: CallPorts;
  readonly tools: LiveToolConnections;
  readonly metrics: Metrics;
  readonly policy: () => Policy;
  readonly happenings: Happenings;
  readonly notifications: NotificationAccess;
  readonly policyFolder: () => PolicyFolder;
  readonly reviewed: ReviewedEntries;
  readonly environment: (name: string) => string | undefined;
  readonly onFault: (error: unknown) => void;
  readonly logStatus: () => LogStatus;
  readonly retentionOf: (tenant: string) => number | undefined;
}

export function restPorts(parts: RestParts): Parameters<typeof createRestApp>[0] {
  const { url, operatorKey, store, custody, signingKeys, toolAccess, ports, tools, metrics, policy, environment, onFault, logStatus } =
    parts;
  return {
    version: VERSION,
    publicUrl: url,
    origins: peopleOrigins(url),
    operatorKeyHash: createHash("sha256").update(operatorKey).digest("base64url"),
    now: () => new Date(),
    random: (bytes) => randomBytes(bytes),
    policy,
    policyFolder: parts.policyFolder,
    argsDigest: argumentsDigest,
    people: store.people,
    signIn: store.signIn,
    searches: store.searches,
    environment,
    approvals: store.approvals,
    elevations: store.elevations,
    duties: store.duties,
    happenings: parts.happenings,
    notifications: parts.notifications,
    tryEdit: (approval, args) => tryEdit(ports, approval, args),
    habits: store.habits,
    sessions: store.sessions,
    agentKeys: store.agentKeys,
    stops: store.stops,
    signingKeys,
    credentials: custody.keeper,
    toolAccess,
    log: store.log,
    logStatus,
    evidence: store.evidence,
    erasure: store.erasure,
    holds: store.holds,
    retention: store.retention,
    retentionOf: parts.retentionOf,
    explain: (tenant, callId) => explainCall(store.log, policy(), tenant, callId),
    undo: {
      call: ports,
      session: { log: store.log, sessions: store.sessions, now: ports.now, newSessionId: () => randomId("ses") },
    },
    verify: (tenant) => verifyLog(store, tenant),
    tools: async (tenant) => toolStates({ tools }, policy(), tenant),
    review: async (operation, tenant) => reviewTool({ tools, reviewed: parts.reviewed }, policy(), operation, tenant),
    inspect: (tool, tenant) => inspectTool(ports, policy(), tool, tenant),
    readiness: [
      { name: "store", check: () => requireHealthy(store) },
      { name: "policy", check: async () => void policy() },
    ],
    metrics: () => metrics.prometheus(),
    onFault,
  };
}

async function requireHealthy(store: Store): Promise<void> {
  const { ok, detail } = await store.health();
  if (!ok) throw new Error(detail);
}
