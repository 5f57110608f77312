import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getSessionToken } from "@bailiwick/client";
import type { Connect, JsonObject } from "@bailiwick/policy";
import { calculateJwkThumbprint } from "jose";
import { createConnection, type McpTarget } from "../../packages/broker/src/adapters/mcp-client/index.ts";
import type { ToolListing } from "../../packages/broker/src/domain/tool.ts";
import { startBroker, type RunningBroker } from "../../packages/broker/src/main.ts";
import { startForwarder } from "./forwarder.ts";
import { AGENT, writePolicyFolder } from "./policy-folder.ts";

export interface Gateway {
  /** Where a client without a token reaches the broker's MCP endpoint. */
  readonly url: string;
  close(): Promise<void>;
}

/** A broker with everything on in front of one upstream, reachable without a token through a local door. */
export async function startGateway(connect: Connect): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), "conformance-gateway-"));
  const undo: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const step of undo.toReversed()) await step();
  };
  try {
    await writePolicyFolder(join(folder, "policy"), connect, await listingOf(connect));
    const broker = await startBroker({
      policyFolder: join(folder, "policy"),
      dataFolder: join(folder, "data"),
      host: "127.0.0.1",
      port: 0,
      logLevel: "warn",
    });
    undo.push(() => broker.close());
    const forwarder = await startForwarder(new URL(broker.url), await tokens(broker));
    undo.push(() => forwarder.close());
    return { url: forwarder.url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function listingOf(connect: Connect): Promise<ToolListing> {
  const key = { tool: "fixture", tenant: "acme", environment: "dev", workflow: "conformance" };
  const connection = createConnection({
    key,
    target: targetOf(connect),
    equipment: { headers: {}, environment: {} },
    log: () => undefined,
  });
  try {
    return await connection.listing();
  } finally {
    await connection.close();
  }
}

function targetOf(connect: Connect): McpTarget {
  if (!("mcp" in connect)) throw new Error("the fixture is an MCP server");
  if ("url" in connect.mcp) return { url: new URL(connect.mcp.url) };
  return { command: connect.mcp.command, environment: { PATH: process.env["PATH"] ?? "" } };
}

/** Registers a key for the agent; each new token is a new session of it. */
async function tokens(broker: RunningBroker): Promise<() => Promise<string>> {
  const privateJwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
  const { kty = "", crv = "", x = "", y = "" } = privateJwk;
  const publicJwk: JsonObject & { readonly kty: string } = { kty, crv, x, y };
  const thumbprint = await calculateJwkThumbprint(publicJwk);
  await broker.store.agentKeys.add({ agent: AGENT, tenant: "acme", thumbprint, publicJwk, status: "active", addedAt: new Date() });
  let held: { readonly value: Promise<string>; readonly until: number } | undefined;
  return () => {
    if (held === undefined || performance.now() > held.until) {
      const request = { url: broker.url, key: { agent: AGENT, kid: thumbprint, privateJwk }, user: "suite", task: "conformance" };
      held = { value: getSessionToken(request).then((token) => `Bearer ${token.accessToken}`), until: performance.now() + TOKEN_USE_MS };
    }
    return held.value;
  };
}

/** Less than the life of a token, so that a request under way never meets its end. */
const TOKEN_USE_MS = 240_000;
