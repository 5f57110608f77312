import type { Json, JsonObject } from "@bailiwick/policy";
import { ToolError } from "../../domain/tool.ts";
import { isObject, objectAt, RPC } from "../mcp-protocol/index.ts";
import { createBackoff } from "./backoff.ts";
import { MAX_LISTING_BYTES } from "./limits.ts";
import type { Live } from "./live.ts";
import { pause } from "./pause.ts";
import { dialectHeaders } from "./peer.ts";

export interface WatchOptions {
  readonly live: Live;
  readonly signal: AbortSignal;
  headers(): Readonly<Record<string, string>>;
  /** URIs whose updates are wanted (modern era; the legacy era subscribes by requests). */
  readonly uris: () => readonly string[];
  /** The stream was open before and is open again: what happened in between is not known. */
  readonly onGap: () => void;
}

/**
 * Keeps the stream open on which a server speaks unasked: the GET stream of the legacy era, `subscriptions/listen` of the modern one.
 * Returns when `signal` aborts or the server has no such stream.
 */
export async function watch(options: WatchOptions): Promise<void> {
  const backoff = createBackoff();
  for (let opened = 0; !options.signal.aborted; opened += 1) {
    if (opened > 0) options.onGap();
    try {
      backoff.alive(performance.now());
      if ((await listenOnce(options)) === "unsupported") return;
    } catch (error) {
      if (error instanceof ToolError && error.code === RPC.methodNotFound) return;
    }
    backoff.failed(performance.now());
    await pause(backoff.waitMs(performance.now()), options.signal).catch(() => undefined);
  }
}

async function listenOnce(options: WatchOptions): Promise<"ended" | "unsupported"> {
  const { live, signal } = options;
  if (live.agreement.era === "legacy") {
    if (live.wire.listen === undefined) return "unsupported";
    const headers = { ...options.headers(), ...dialectHeaders("legacy", live.agreement.version, "", {}) };
    return live.wire.listen(headers, signal, () => undefined);
  }
  const notifications = wanted(live.agreement.capabilities, options.uris());
  if (Object.keys(notifications).length === 0) return "unsupported";
  const limits = { timeoutMs: LONGEST_TIMER_MS, maxBytes: MAX_LISTING_BYTES };
  await live.peer.request("subscriptions/listen", { notifications }, { headers: options.headers(), signal, ...limits });
  return "ended";
}

/** Asks for no more than the server says it can tell. */
function wanted(capabilities: JsonObject, uris: readonly string[]): JsonObject {
  const filter: Record<string, Json> = {};
  for (const list of ["tools", "prompts", "resources"]) {
    const offered = capabilities[list];
    if (isObject(offered) && offered["listChanged"] === true) filter[`${list}ListChanged`] = true;
  }
  if (uris.length > 0 && objectAt(capabilities, "resources")["subscribe"] === true) filter["resourceSubscriptions"] = uris;
  return filter;
}

/** The largest delay a Node timer takes: 24.8 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
