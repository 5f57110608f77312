import { randomBytes } from "node:crypto";
import { isElevationTicket } from "../../call/elevate.ts";

/** One message may hold 4 MiB: room for a file in base64, not for exhausting memory. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** Deeper JSON serves nobody and costs stack in everything that walks it. */
export const MAX_JSON_DEPTH = 64;
/** Sessions of the legacy era kept at once; above it the least recently used goes first. */
export const MAX_LEGACY_SESSIONS = 10_000;
/** Of those, what one agent may hold; above it its own least recently used goes first. */
export const MAX_LEGACY_SESSIONS_EACH = 500;
/** Calls that may wait for an agent's answer at once, over all agents. */
export const MAX_SUSPENDED_CALLS = 10_000;
/** Of those, what one agent may hold. */
export const MAX_SUSPENDED_EACH = 200;
/** Tasks kept in memory, over all agents. */
export const MAX_TASKS = 10_000;
/** Of those, what one agent may hold; above it its calls are answered without a task. */
export const MAX_TASKS_EACH = 500;
/** Open `subscriptions/listen` streams, over all agents. */
export const MAX_LISTENERS = 1024;
/** Of those, what one agent may hold. */
export const MAX_LISTENERS_EACH = 64;
/** Resource subscriptions one session or listen stream may hold. */
export const MAX_SUBSCRIPTIONS = 256;
/** A lease leg with this number is the last one: clients of SDK v2 give up after ten retries. */
export const LAST_LEASE_ROUND = 9;

/** All in milliseconds. */
export interface Durations {
  /** One leg of a modern lease, and one leg of a task's wait. Clients time out at 60 s. Default 45 s. */
  readonly leaseMs: number;
  /** Held call of a legacy client that hears progress. Default 4 min. */
  readonly holdWithProgressMs: number;
  /** Held call of a legacy client that hears nothing. Default 25 s. */
  readonly holdMs: number;
  /** Interval of progress messages while a call is held. Default 10 s. */
  readonly progressMs: number;
  /** Comment lines on idle streams. Default 15 s. */
  readonly keepAliveMs: number;
  /** What the agent is told to wait before it asks again. Default 5 s. */
  readonly retryAfterMs: number;
  /** How long a call waits for the agent's answer to a question of the tool. Default 10 min. */
  readonly suspendMs: number;
  /** A legacy session unused for this long is forgotten. Default 1 h. */
  readonly sessionIdleMs: number;
  /** A broken legacy stream may be resumed for this long. Default 60 s. */
  readonly resumeMs: number;
  /** Poll interval told to clients of tasks. Default 2 s. */
  readonly pollMs: number;
  /** Life of a task whose tool named none. Default 1 h. */
  readonly taskTtlMs: number;
}

export const DEFAULT_DURATIONS: Durations = {
  leaseMs: 45_000,
  holdWithProgressMs: 4 * 60_000,
  holdMs: 25_000,
  progressMs: 10_000,
  keepAliveMs: 15_000,
  retryAfterMs: 5_000,
  suspendMs: 10 * 60_000,
  sessionIdleMs: 60 * 60_000,
  resumeMs: 60_000,
  pollMs: 2_000,
  taskTtlMs: 60 * 60_000,
};

export interface McpEndpointOptions {
  /** Base URL under which agents and people reach this broker, without a trailing slash. Read on each use, because the port may be chosen late. */
  readonly publicUrl: () => string;
  /** Host names accepted in `Host` beside the public URL's and loopback. Default none. */
  readonly allowedHosts?: readonly string[];
  /** Origins accepted in `Origin` beside the public URL's and loopback. Default none. */
  readonly allowedOrigins?: readonly string[];
  /** Default MAX_BODY_BYTES. */
  readonly maxBodyBytes?: number;
  readonly now?: () => Date;
  /** 32 bytes. Brokers behind one address share it, so that each opens the others' leases. Default: random, for this process. */
  readonly stateKey?: Uint8Array;
  /** Named in 401 answers when given (RFC 9728). Left out by default: some clients ignore a configured token once they see it. */
  readonly resourceMetadataUrl?: () => string;
  /** Where a person answers an approval or an elevation. Default: the console, `<publicUrl>/approvals/<ticket>` or `<publicUrl>/elevations/<ticket>`. */
  readonly approvalUrl?: (ticket: string) => string;
  /** Version told to agents. Default `0.1.0`. */
  readonly version?: string;
  readonly durations?: Partial<Durations>;
}

export interface Settings {
  readonly publicUrl: () => string;
  readonly allowedHosts: ReadonlySet<string>;
  readonly allowedOrigins: ReadonlySet<string>;
  readonly maxBodyBytes: number;
  readonly now: () => Date;
  readonly stateKey: Uint8Array;
  readonly resourceMetadataUrl: (() => string) | undefined;
  readonly approvalUrl: (ticket: string) => string;
  readonly serverInfo: { readonly name: string; readonly title: string; readonly version: string };
  readonly durations: Durations;
}

export function resolveSettings(options: McpEndpointOptions): Settings {
  return {
    publicUrl: options.publicUrl,
    allowedHosts: new Set((options.allowedHosts ?? []).map((host) => host.toLowerCase())),
    allowedOrigins: new Set((options.allowedOrigins ?? []).map((origin) => origin.toLowerCase())),
    maxBodyBytes: options.maxBodyBytes ?? MAX_BODY_BYTES,
    now: options.now ?? (() => new Date()),
    stateKey: options.stateKey ?? randomBytes(32),
    resourceMetadataUrl: options.resourceMetadataUrl,
    approvalUrl: options.approvalUrl ?? ((ticket) => `${options.publicUrl()}${pageOf(ticket)}`),
    serverInfo: { name: "bailiwick", title: "Bailiwick", version: options.version ?? "0.1.0" },
    durations: { ...DEFAULT_DURATIONS, ...options.durations },
  };
}

function pageOf(ticket: string): string {
  const id = encodeURIComponent(ticket);
  return isElevationTicket(ticket) ? `/elevations/${id}` : `/approvals/${id}`;
}
