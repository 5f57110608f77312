import { isDeepStrictEqual } from "node:util";
import type { JsonObject, Operation } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import { type ConnectionKey, type Equipment, ToolError, type ToolConnection, type ToolListing } from "../../domain/tool.ts";
import { objectAt, RPC } from "../mcp-protocol/index.ts";
import { LISTING_TIMEOUT_MS, MAX_LISTING_BYTES, MAX_PENDING_CALLS, RETIRE_GRACE_MS, SMALL_REQUEST_TIMEOUT_MS } from "./limits.ts";
import { requireBoundHost } from "./hosts.ts";
import { createListingCache } from "./listing-cache.ts";
import { readListing } from "./listing.ts";
import type { Live, McpTarget } from "./live.ts";
import { mirrored } from "./param-headers.ts";
import { orAbort } from "./pause.ts";
import { createSubscriptions } from "./subscriptions.ts";
import { createSupervisor } from "./supervisor.ts";
import { watch } from "./watch.ts";

export interface ConnectionOptions {
  readonly key: ConnectionKey;
  readonly target: McpTarget;
  readonly equipment: Equipment;
  /** For the operator: `text` holds no secret. */
  readonly log: (event: string, text: string) => void;
}

/** A tool connection whose credentials can be renewed and which can be replaced without cutting the calls it runs. */
export interface McpConnection extends ToolConnection {
  /** The listing, when it is known to be the upstream's current one. */
  readonly known: () => ToolListing | undefined;
  /** Headers for requests that belong to no call: listings, streams. */
  equip(equipment: Equipment): void;
  /** Takes no new calls and closes once the running ones have ended, or after a grace time; resolves when closed. */
  retire(): Promise<void>;
}

