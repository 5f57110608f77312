import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createMCPClient } from "@ai-sdk/mcp";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { isObject } from "../../src/adapters/mcp-protocol/index.ts";

/** Where a stock client is pointed at, and nothing else: what its own documentation lets a user set. */
export interface Place {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What an agent built on the client gets of it. */
export interface Opened {
  tools(): Promise<readonly string[]>;
  /** Text of the result. */
  call(name: string, args: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
}

export type StockClient = (place: Place) => Promise<Opened>;

export const STOCK_CLIENTS: readonly (readonly [string, StockClient])[] = [
  ["the MCP TypeScript SDK, version 2", modernSdk],
  ["the MCP TypeScript SDK, version 1", legacySdk],
  ["mcp-remote", mcpRemote],
  ["the Vercel AI SDK", aiSdk],
  ["LangChain's MCP adapters", langChain],
];

async function modernSdk({ url, headers }: Place): Promise<Opened> {
  const client = new ModernClient({ name: "stock", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  await client.connect(new ModernTransport(new URL(url), { requestInit: { headers: { ...headers } } }));
  return openedModernSdk(client);
}

export function openedModernSdk(client: ModernClient): Opened {
  return {
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    call: async (name, args) => textOf(await client.callTool({ name, arguments: args })),
    close: () => client.close(),
  };
}

async function legacySdk({ url, headers }: Place): Promise<Opened> {
  const client = new Client({ name: "stock", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { ...headers } } }));
  return openedSdk(client);
}

export function openedSdk(client: Client): Opened {
  return {
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    call: async (name, args) => textOf(await client.callTool({ name, arguments: args })),
    close: () => client.close(),
  };
}

const MCP_REMOTE = fileURLToPath(new URL("proxy.js", import.meta.resolve("mcp-remote/dist/proxy.js")));

async function mcpRemote({ url, headers = {} }: Place): Promise<Opened> {
  return startMcpRemote(
    url,
    Object.entries(headers).flatMap(([name, value]) => ["--header", `${name}:${value}`]),
  );
}

/** mcp-remote as a desktop client starts it. `onStderr` hears what it tells its user. */
export async function startMcpRemote(url: string, args: readonly string[], onStderr?: (text: string) => void): Promise<Opened> {
  const config = await mkdtemp(join(tmpdir(), "bailiwick-mcp-remote-"));
  const client = new Client({ name: "stock", version: "1.0.0" });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [MCP_REMOTE, url, "--transport", "http-only", ...args],
    // No browser: who consents is the test.
    env: { PATH: process.env["PATH"] ?? "", HOME: config, MCP_REMOTE_CONFIG_DIR: config, BROWSER: "/bin/true" },
    stderr: "pipe",
  });
  transport.stderr?.on("data", (chunk: Buffer) => onStderr?.(chunk.toString("utf8")));
  await client.connect(transport);
  const opened = openedSdk(client);
  return {
    ...opened,
    async close() {
      await opened.close();
      await rm(config, { recursive: true, force: true });
    },
  };
}

async function aiSdk({ url, headers }: Place): Promise<Opened> {
  return openedAiSdk(await createMCPClient({ transport: { type: "http", url, headers: { ...headers } } }));
}

export function openedAiSdk(client: Awaited<ReturnType<typeof createMCPClient>>): Opened {
  return {
    tools: async () => Object.keys(await client.tools()),
    async call(name, args) {
      const tool = (await client.tools())[name];
      if (tool?.execute === undefined) throw new Error(`no tool ${name}`);
      return textOf(await tool.execute(args, { toolCallId: "1", messages: [], context: {} }));
    },
    close: () => client.close(),
  };
}

async function langChain({ url, headers }: Place): Promise<Opened> {
  return openedLangChain(new MultiServerMCPClient({ broker: { transport: "http", url, headers: { ...headers } } }));
}

export function openedLangChain(client: MultiServerMCPClient): Opened {
  return {
    tools: async () => (await client.getTools()).map((tool) => tool.name),
    async call(name, args) {
      const tool = (await client.getTools()).find((each) => each.name === name);
      if (tool === undefined) throw new Error(`no tool ${name}`);
      const answer: unknown = await tool.invoke(args);
      return typeof answer === "string" ? answer : JSON.stringify(answer);
    },
    close: () => client.close(),
  };
}

function textOf(result: unknown): string {
  const content = isObject(result) ? result["content"] : undefined;
  if (!Array.isArray(content)) return JSON.stringify(result);
  return content.map((part) => (isObject(part) && typeof part["text"] === "string" ? part["text"] : "")).join("\n");
}
