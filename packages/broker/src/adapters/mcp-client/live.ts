import type { JsonObject } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import { type Equipment, ToolError } from "../../domain/tool.ts";
import type { Era } from "../mcp-protocol/index.ts";
import { createDeadline } from "./deadline.ts";
import { createExchanges, type Exchanges, type ServerEvents } from "./exchanges.ts";
import { createHttpWire } from "./http-wire.ts";
import { DISCOVER_TIMEOUT_MS, HANDSHAKE_TIMEOUT_MS, MAX_LISTING_BYTES } from "./limits.ts";
import { type Agreement, type Handshake, negotiate } from "./negotiate.ts";
import { createPeer, exchange, type Peer } from "./peer.ts";
import { createStdioWire } from "./stdio-wire.ts";
import { notificationMessage } from "../mcp-protocol/index.ts";
import { dialectHeaders } from "./peer.ts";
import type { Wire, WireListener } from "./wire.ts";

/** How to reach the server; placeholders are filled in. */
export type McpTarget =
  | { readonly command: readonly string[]; readonly environment: Readonly<Record<string, string>>; readonly cwd?: string | undefined }
  | { readonly url: URL };

/** One agreed connection to a server. */
export interface Live {
  readonly wire: Wire;
  readonly exchanges: Exchanges;
  readonly agreement: Agreement;
  readonly peer: Peer;
}

export interface LiveOptions {
  readonly tool: string;
  readonly target: McpTarget;
  readonly equipment: Equipment;
  readonly verdict: Era | undefined;
  readonly events: ServerEvents & { lost(reason: Fault): void };
  readonly onLastWords: (stderr: string) => void;
}

/** Starts or reaches the server and agrees on a dialect. @throws Fault `tool_unavailable`: no call has been sent. */
export async function openLive(options: LiveOptions): Promise<Live> {
  try {
    return await attempt(options, options.verdict);
  } catch (error) {
    // Some servers of the legacy era end when their first message is not `initialize`.
    if (options.verdict === undefined && "command" in options.target && error instanceof Fault && error.code === "tool_lost") {
      return attempt(options, "legacy").catch((again: unknown) => Promise.reject(unavailable(options.tool, again)));
    }
    throw unavailable(options.tool, error);
  }
}

async function attempt(options: LiveOptions, verdict: Era | undefined): Promise<Live> {
  let agreed = false;
  const exchanges = createExchanges(options.events, (message, headers) => {
    wire.post(message, headers).catch(() => undefined);
  });
  const wire = makeWire(options, {
    notification: (message, origin) => exchanges.notification(message, origin),
    request: (message, origin) => exchanges.request(message, origin),
    lost(reason) {
      if (agreed) options.events.lost(reason);
    },
  });
  try {
    const agreement = await negotiate(options.tool, handshakeOver(options, wire, exchanges), verdict);
    agreed = true;
    const context = { tool: options.tool, wire, exchanges };
    return { wire, exchanges, agreement, peer: createPeer(context, agreement.era, agreement.version) };
  } catch (error) {
    await wire.close();
    throw error;
  }
}

function makeWire(options: LiveOptions, listener: WireListener): Wire {
  const { target, tool } = options;
  if ("url" in target) return createHttpWire(tool, target.url, listener);
  const environment = { ...target.environment, ...options.equipment.environment };
  const secrets = Object.values(options.equipment.environment);
  return createStdioWire(
    { tool, command: target.command, environment, secrets, cwd: target.cwd, onLastWords: options.onLastWords },
    listener,
  );
}

function handshakeOver(options: LiveOptions, wire: Wire, exchanges: Exchanges): Handshake {
  const context = { tool: options.tool, wire, exchanges };
  const { headers } = options.equipment;
  async function ask(era: Era, method: string, params: JsonObject, timeoutMs: number): Promise<JsonObject> {
    const onTimeout = (): Fault =>
      new Fault("tool_timeout", `the server of the tool \`${options.tool}\` did not answer \`${method}\` within ${timeoutMs} ms`);
    const deadline = createDeadline({ timeoutMs, outer: undefined, onTimeout });
    const dialect = { era, version: undefined, capabilities: {}, logLevel: undefined };
    try {
      return await exchange(context, dialect, method, params, { headers, timeoutMs, maxBytes: MAX_LISTING_BYTES }, deadline);
    } finally {
      deadline.end();
    }
  }
  return {
    discover: () => ask("modern", "server/discover", {}, DISCOVER_TIMEOUT_MS),
    initialize: (params) => ask("legacy", "initialize", params, HANDSHAKE_TIMEOUT_MS),
    initialized: (version) =>
      wire.post(notificationMessage("notifications/initialized", {}), { ...headers, ...dialectHeaders("legacy", version, "", {}) }),
  };
}

function unavailable(tool: string, error: unknown): unknown {
  if (error instanceof Fault && error.code === "tool_unavailable") return error;
  if (error instanceof Fault || error instanceof ToolError) {
    const message = `the server of the tool \`${tool}\` did not complete its handshake; nothing was sent; check that it is an MCP server and see the broker's log`;
    return new Fault("tool_unavailable", message, { cause: error });
  }
  return error;
}
