import type { CatalogAction, CatalogTool, JsonObject } from "@bailiwick/policy";
import { buildConnector, Pool } from "undici";
import { Fault } from "../../domain/fault.ts";
import type { ConnectionKey, Equipment, ToolConnection } from "../../domain/tool.ts";
import { ToolError } from "../../domain/tool.ts";
import { builtInTool } from "../built-in-tool.ts";
import { createDeadline } from "../mcp-client/deadline.ts";
import { AddressRefused, checkedLookup, type Resolve } from "../outbound/checked-lookup.ts";
import { type HttpTarget, readAddress } from "./address.ts";
import { buildRequest, type BuiltRequest } from "./build-request.ts";
import { describeRequest } from "./describe.ts";
import { CONNECT_TIMEOUT_MS, MAX_CONNECTIONS } from "./limits.ts";
import { readAnswer } from "./read-answer.ts";

export interface HttpToolOptions {
  /** PEM of certificate authorities trusted instead of the system's; default the system's. */
  readonly ca?: string | undefined;
  /** Default: the system's resolver. */
  readonly resolve?: Resolve | undefined;
}

/**
 * An HTTP API as a tool: each action of the catalog is one request. Only the origin of `connect.url` is ever connected to, and its name may
 * lead to public addresses only, unless the policy folder says otherwise. Redirects are not followed: where they lead nobody has reviewed.
 * @throws Fault `tool_unavailable` when the address is none.
 */
export function connectHttpTool(key: ConnectionKey, tool: CatalogTool, connect: HttpTarget, options: HttpToolOptions = {}): ToolConnection {
  const url = readAddress(key.tool, connect);
  const base = url.pathname.replace(/\/+$/u, "");
  const actions = new Map(
    tool.actions.filter((action) => action.request !== undefined).map((action): [string, CatalogAction] => [action.operation.name, action]),
  );
  const pool = new Pool(url.origin, {
    connections: MAX_CONNECTIONS,
    connect: connector(url, connect, options),
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
  });
  const closing = new AbortController();
  return builtInTool({
    key,
    tools: [...actions.values()].map(describeRequest),
    instructions: "requests to an HTTP API; an answer is the structured content, a list of it lies under `items`",
    invoke: async (operation, args, { timeoutMs, maxBytes, equipment, io }) => {
      const action = operation.kind === "tool" ? actions.get(operation.name) : undefined;
      if (action?.request === undefined)
        throw new ToolError(-32602, `\`${key.tool}\` has no request \`${operation.name}\`; use one of ${[...actions.keys()].join(", ")}`);
      requireCredential(tool, equipment);
      const built = buildRequest(base, action.request, args);
      const deadline = createDeadline({
        timeoutMs,
        outer: AbortSignal.any([io.signal, closing.signal]),
        onTimeout: () =>
          new Fault("tool_timeout", `the API of \`${key.tool}\` did not answer within ${timeoutMs} ms; whether it acted is not known`),
      });
      try {
        return await exchange(pool, action, built, { equipment, maxBytes, signal: deadline.signal });
      } finally {
        deadline.end();
      }
    },
    close: async () => {
      closing.abort();
      await pool.destroy();
    },
  });
}

function requireCredential({ tool, credential }: CatalogTool, equipment: Equipment): void {
  if (credential === undefined || Object.keys(equipment.headers).length > 0) return;
  throw new Fault(
    "credential_unavailable",
    `\`${tool}\` needs a credential in a header and got none; write \`inject: { header: authorization, format: "Bearer {value}" }\` at \`${credential.name}\``,
  );
}

async function exchange(
  pool: Pool,
  action: CatalogAction,
  built: BuiltRequest,
  options: { readonly equipment: Equipment; readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<JsonObject> {
  const { equipment, maxBytes, signal } = options;
  const credentials = lowerCased(equipment.headers);
  try {
    if (signal.aborted)
      throw new Fault("tool_unavailable", "the call was given up before anything was sent; send it again if it is still meant");
    const answer = await pool.request({
      method: built.method,
      path: built.target,
      // The credential comes last: no argument takes its place.
      headers: { ...COMMON, ...(built.body === undefined ? {} : JSON_BODY), ...built.headers, ...credentials },
      body: built.body ?? null,
      signal,
    });
    return await readAnswer(action, answer, { maxBytes, withCredential: Object.keys(credentials).length > 0 });
  } catch (error) {
    throw faultOf(action.operation.tool, error, signal);
  }
}

const COMMON = { accept: "application/json, text/plain;q=0.5, */*;q=0.1", "user-agent": "bailiwick" } as const;
const JSON_BODY = { "content-type": "application/json" } as const;

function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** A line that could not be made: nothing was sent on it. */
class NotConnected extends Error {
  override readonly name = "NotConnected";
}

function connector({ hostname }: URL, target: HttpTarget, { ca, resolve }: HttpToolOptions): buildConnector.connector {
  // `localhost` is this machine by definition (RFC 6761 section 6.3), so the policy's author meant it.
  const loopback = hostname === "localhost";
  const connect = buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    lookup: checkedLookup({ private: target.private === true, loopback, timeoutMs: CONNECT_TIMEOUT_MS, resolve }),
    ...(ca === undefined ? {} : { ca }),
  });
  return (to, done) =>
    connect(to, (error, socket) => (error === null ? done(null, socket) : done(new NotConnected("no connection", { cause: error }), null)));
}

function faultOf(tool: string, error: unknown, signal: AbortSignal): unknown {
  if (error instanceof NotConnected) return notReached(tool, error.cause);
  if (error instanceof Fault || error instanceof ToolError) return error;
  if (signal.aborted) return signal.reason;
  const why = codeOf(error);
  return new Fault(
    "tool_lost",
    `the connection to the API of \`${tool}\` broke (${why}) before its answer arrived; whether it acted is not known`,
    { cause: error },
  );
}

function notReached(tool: string, cause: unknown): Fault {
  if (cause instanceof AddressRefused) {
    const text = `the address of \`${tool}\` leads to a private or special network, so nothing was sent; if that is meant, write \`private: true\` beside its \`url\``;
    return new Fault("tool_unavailable", text, { cause });
  }
  const text = `the API of \`${tool}\` cannot be reached (${codeOf(cause)}); nothing was sent; check that it runs and its address in the policy folder`;
  return new Fault("tool_unavailable", text, { cause });
}

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : "no reason given";
}
