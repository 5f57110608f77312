import { fileURLToPath } from "node:url";
import { freePort, startNode, startNodeOnPort, stopChild } from "./child.ts";
import { descendants, processName } from "./cpu.ts";

/** One way to reach the echo tool, started and ready. */
export interface Contender {
  readonly name: string;
  /** How it reaches the echo server; contenders are compared within the same kind. */
  readonly upstream: "none" | "http" | "stdio";
  readonly url: string;
  readonly tool: string;
  /** Sent with each request; a function, because a token may be renewed. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** The process whose CPU is this contender's cost; undefined for the direct one. */
  readonly pid: number | undefined;
  /** Processes of its store, and tool servers it started; their CPU is shown apart. */
  readonly storePids: () => readonly number[];
  readonly toolPids: () => readonly number[];
  stop(): Promise<void>;
}

/** The echo servers all contenders of a run share (HTTP), or start themselves (stdio). */
export interface EchoServers {
  readonly httpUrl: string;
  readonly stdioCommand: readonly string[];
  stop(): Promise<void>;
}

const here = (name: string): string => fileURLToPath(new URL(`./${name}`, import.meta.url));
const installed = (path: string): string => fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url));
const none = (): Readonly<Record<string, string>> => ({});

export async function startEchoServers(): Promise<EchoServers> {
  const { child, match } = await startNode([here("echo-http.ts")], { ready: /(http:\S+)/ });
  return { httpUrl: match, stdioCommand: [process.execPath, here("echo-stdio.ts")], stop: () => stopChild(child) };
}

export function direct(echo: EchoServers): Promise<Contender> {
  return Promise.resolve({
    name: "direct",
    upstream: "none",
    url: echo.httpUrl,
    tool: "echo",
    headers: none,
    pid: undefined,
    storePids: () => [],
    toolPids: () => [],
    stop: () => Promise.resolve(),
  });
}

export async function passThrough(echo: EchoServers): Promise<Contender> {
  const { child, match } = await startNode([here("pass-through.ts"), echo.httpUrl], { ready: /(http:\S+)/ });
  return {
    name: "bare pass-through",
    upstream: "http",
    url: match,
    tool: "echo",
    headers: none,
    ...measured(child.pid),
    stop: () => stopChild(child),
  };
}

/** As its README starts it: `mcp-proxy --port <n> -- <command>`; on the loopback address only, because this may be anyone's machine. */
export async function mcpProxy(echo: EchoServers): Promise<Contender> {
  const port = await freePort();
  const child = await startNodeOnPort(
    [installed("mcp-proxy/dist/bin/mcp-proxy.mjs"), "--host", "127.0.0.1", "--port", String(port), "--", ...echo.stdioCommand],
    port,
  );
  const url = `http://127.0.0.1:${port}/mcp`;
  return { name: "mcp-proxy", upstream: "stdio", url, tool: "echo", headers: none, ...measured(child.pid), stop: () => stopChild(child) };
}

/** As its README starts it for Streamable HTTP; `--stateful`, because its stateless mode starts a process for each request. Its log
 * is at its default level, as its users have it, and goes to a pipe that is read. */
export async function supergateway(echo: EchoServers): Promise<Contender> {
  const port = await freePort();
  const command = echo.stdioCommand.map((word) => `"${word}"`).join(" ");
  const child = await startNodeOnPort(
    [
      installed("supergateway/dist/index.js"),
      "--stdio",
      command,
      "--outputTransport",
      "streamableHttp",
      "--stateful",
      "--port",
      String(port),
    ],
    port,
  );
  const url = `http://127.0.0.1:${port}/mcp`;
  return {
    name: "supergateway",
    upstream: "stdio",
    url,
    tool: "echo",
    headers: none,
    ...measured(child.pid),
    stop: () => stopChild(child),
  };
}

/** The process to measure; below it, PostgreSQL's processes are its store and all others tool servers. */
export function measured(pid: number | undefined): Pick<Contender, "pid" | "storePids" | "toolPids"> {
  const below = (isStore: boolean): readonly number[] =>
    pid === undefined ? [] : descendants(pid).filter((one) => one !== pid && (processName(one) === "postgres") === isStore);
  return { pid, storePids: () => below(true), toolPids: () => below(false) };
}
