import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, jwtVerify } from "jose";
import { onTestFinished } from "vitest";
import { createMcpEndpoint } from "../../../broker/src/adapters/mcp/index.ts";
import type { Durations } from "../../../broker/src/adapters/mcp/index.ts";
import type { MemoryOperation, MemorySurface } from "../../../broker/test/mcp/support/memory-surface.ts";
import { createMemorySurface } from "../../../broker/test/mcp/support/memory-surface.ts";

export const AGENT = "bailiwick://acme/dev/support/triage";

export interface TestBroker {
  readonly url: string;
  readonly keyFile: string;
  readonly surface: MemorySurface;
  /** Forms of the token requests that passed. */
  readonly granted: URLSearchParams[];
  /** Tokens in the order they were given out. */
  readonly tokens: string[];
  /** Seconds told to the agent. */
  expiresIn: number;
  /** Breaks every connection. */
  cut(): void;
  /** Breaks them and takes no more. */
  stop(): Promise<void>;
}

/** The broker's MCP endpoint over a memory surface, with a token endpoint that really verifies the agent's assertion. */
export async function startBroker(operations: readonly MemoryOperation[], durations: Partial<Durations> = {}): Promise<TestBroker> {
  const surface = createMemorySurface(operations);
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-client-"));
  const keyFile = join(folder, "agent.key");
  await writeFile(keyFile, JSON.stringify({ ...(await exportJWK(privateKey)), alg: "ES256", agent: AGENT }), { mode: 0o600 });
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const endpoint = createMcpEndpoint(surface, {
    publicUrl: () => url,
    durations: { leaseMs: 40, holdMs: 40, retryAfterMs: 5, keepAliveMs: 500, ...durations },
  });
  const broker: TestBroker = {
    url,
    keyFile,
    surface,
    granted: [],
    tokens: [],
    expiresIn: 300,
    cut: () => server.closeAllConnections(),
    stop,
  };
  const seenIds = new Set<string>();

  async function stop(): Promise<void> {
    server.closeAllConnections();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  }

  async function grant(req: IncomingMessage, res: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of req) body += String(chunk);
    const form = new URLSearchParams(body);
    try {
      const { payload } = await jwtVerify(form.get("client_assertion") ?? "", publicKey, {
        audience: `${url}/oauth/token`,
        issuer: AGENT,
        subject: AGENT,
        maxTokenAge: 60,
      });
      const jti = payload.jti ?? "";
      if (jti === "" || seenIds.has(jti)) throw new Error("replayed");
      seenIds.add(jti);
    } catch {
      res.writeHead(401, { "content-type": "application/json" });
      return void res.end(JSON.stringify({ error: "invalid_client", error_description: "the assertion does not verify" }));
    }
    const token = randomBytes(12).toString("hex");
    surface.allow(token, { user: form.get("user") ?? "", task: form.get("task") ?? "" });
    broker.granted.push(form);
    broker.tokens.push(token);
    res.writeHead(200, { "content-type": "application/json" });
    res.end(JSON.stringify({ access_token: token, token_type: "Bearer", expires_in: broker.expiresIn }));
  }

  server.on("request", (req, res) => {
    if (req.url === "/oauth/token") void grant(req, res);
    else endpoint.handle(req, res);
  });
  onTestFinished(async () => {
    await endpoint.close();
    await stop();
    await rm(folder, { recursive: true });
  });
  return broker;
}
