import { Fault } from "../../domain/fault.ts";
import {
  notificationMessage,
  parseJson,
  parseMessage,
  requestMessage,
  type RequestId,
  type RpcFailure,
  type RpcMessage,
  type RpcResult,
} from "../mcp-protocol/index.ts";
import { startChild } from "./child.ts";
import { ENVELOPE_BYTES, MAX_IDLE_LINE_BYTES, STDERR_KEEP_CHARS } from "./limits.ts";
import { createLineSplitter } from "./lines.ts";
import { createRing } from "./ring.ts";
import type { Wire, WireListener } from "./wire.ts";

export interface StdioWireOptions {
  readonly tool: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Values in `environment` that must not appear in what the operator reads. */
  readonly secrets: readonly string[];
  readonly cwd?: string | undefined;
  /** What the child wrote to stderr, when it ended unasked. For the operator, never for agents. */
  readonly onLastWords: (stderr: string) => void;
}

interface Waiting {
  readonly maxBytes: number;
  readonly resolve: (answer: RpcResult | RpcFailure) => void;
  readonly reject: (reason: unknown) => void;
}

/** One child that runs many calls at once: answers are told apart by the ids we gave. One JSON text per line (MCP, transports, stdio). */
export function createStdioWire(options: StdioWireOptions, listener: WireListener): Wire {
  const waiting = new Map<RequestId, Waiting>();
  const stderr = createRing(STDERR_KEEP_CHARS, options.secrets);
  let closing = false;

  function receive(message: RpcMessage | undefined, bytes: number): void {
    if (message === undefined) return;
    if (message.kind === "notification") return listener.notification(message, undefined);
    if (message.kind === "request") return listener.request(message, undefined);
    if (message.id === null) return;
    const call = take(message.id);
    if (call === undefined) return;
    if (bytes > call.maxBytes + ENVELOPE_BYTES) return call.reject(tooLarge(options.tool, call.maxBytes));
    call.resolve(message);
  }

  function take(id: RequestId): Waiting | undefined {
    const call = waiting.get(id);
    waiting.delete(id);
    return call;
  }

  const split = createLineSplitter({
    limit: () => largest(waiting) + ENVELOPE_BYTES,
    line(text) {
      receive(parseMessage(parseJson(text)), text.length);
    },
    oversized(head, tail) {
      const id = idAtEdge(head, tail);
      const call = id === undefined ? undefined : take(id);
      if (call !== undefined) return call.reject(tooLarge(options.tool, call.maxBytes));
      // Whose answer this was cannot be told, so no waiting call may be left to hope for it.
      failAll(new Fault("tool_lost", `the tool \`${options.tool}\` sent a message over the size limit; its answers are lost`));
    },
  });

  function failAll(reason: Fault): void {
    const calls = [...waiting.values()];
    waiting.clear();
    for (const call of calls) call.reject(reason);
  }

  const child = startChild({
    command: options.command,
    environment: options.environment,
    cwd: options.cwd,
    onStdout: split,
    onStderr: (text) => stderr.push(text),
    onExit(why) {
      if (!closing) options.onLastWords(stderr.text());
      const message = `the server of the tool \`${options.tool}\` ended (${why}) before it answered; look at the broker's log for what it wrote`;
      failAll(new Fault("tool_lost", message));
      listener.lost(new Fault("tool_unavailable", `the server of the tool \`${options.tool}\` is not running: ${why}`));
    },
  });

  return {
    kind: "stdio",
    async send(out) {
      out.signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<RpcResult | RpcFailure>();
      if (!child.write(`${JSON.stringify(requestMessage(out.id, out.method, out.params))}\n`)) {
        throw new Fault("tool_unavailable", `the server of the tool \`${options.tool}\` is not running; the call was not sent`);
      }
      waiting.set(out.id, { maxBytes: out.maxBytes, resolve, reject });
      const onAbort = (): void => {
        if (!waiting.delete(out.id)) return;
        child.write(`${JSON.stringify(notificationMessage("notifications/cancelled", { requestId: out.id }))}\n`);
        reject(out.signal.reason);
      };
      out.signal.addEventListener("abort", onAbort, { once: true });
      try {
        return await promise;
      } finally {
        out.signal.removeEventListener("abort", onAbort);
      }
    },
    async post(message) {
      child.write(`${JSON.stringify(message)}\n`);
    },
    async close() {
      closing = true;
      await child.stop();
    },
  };
}

function tooLarge(tool: string, maxBytes: number): Fault {
  return new Fault(
    "result_too_large",
    `the tool \`${tool}\` answered with more than ${maxBytes} bytes; ask for less, for instance by a filter or a page`,
  );
}

function largest(waiting: ReadonlyMap<RequestId, Waiting>): number {
  let most = MAX_IDLE_LINE_BYTES;
  for (const call of waiting.values()) most = Math.max(most, call.maxBytes);
  return most;
}

/** The id stands first or last at the top level, so text inside the result cannot imitate it. */
function idAtEdge(head: string, tail: string): RequestId | undefined {
  const first = /^\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(\d+)\s*,/.exec(head)?.[1];
  const last = /[}\]]\s*,\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d+)\s*(,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/.exec(tail)?.[1];
  const digits = first ?? last;
  return digits === undefined ? undefined : Number(digits);
}
