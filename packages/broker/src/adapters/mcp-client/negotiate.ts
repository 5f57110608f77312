import type { JsonObject } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import { ToolError } from "../../domain/tool.ts";
import {
  type Era,
  eraOf,
  LEGACY_VERSIONS,
  META,
  MODERN_VERSION,
  NEWEST_LEGACY_VERSION,
  objectAt,
  stringAt,
} from "../mcp-protocol/index.ts";
import { HttpStatusFault } from "./wire.ts";

/** What one server speaks and offers. */
export interface Agreement {
  readonly era: Era;
  readonly version: string;
  readonly capabilities: JsonObject;
  readonly instructions: string | undefined;
}

/** How negotiation reaches the server. `discover` has a short limit of its own. */
export interface Handshake {
  discover(): Promise<JsonObject>;
  initialize(params: JsonObject): Promise<JsonObject>;
  initialized(version: string): Promise<void>;
}

/**
 * Finds the newest dialect both sides speak: `server/discover` first, else the handshake. `verdict` is what this server said last time.
 * @throws Fault `tool_unavailable` when there is none, or what the wire threw.
 */
export async function negotiate(tool: string, handshake: Handshake, verdict: Era | undefined): Promise<Agreement> {
  if (verdict !== "legacy") {
    const modern = await discovered(handshake);
    if (modern !== undefined) return modern;
  }
  const result = await handshake.initialize({
    protocolVersion: NEWEST_LEGACY_VERSION,
    capabilities: BRIDGED_CAPABILITIES,
    clientInfo: BROKER_INFO,
  });
  const version = stringAt(result, "protocolVersion") ?? "";
  if (eraOf(version) !== "legacy") {
    const spoken = [MODERN_VERSION, ...LEGACY_VERSIONS].join(", ");
    throw new Fault("tool_unavailable", `the server of the tool \`${tool}\` speaks an unknown MCP revision; the broker speaks ${spoken}`);
  }
  await handshake.initialized(version);
  return { era: "legacy", version, capabilities: objectAt(result, "capabilities"), instructions: stringAt(result, "instructions") };
}

/** Undefined when the server is of the legacy era. */
async function discovered(handshake: Handshake): Promise<Agreement | undefined> {
  try {
    const result = await handshake.discover();
    const versions = result["supportedVersions"];
    if (!Array.isArray(versions) || !versions.includes(MODERN_VERSION)) return undefined;
    const instructions = stringAt(result, "instructions");
    return { era: "modern", version: MODERN_VERSION, capabilities: objectAt(result, "capabilities"), instructions };
  } catch (error) {
    if (meansLegacy(error)) return undefined;
    throw error;
  }
}

/** Servers of the legacy era answer an unknown first message in many ways; only a dead or forbidden server is something else. */
function meansLegacy(error: unknown): boolean {
  if (error instanceof ToolError) return true;
  if (error instanceof HttpStatusFault) return error.status !== 401 && error.status !== 403 && (error.status < 300 || error.status > 399);
  return error instanceof Fault && error.code === "tool_timeout";
}

/** Who we say that we are. */
export const BROKER_INFO = { name: "bailiwick", version: "0.1.0" } as const;

/** All that the gateway can carry to some agent; whether the agent of a call can answer is known only when it is asked. */
const BRIDGED_CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} } as const;

/** The envelope of each request in the modern era. */
export function modernMeta(capabilities: JsonObject): JsonObject {
  return { [META.protocolVersion]: MODERN_VERSION, [META.clientCapabilities]: capabilities, [META.clientInfo]: BROKER_INFO };
}
