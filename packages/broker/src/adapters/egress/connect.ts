import { connect as dial, isIP, type Socket } from "node:net";
import type { CatalogTool } from "@bailiwick/policy";
import { z } from "zod";
import { Refusal } from "../../call/refusal.ts";
import { Fault } from "../../domain/fault.ts";
import type { ConnectionKey, ToolConnection } from "../../domain/tool.ts";
import { builtInTool } from "../built-in-tool.ts";
import { AddressRefused, checkedAddress, type Resolve } from "../outbound/checked-lookup.ts";
import { isPrivateNetwork, isSpecialUse } from "../outbound/special-use.ts";
import { canonicalHost } from "./destination.ts";
import { DialedLine } from "./dialed-line.ts";
import { DIAL_TIMEOUT_MS } from "./limits.ts";

export interface EgressToolOptions {
  /** Default: the system's resolver. */
  readonly resolve?: Resolve | undefined;
}

const lineArgs = z.strictObject({ host: z.string(), port: z.int().min(1).max(65_535) });

/**
 * Lines to hosts as a tool with one action, for agents that bring their own client. It is not listed: only the egress proxy takes lines.
 * The name is resolved here, once, and the address that was checked is the one that is dialled; private and special addresses are refused,
 * but for hosts that the policy names as `private`. The action's `timeout` is the longest a line may last.
 */
export function connectEgressTool(
  key: ConnectionKey,
  tool: CatalogTool,
  connect: { readonly private?: readonly string[] },
  options: EgressToolOptions = {},
): ToolConnection {
  const inside = new Set((connect.private ?? []).map((host) => canonicalHost(host) ?? host));
  const names = new Set(tool.actions.map(({ operation }) => operation.name));
  const closing = new AbortController();
  return builtInTool({
    key,
    tools: [],
    instructions: "opens lines for the egress proxy",
    invoke: async (operation, args, { timeoutMs, io }) => {
      if (!names.has(operation.name) || io.line === undefined)
        throw new Refusal(
          "tool_unknown",
          `\`${operation.name}\` opens lines for the egress proxy only; set it as \`HTTPS_PROXY\` instead of calling a tool`,
        );
      const to = lineArgs.safeParse(args);
      if (!to.success || canonicalHost(to.data.host) !== to.data.host)
        throw new Refusal("argument_invalid", "`host` is no host name or address, or `port` no port from 1 to 65535");
      const signal = AbortSignal.any([io.signal, closing.signal]);
      const socket = await open(key.tool, to.data, { private: inside.has(to.data.host), signal, resolve: options.resolve });
      try {
        const used = await io.line(new DialedLine(to.data, socket, signal, timeoutMs));
        return { content: [], structuredContent: {}, _meta: { line: { ...used } } };
      } finally {
        socket.destroy();
      }
    },
    close: () => {
      closing.abort();
      return Promise.resolve();
    },
  });
}

interface Dialling {
  readonly private: boolean;
  readonly signal: AbortSignal;
  readonly resolve: Resolve | undefined;
}

/** @throws Fault `tool_unavailable`: nothing was sent. */
async function open(tool: string, to: { readonly host: string; readonly port: number }, how: Dialling): Promise<Socket> {
  const timeout = AbortSignal.timeout(DIAL_TIMEOUT_MS);
  const signal = AbortSignal.any([how.signal, timeout]);
  try {
    return await connected(await addressOf(to.host, { ...how, signal }), to.port, signal);
  } catch (error) {
    throw notOpened(tool, to.host, error, how.signal.aborted ? "given-up" : timeout.aborted ? "slow" : "failed");
  }
}

async function addressOf(host: string, how: Dialling): Promise<string> {
  if (isIP(host) === 0) return (await settledOrAborted(checkedAddress(host, { ...how, chosenBy: "agents" }), how.signal)).address;
  if (isSpecialUse(host) && !(how.private && isPrivateNetwork(host)))
    throw new AddressRefused(`\`${host}\` is a private or special address`);
  return host;
}

/** The system's resolver knows no signal: it goes on alone, and nobody waits for it. */
function settledOrAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(new Error("given up"));
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener("abort", abort));
}

function connected(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = dial({ host, port, allowHalfOpen: true, noDelay: true });
  const abort = (): void => void socket.destroy(new Error("given up"));
  socket.once("connect", () => resolve(socket));
  // Stays for the life of the line: an error with nobody to hear it would end the broker.
  socket.on("error", reject);
  socket.once("close", () => reject(new Error("closed")));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  return promise.finally(() => signal.removeEventListener("abort", abort));
}

function notOpened(tool: string, host: string, cause: unknown, how: "given-up" | "slow" | "failed"): Fault {
  const say = (text: string): Fault => new Fault("tool_unavailable", `${text}; nothing was sent`, { cause });
  if (cause instanceof AddressRefused)
    return say(
      `\`${host}\` is or leads to a private or special address, which no line goes to; the policy's author can name it under \`private\` of \`${tool}\``,
    );
  if (how === "given-up") return say(`the line to \`${host}\` was given up before it was open`);
  if (how === "slow") return say(`\`${host}\` did not answer within ${DIAL_TIMEOUT_MS / 1000} s`);
  return say(`\`${host}\` cannot be reached (${codeOf(cause)})`);
}

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : "no reason given";
}
