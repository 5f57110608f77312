import type { JsonObject } from "@bailiwick/policy";
import { ToolError } from "../../../src/domain/tool.ts";
import type { MemoryOperation } from "./memory-surface.ts";

export const text = (value: string): JsonObject => ({ content: [{ type: "text", text: value }] });

const tool = (name: string, run: MemoryOperation["run"], more: JsonObject = {}): MemoryOperation => ({
  kind: "tool",
  entry: { name, description: name, inputSchema: { type: "object" }, ...more },
  run,
});

export const echo = tool("echo", async (args) => text(`echo ${JSON.stringify(args)}`));

export const transfer: MemoryOperation = { ...tool("transfer", async (args) => text(`transferred ${JSON.stringify(args)}`)), held: true };

export const strictTransfer: MemoryOperation = {
  ...tool("strict_transfer", async () => ({ ...text("ok"), structuredContent: { done: true } }), {
    outputSchema: { type: "object", properties: { done: { type: "boolean" } }, required: ["done"] },
  }),
  held: true,
};

export const denied = tool("drop_table", async () => ({
  kind: "refused",
  callId: "call_7",
  code: "denied_by_rule",
  message: "dropping tables is denied",
  rules: [{ kind: "deny", id: "no-drop", at: { file: "policies/base.cedar", line: 12 }, reason: "tables are never dropped by agents" }],
  next: [{ kind: "use_instead", action: "archive_table" }],
}));

export const lost = tool("lose", async () => {
  throw new Error("the tool closed the connection");
});

export const broken = tool("break", async () => {
  throw new ToolError(-32099, "it broke", { part: "spring" });
});

export const needsSampling = tool("needs_sampling", async () => {
  throw new ToolError(-32021, "sampling is needed", { requiredCapabilities: { sampling: {} } });
});

const FORM: JsonObject = {
  message: "your name?",
  requestedSchema: { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
};

export const greet = tool("greet", async (_args, io) => {
  const answer = await io.ask({ method: "elicitation/create", key: "user_name", params: FORM });
  return text(`hello ${JSON.stringify(answer)}`);
});

export const askTwo = tool("ask_two", async (_args, io) => {
  const [first, second] = await Promise.all([
    io.ask({ method: "elicitation/create", params: FORM }),
    io.ask({ method: "roots/list", params: {} }),
  ]);
  return text(`${JSON.stringify(first)} ${JSON.stringify(second)}`);
});

export const count = tool("count", async (_args, io) => {
  io.progress({ progress: 1, total: 2, message: "half" });
  io.log({ level: "info", data: "counting" });
  io.log({ level: "debug", data: "detail" });
  return text("counted");
});

/** Runs until it is cancelled or `finish` is called. */
export function endless(): {
  readonly operation: MemoryOperation;
  readonly started: Promise<void>;
  readonly cancelled: Promise<void>;
  readonly finish: () => void;
} {
  const started = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<void>();
  const operation = tool("endless", async (_args, io) => {
    started.resolve();
    io.signal.addEventListener("abort", () => cancelled.resolve(), { once: true });
    await Promise.race([cancelled.promise, finished.promise]);
    return text("ended");
  });
  return { operation, started: started.promise, cancelled: cancelled.promise, finish: () => finished.resolve() };
}

export const readme: MemoryOperation = {
  kind: "resource",
  entry: { uri: "memo://readme", name: "readme" },
  run: async () => ({ contents: [{ uri: "memo://readme", text: "read me" }] }),
};

export const hello: MemoryOperation = {
  kind: "prompt",
  entry: { name: "hello" },
  run: async () => ({ messages: [{ role: "user", content: { type: "text", text: "hello" } }] }),
};