/** Connects lazily; restarts by itself with back-off; both eras, both transports. */
export function createConnection(options: ConnectionOptions): McpConnection {
  const { key } = options;
  const listeners = new Set<() => void>();
  let { equipment } = options;
  let watching = new AbortController();
  let running = 0;
  let retired = false;
  let closing: Promise<void> | undefined;
  const idle = Promise.withResolvers<void>();

  const subscriptions = createSubscriptions();
  const cache = createListingCache({
    read: async () => {
      const live = await supervisor.ready();
      const listing = await readListing(key.tool, live.agreement, (method, params) =>
        small(live, method, params, LISTING_TIMEOUT_MS),
      ).catch(toFault);
      return { listing, announcesChanges: announcesChanges(live.agreement.capabilities) };
    },
    onChange: tell,
  });
  const supervisor = createSupervisor({
    tool: key.tool,
    target: options.target,
    equipment: () => equipment,
    events: { listChanged: changed, resourceUpdated: subscriptions.updated },
    log: options.log,
    onLost() {
      watching.abort();
      cache.invalidate();
    },
    onLive(live, again) {
      watching = new AbortController();
      startWatch(live);
      if (live.agreement.era === "legacy")
        for (const uri of subscriptions.uris()) void small(live, "resources/subscribe", { uri }).catch(ignore);
      if (again) {
        changed();
        tell();
      }
    },
  });

  /**
   * Read again at once: until then nothing is known of this upstream, and a call has to wait for it. Told on only when it really offers
   * something else: two brokers that are tools of each other would else pass one notice back and forth for ever.
   */
  function changed(): void {
    const before = cache.last();
    cache.invalidate();
    cache.get().then((now) => {
      if (!isDeepStrictEqual(before, now)) tell();
    }, ignore);
  }

  function tell(): void {
    for (const listener of listeners) listener();
  }

  function startWatch(live: Live): void {
    const { signal } = watching;
    void watch({ live, signal, headers: () => equipment.headers, uris: subscriptions.uris, onGap: changed });
  }

  function small(
    live: Live,
    method: string,
    params: JsonObject,
    timeoutMs = SMALL_REQUEST_TIMEOUT_MS,
    signal?: AbortSignal,
  ): Promise<JsonObject> {
    return live.peer.request(method, params, { headers: equipment.headers, timeoutMs, maxBytes: MAX_LISTING_BYTES, signal });
  }

  async function admitted(signal: AbortSignal): Promise<Live> {
    if (retired) throw new Fault("tool_unavailable", `the connection to the tool \`${key.tool}\` is being replaced; send the call again`);
    const live = await orAbort(supervisor.ready(), signal).catch((error: unknown) => {
      throw signal.aborted ? new Fault("cancelled", "the call was cancelled before it was sent") : error;
    });
    if (running >= MAX_PENDING_CALLS) {
      throw new Fault("tool_unavailable", `the tool \`${key.tool}\` already runs ${MAX_PENDING_CALLS} calls; send the call again later`);
    }
    return live;
  }

  async function callHeaders(
    live: Live,
    operation: Operation,
    args: JsonObject,
    own: Equipment,
  ): Promise<Readonly<Record<string, string>>> {
    if (live.wire.kind === "stdio" || live.agreement.era === "legacy" || operation.kind !== "tool") return own.headers;
    const mirror = await cache.mirror(operation.name);
    return mirror === undefined || mirror.size === 0 ? own.headers : { ...own.headers, ...mirrored(mirror, args) };
  }

  async function close(): Promise<void> {
    retired = true;
    watching.abort();
    cache.invalidate();
    await supervisor.close();
  }

  return {
    key,
    listing: () => cache.get(),
    async invoke(operation, args, { timeoutMs, maxBytes, equipment: own, io, trace }) {
      if ("url" in options.target) requireBoundHost(key.tool, own, options.target.url.hostname, options.target.url.port);
      const live = await admitted(io.signal);
      running += 1;
      try {
        const headers = await callHeaders(live, operation, args, own);
        const [method, params] = requestOf(operation, args);
        return await live.peer.request(method, params, { io, headers, timeoutMs, maxBytes, trace });
      } finally {
        running -= 1;
        if (retired && running === 0) idle.resolve();
      }
    },
    async complete(params, { equipment: own, signal }) {
      const live = await admitted(signal);
      const limits = { timeoutMs: SMALL_REQUEST_TIMEOUT_MS, maxBytes: MAX_LISTING_BYTES };
      // The agent's own `_meta` is about its line to us, and may be of the other era.
      const { _meta, ...asked } = params;
      return live.peer.request("completion/complete", asked, { headers: own.headers, signal, ...limits });
    },
    async setLogLevel(level) {
      const live = await supervisor.ready();
      live.peer.logLevel = level;
      if (live.agreement.era === "legacy" && "logging" in live.agreement.capabilities) await small(live, "logging/setLevel", { level });
    },
    async subscribe(uri, onUpdate) {
      const live = await supervisor.ready();
      const renew = async (method: string): Promise<void> => {
        const now = await supervisor.ready();
        if (now.agreement.era === "legacy") await small(now, method, { uri });
        else restartWatch(now);
      };
      if (objectAt(live.agreement.capabilities, "resources")["subscribe"] !== true) {
        throw new ToolError(RPC.methodNotFound, "this tool does not tell of changes of its resources");
      }
      if (subscriptions.add(uri, onUpdate)) await renew("resources/subscribe");
      return async () => {
        if (subscriptions.remove(uri, onUpdate)) await renew("resources/unsubscribe");
      };
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    known: cache.peek,
    equip(next) {
      equipment = next;
    },
    retire() {
      retired = true;
      if (running === 0) idle.resolve();
      const timer = setTimeout(idle.resolve, RETIRE_GRACE_MS);
      timer.unref();
      return idle.promise.then(() => {
        clearTimeout(timer);
        closing ??= close();
        return closing;
      });
    },
    close() {
      closing ??= close();
      return closing;
    },
  };

  function restartWatch(live: Live): void {
    watching.abort();
    watching = new AbortController();
    startWatch(live);
  }
}

function requestOf(operation: Operation, args: JsonObject): readonly [method: string, params: JsonObject] {
  switch (operation.kind) {
    case "tool":
      return ["tools/call", { name: operation.name, arguments: args }];
    case "prompt":
      return ["prompts/get", { name: operation.name, arguments: args }];
    case "resource":
      return ["resources/read", { uri: operation.name }];
    default:
      return unknownKind(operation.kind);
  }
}

function unknownKind(kind: never): never {
  throw new Error(`operations of kind \`${String(kind)}\` are not known`);
}

function announcesChanges(capabilities: JsonObject): boolean {
  return ["tools", "resources", "prompts"].every((list) => !(list in capabilities) || objectAt(capabilities, list)["listChanged"] === true);
}

/** A listing has no caller to whom the server's own error would mean something. */
function toFault(error: unknown): never {
  if (!(error instanceof ToolError)) throw error;
  throw new Fault("tool_unavailable", `the tool server refused to list what it offers (error ${error.code})`, { cause: error });
}

function ignore(): void {
  return undefined;
}
