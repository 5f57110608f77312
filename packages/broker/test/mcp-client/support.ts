import { fileURLToPath } from "node:url";
import type { JsonObject, Operation } from "@bailiwick/policy";
import { createConnection, type McpConnection, type McpTarget } from "../../src/adapters/mcp-client/index.ts";
import type { AgentRequest, CallIo, ConnectionKey, Equipment } from "../../src/domain/tool.ts";

export const KEY: ConnectionKey = { tool: "fixture", tenant: "acme", environment: "test", workflow: "conformance" };
export const NO_EQUIPMENT: Equipment = { headers: {}, environment: {} };
const FIXTURE = fileURLToPath(new URL("../../../../tools/conformance/fixture/main.ts", import.meta.url));

export interface Opened {
  readonly connection: McpConnection;
  /** What the connection told the operator. */
  readonly logged: { readonly event: string; readonly text: string }[];
}

const OPEN: McpConnection[] = [];

export function connect(target: McpTarget, equipment: Equipment = NO_EQUIPMENT): Opened {
  const logged: { event: string; text: string }[] = [];
  const connection = createConnection({ key: KEY, target, equipment, log: (event, text) => void logged.push({ event, text }) });
  OPEN.push(connection);
  return { connection, logged };
}

/** For `afterEach`: no child outlives its test. */
export async function closeAll(): Promise<void> {
  await Promise.all(OPEN.splice(0).map((connection) => connection.close()));
}

export function stdioFixture(era: "both" | "modern" | "legacy" = "both"): McpTarget {
  return { command: [process.execPath, FIXTURE, "--stdio", "--era", era], environment: { PATH: process.env["PATH"] ?? "" } };
}

export interface RecordedIo extends CallIo {
  readonly seen: { progress: number[]; logs: JsonObject[]; asked: AgentRequest[]; tasks: string[] };
}

/** An agent that answers as told, and remembers what it was told. */
export function agent(
  options: {
    readonly capabilities?: JsonObject;
    readonly signal?: AbortSignal;
    readonly ask?: (request: AgentRequest) => Promise<JsonObject>;
    readonly onProgress?: () => void;
    readonly onTask?: () => void;
  } = {},
): RecordedIo {
  const seen: RecordedIo["seen"] = { progress: [], logs: [], asked: [], tasks: [] };
  return {
    seen,
    signal: options.signal ?? new AbortController().signal,
    capabilities: options.capabilities ?? {},
    progress(update) {
      seen.progress.push(update.progress);
      options.onProgress?.();
    },
    log: (message) => void seen.logs.push(message),
    async ask(request) {
      seen.asked.push(request);
      if (options.ask === undefined) throw new Error("this agent answers nothing");
      return options.ask(request);
    },
    task(status) {
      seen.tasks.push(status.status);
      options.onTask?.();
    },
  };
}

export function tool(name: string): Operation {
  return { tool: KEY.tool, kind: "tool", name };
}

export interface CallOptions {
  readonly io?: CallIo;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  readonly equipment?: Equipment;
}

export function call(connection: McpConnection, name: string, args: JsonObject = {}, options: CallOptions = {}): Promise<JsonObject> {
  return connection.invoke(tool(name), args, {
    timeoutMs: options.timeoutMs ?? 10_000,
    maxBytes: options.maxBytes ?? 1_000_000,
    equipment: options.equipment ?? NO_EQUIPMENT,
    io: options.io ?? agent(),
  });
}

/** The first text of a result. */
export function textOf(result: JsonObject): string {
  const content = result["content"];
  const first: unknown = Array.isArray(content) ? content[0] : undefined;
  return typeof first === "object" && first !== null && "text" in first ? String(first.text) : "";
}

/** Resolves once the condition holds; the test's own timeout is the limit. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
