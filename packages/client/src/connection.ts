import { setTimeout as sleep } from "node:timers/promises";
import { Agent } from "undici";
import type { JsonObject } from "./json.ts";
import { isObject } from "./json.ts";
import type { CallOutcome } from "./outcome.ts";
import { outcomeOf } from "./outcome.ts";
import { paramHeaders } from "./param-headers.ts";
import type { SessionRequest, SessionToken } from "./session-token.ts";
import { getSessionToken } from "./session-token.ts";
import type { WireAnswer } from "./wire.ts";
import { LostAnswer, send } from "./wire.ts";

export interface CallOptions {
  /** One sentence for the person who may have to approve the call. */
  readonly reason?: string;
  readonly signal?: AbortSignal;
}

/** One agent's line to the broker, for one user and task. */
export interface AgentConnection {
  /** The tools this session may ever be allowed to use. */
  listTools(): Promise<readonly JsonObject[]>;
  /** Calls a tool. Answers `pending` at once when a person is asked. @throws Error when the broker cannot be reached. */
  call(name: string, args?: JsonObject, options?: CallOptions): Promise<CallOutcome>;
  /** Waits until a person has answered, then returns the call's real outcome, once. @throws the signal's reason when aborted. */
  waitForApproval(ticket: string, options?: { readonly signal?: AbortSignal }): Promise<CallOutcome>;
  readResource(uri: string, options?: CallOptions): Promise<CallOutcome>;
  close(): Promise<void>;
}

/** How long one request waits for a person; shorter than what proxies between cut off. */
const WAIT_LEG_MS = 25_000;
/** A token is renewed this long before it ends, or at half its life when it is shorter-lived. */
const RENEW_BEFORE_MS = 30_000;

/** Opens a connection; the first token is fetched at once, so that a wrong key shows here. @throws Error. */
export async function connect(options: SessionRequest): Promise<AgentConnection> {
  const url = options.url.replace(/\/+$/, "");
  const dispatcher = new Agent();
  const tokens = createTokenSource(options, await getSessionToken(options));
  let nextId = 1;
  let schemas: ReadonlyMap<string, JsonObject> = new Map();

  /** 401 means that nothing ran: one retry with a fresh token is safe. */
  async function request(
    method: string,
    params: JsonObject,
    meta: JsonObject,
    mirrored: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<WireAnswer> {
    const id = nextId;
    nextId += 1;
    const wire = { url, id, method, params, meta, paramHeaders: mirrored, dispatcher, signal };
    const answer = await send({ ...wire, token: await tokens.current() });
    return answer.status === 401 ? send({ ...wire, token: await tokens.renew() }) : answer;
  }

  async function listTools(): Promise<readonly JsonObject[]> {
    const answer = await request("tools/list", {}, {}, {});
    const result = answer.message?.["result"];
    const tools = isObject(result) ? result["tools"] : undefined;
    if (!Array.isArray(tools)) throw new Error(`the broker listed no tools (HTTP ${answer.status}); check the URL and the token's scope`);
    const listed = tools.filter(isObject);
    schemas = new Map(listed.map((tool) => [String(tool["name"]), isObject(tool["inputSchema"]) ? tool["inputSchema"] : {}]));
    return listed;
  }

  async function governed(method: string, params: JsonObject, meta: JsonObject, callOptions: CallOptions): Promise<CallOutcome> {
    const reason = callOptions.reason === undefined ? {} : { "bailiwick/reason": callOptions.reason };
    const args = isObject(params["arguments"]) ? params["arguments"] : {};
    const attempt = (): Promise<WireAnswer> =>
      request(method, params, { ...meta, ...reason }, paramHeaders(schemas.get(String(params["name"])), args), callOptions.signal);
    try {
      let answer = await attempt();
      if (isHeaderMismatch(answer)) {
        // The tool wants arguments mirrored into headers, which only its schema tells; nothing ran yet.
        await listTools();
        answer = await attempt();
      }
      if (answer.message === undefined)
        return { kind: "unknown", message: `the broker answered HTTP ${answer.status} without a result`, callId: undefined };
      return outcomeOf(answer.message);
    } catch (error) {
      if (error instanceof LostAnswer) return { kind: "unknown", message: error.message, callId: undefined };
      throw error;
    }
  }

  return {
    listTools,
    call: (name, args = {}, callOptions = {}) => governed("tools/call", { name, arguments: args }, { "bailiwick/waitMs": 0 }, callOptions),
    async waitForApproval(ticket, waitOptions = {}) {
      for (;;) {
        const startedAt = performance.now();
        const outcome = await governed(
          "tools/call",
          { name: "approval_wait", arguments: { ticket } },
          { "bailiwick/waitMs": WAIT_LEG_MS },
          waitOptions,
        );
        if (outcome.kind !== "pending") return outcome;
        const leftMs = outcome.retryAfterMs - (performance.now() - startedAt);
        if (leftMs > 0) await sleep(leftMs, undefined, waitOptions);
      }
    },
    readResource: (uri, callOptions = {}) => governed("resources/read", { uri }, { "bailiwick/waitMs": 0 }, callOptions),
    close: () => dispatcher.close(),
  };
}

function isHeaderMismatch(answer: WireAnswer): boolean {
  const error = answer.message?.["error"];
  return isObject(error) && error["code"] === -32020;
}

export interface TokenSource {
  current(): Promise<string>;
  /** Fetches a new one now; concurrent callers share it. */
  renew(): Promise<string>;
}

/** Keeps a session token fresh. */
export function createTokenSource(options: SessionRequest, first: SessionToken): TokenSource {
  let token = first.accessToken;
  let renewAt = dueAt(first);
  let renewing: Promise<string> | undefined;

  async function fetchToken(): Promise<string> {
    const next = await getSessionToken(options);
    token = next.accessToken;
    renewAt = dueAt(next);
    return token;
  }
  function renew(): Promise<string> {
    renewing ??= fetchToken().finally(() => {
      renewing = undefined;
    });
    return renewing;
  }
  return { renew, current: () => (performance.now() < renewAt ? Promise.resolve(token) : renew()) };
}

function dueAt(token: SessionToken): number {
  return performance.now() + Math.max(token.expiresInMs - RENEW_BEFORE_MS, token.expiresInMs / 2);
}
