import { hash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CryptoKey } from "jose";
import { exportJWK, generateKeyPair } from "jose";
import { onTestFinished } from "vitest";
import type { Claims, Presented } from "../../../broker/src/call/presented.ts";
import { Refusal } from "../../../broker/src/call/refusal.ts";
import { createMcpEndpoint } from "../../../broker/src/adapters/mcp/index.ts";
import type { Durations } from "../../../broker/src/adapters/mcp/index.ts";
import { createDpopVerifier } from "../../../broker/src/adapters/sender-proof/dpop.ts";
import { sessionKeys } from "../../../broker/src/adapters/sender-proof/session-key.ts";
import { createSenderVerifier } from "../../../broker/src/adapters/sender-proof/verify-sender.ts";
import type { MemoryOperation, MemorySurface } from "../../../broker/test/mcp/support/memory-surface.ts";
import { createMemorySurface } from "../../../broker/test/mcp/support/memory-surface.ts";
import type { OAuthStub } from "./token-endpoint.ts";
import { createOAuthStub } from "./token-endpoint.ts";

export const AGENT = "bailiwick://acme/dev/support/triage";
export const DELEGATE = "bailiwick://acme/dev/support/writer";

export interface TestBroker {
  readonly url: string;
  readonly keyFile: string;
  /** The key of another agent, DELEGATE. */
  readonly delegateKeyFile: string;
  readonly surface: MemorySurface;
  /** Forms of the token requests that passed. */
  readonly granted: URLSearchParams[];
  /** Tokens that were revoked by their holder. */
  readonly revoked: readonly string[];
  /** Tokens in the order they were given out. */
  readonly tokens: readonly string[];
  readonly oauth: OAuthStub;
  /** What each request to `/mcp` proved. */
  readonly proven: { readonly claims: Claims; readonly presented: Presented }[];
  /** Seconds told to the agent. */
  expiresIn: number;
  /** Ahead of the real time. */
  clockMs: number;
  /** False: gives bearer tokens whatever is asked. */
  binds: boolean;
  /** False: the token endpoint is away. */
  givesTokens: boolean;
  /** Breaks every connection. */
  cut(): void;
  /** Breaks them and takes no more. */
  stop(): Promise<void>;
}

/** The broker's MCP endpoint over a memory surface, behind its real sender verification, with a token endpoint that verifies as it does. */
export async function startBroker(
  operations: readonly MemoryOperation[],
  durations: Partial<Durations> = {},
  tls?: { readonly cert: string; readonly key: string },
): Promise<TestBroker> {
  const surface = createMemorySurface(operations);
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-client-"));
  const publicKeys = new Map<string, CryptoKey>();
  const keyFile = await newKey(folder, AGENT, publicKeys);
  const delegateKeyFile = await newKey(folder, DELEGATE, publicKeys);
  const server = tls === undefined ? createServer() : createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: false });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const now = (): Date => new Date(Date.now() + broker.clockMs);
  const dpop = createDpopVerifier();
  const keys = sessionKeys(randomBytes(32));
  const oauth = createOAuthStub({
    url: () => url,
    publicKeys,
    surface,
    dpop,
    keys,
    now,
    expiresIn: () => broker.expiresIn,
    binds: () => broker.binds,
    headers: () => ({ date: now().toUTCString() }),
  });
  const senders = createSenderVerifier({
    dpop,
    keys,
    async token(token) {
      const known = oauth.tokens.get(token ?? "");
      if (token === undefined || known === undefined) throw new Refusal("unauthenticated", "the token is missing or unknown");
      return {
        id: hash("sha256", token, "base64url"),
        tenant: "acme",
        session: known.session,
        client: "agent",
        binding: known.binding,
        expiresAtMs: Number.POSITIVE_INFINITY,
      };
    },
  });
  const proven: TestBroker["proven"] = [];
  const guarded = {
    ...surface,
    async session(presented: Presented) {
      const claims = await senders.verify(presented, now());
      proven.push({ claims, presented });
      return surface.session(presented);
    },
  };
  const endpoint = createMcpEndpoint(guarded, {
    publicUrl: () => url,
    durations: { leaseMs: 40, holdMs: 40, retryAfterMs: 5, keepAliveMs: 500, ...durations },
  });
  const broker: TestBroker = {
    url,
    keyFile,
    delegateKeyFile,
    surface,
    granted: oauth.granted,
    revoked: oauth.revoked,
    get tokens() {
      return [...oauth.tokens.keys()];
    },
    oauth,
    proven,
    expiresIn: 300,
    clockMs: 0,
    binds: true,
    givesTokens: true,
    cut: () => server.closeAllConnections(),
    stop,
  };

  async function stop(): Promise<void> {
    server.closeAllConnections();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  }

  server.on("request", (req, res: ServerResponse) => {
    res.setHeader("date", now().toUTCString());
    if (!broker.givesTokens && req.url === "/oauth/token") return void res.writeHead(503).end();
    if (!oauth.handle(req, res)) endpoint.handle(req, res);
  });
  onTestFinished(async () => {
    await endpoint.close();
    await stop();
    await rm(folder, { recursive: true });
  });
  return broker;
}

async function newKey(folder: string, agent: string, publicKeys: Map<string, CryptoKey>): Promise<string> {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  publicKeys.set(agent, publicKey);
  const file = join(folder, `${agent.split("/").at(-1)}.key`);
  await writeFile(file, JSON.stringify({ ...(await exportJWK(privateKey)), alg: "ES256", agent }), { mode: 0o600 });
  return file;
}
