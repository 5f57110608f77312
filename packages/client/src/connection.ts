import { setTimeout as sleep } from "node:timers/promises";
import type { Dispatcher } from "undici";
import { ClientError } from "./client-error.ts";
import { clockAdvice } from "./clock.ts";
import type { Delegation, DelegationWish } from "./delegation.ts";
import { makeDelegation } from "./delegation.ts";
import type { DelegatedSession } from "./delegated-sessions.ts";
import { endDelegated, listDelegated } from "./delegated-sessions.ts";
import { elevationArguments, type ElevationWish } from "./elevation.ts";
import type { JsonObject } from "./json.ts";
import { isObject } from "./json.ts";
import type { CallOutcome, RefusedOutcome } from "./outcome.ts";
import { outcomeOf } from "./outcome.ts";
import { paramHeaders } from "./param-headers.ts";
import { isFinal } from "./refusal.ts";
import type { Restriction } from "./restriction.ts";
import { narrower } from "./restriction.ts";
import type { Headers, OutgoingRequest } from "./sender.ts";
import type { BrokerSession } from "./session.ts";
import type { WireAnswer } from "./wire.ts";
import { LostAnswer, send } from "./wire.ts";

export interface CallOptions {
  /** One sentence for the person who may have to approve the call. */
  readonly reason?: string;
  readonly signal?: AbortSignal;
}

export interface WaitOptions {
  readonly signal?: AbortSignal;
  /** Gives up after this long and answers `pending`; the approval stays open. Default: waits as long as it is open. */
  readonly timeoutMs?: number;
}

/** One agent's line to the broker, for one user and task. */
export interface AgentConnection {
  /** The run its calls belong to in the audit log, a delegate's with its delegator's; undefined where the broker does not say. */
  readonly run: string | undefined;
  /** The tools this session may ever be allowed to use. */
  listTools(): Promise<readonly JsonObject[]>;
  /** Calls a tool. Answers `pending` at once when a person is asked. @throws ClientError when the broker cannot be reached or gives no session. */
  call(name: string, args?: JsonObject, options?: CallOptions): Promise<CallOutcome>;
  /**
   * Asks people for a right that the agent does not have, for this task and a time. Answers `pending` at once; go on with `waitForApproval(ticket)`, and
   * read what was given with `grantedElevation`. @throws ClientError as `call`.
   */
  requestElevation(wish: ElevationWish, options?: Pick<CallOptions, "signal">): Promise<CallOutcome>;
  /** Waits until a person has answered, then returns the call's real outcome, once. @throws the signal's reason when aborted. */
  waitForApproval(ticket: string, options?: WaitOptions): Promise<CallOutcome>;
  readResource(uri: string, options?: CallOptions): Promise<CallOutcome>;
  /**
   * The same session with less: each of its requests says so in its signed proof, so that code it is handed to cannot do more.
   * Needs the proof `dpop`. Ends and closes with this connection. @throws ClientError `wish_impossible`.
   */
  narrow(restriction: Restriction): AgentConnection;
  /**
   * What another agent needs to open a session of its own out of this one (RFC 8693): within a minute, once. To pass on less than all needs
   * the proof `dpop`; a session bound by `mtls` cannot be passed on.
   * @throws ClientError `wish_impossible`.
   */
  delegate(wish: DelegationWish): Promise<Delegation>;
  /** Living sessions that were passed on from this one, at any depth. @throws ClientError. */
  listDelegated(): Promise<readonly DelegatedSession[]>;
  /** Ends one of them and all below it. Returns the ids of what ended. @throws ClientError `session_refused` when it is none of them. */
  endDelegated(session: string): Promise<readonly string[]>;
  /** Revokes the session, and with it all that was delegated from it, then closes. @throws ClientError `end_unconfirmed`. */
  end(): Promise<void>;
  /** Closes the connection; the session ends by itself within minutes. */
  close(): Promise<void>;
}

/** How long one request waits for a person; shorter than what proxies between cut off. */
const WAIT_LEG_MS = 25_000;
export interface ConnectionParts {
  readonly session: BrokerSession;
  readonly dispatcher: Dispatcher;
}

/** A connection over an open session. */
export function createConnection(parts: ConnectionParts): AgentConnection {
  let lastId = 0;
  let closing: Promise<void> | undefined;
  return connectionWith({ ...parts, nextId: () => (lastId += 1), close: () => (closing ??= parts.dispatcher.close()) }, undefined);
}

/** What a connection and those narrowed from it share. */
interface Shared extends ConnectionParts {
  nextId(): number;
  close(): Promise<void>;
}

function connectionWith(shared: Shared, restrict: Restriction | undefined): AgentConnection {
  const { session, dispatcher, close } = shared;
  let schemas: ReadonlyMap<string, JsonObject> = new Map();

  /** 401 means that nothing ran: one more try with a fresh token and proof is safe. */
  async function request(
    method: string,
    params: JsonObject,
    meta: JsonObject,
    mirrored: Headers,
    signal?: AbortSignal,
  ): Promise<WireAnswer> {
    let used = "";
    const authorize = async (outgoing: OutgoingRequest): Promise<Headers> => {
      const { headers, token } = await session.authorize(outgoing, restrict);
      used = token;
      return headers;
    };
    const wire = { url: session.url, id: shared.nextId(), method, params, meta, paramHeaders: mirrored, dispatcher, signal, authorize };
    const answer = await send(wire);
    if (answer.status !== 401 || isFinal(answer.message)) return answer;
    await session.renew(used);
    return send(wire);
  }

  async function listTools(): Promise<readonly JsonObject[]> {
    const answer = await request("tools/list", {}, {}, {});
    const result = answer.message?.["result"];
    const tools = isObject(result) ? result["tools"] : undefined;
    if (!Array.isArray(tools)) throw noList(answer);
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
      const outcome = outcomeOf(answer.message);
      return outcome.kind === "refused" ? explained(outcome, answer) : outcome;
    } catch (error) {
      if (error instanceof LostAnswer) return { kind: "unknown", message: error.message, callId: undefined };
      throw error;
    }
  }

  async function waitForApproval(ticket: string, { signal, timeoutMs = Number.POSITIVE_INFINITY }: WaitOptions = {}): Promise<CallOutcome> {
    const giveUpAt = performance.now() + timeoutMs;
    const stop = signal === undefined ? {} : { signal };
    for (;;) {
      const startedAt = performance.now();
      const waitMs = Math.max(0, Math.min(WAIT_LEG_MS, Math.floor(giveUpAt - startedAt)));
      const outcome = await governed("tools/call", { name: "approval_wait", arguments: { ticket } }, { "bailiwick/waitMs": waitMs }, stop);
      if (outcome.kind !== "pending" || performance.now() >= giveUpAt) return outcome;
      const leftMs = Math.min(outcome.retryAfterMs - (performance.now() - startedAt), giveUpAt - performance.now());
      if (leftMs > 0) await sleep(leftMs, undefined, stop);
    }
  }

  return {
    get run() {
      return session.run;
    },
    listTools,
    call: (name, args = {}, callOptions = {}) => governed("tools/call", { name, arguments: args }, { "bailiwick/waitMs": 0 }, callOptions),
    requestElevation: (wish, callOptions = {}) =>
      governed("tools/call", { name: "request_elevation", arguments: elevationArguments(wish) }, { "bailiwick/waitMs": 0 }, callOptions),
    waitForApproval,
    readResource: (uri, callOptions = {}) => governed("resources/read", { uri }, { "bailiwick/waitMs": 0 }, callOptions),
    narrow(restriction) {
      if (session.sender.kind !== "dpop") throw cannotNarrow(session);
      return connectionWith(shared, narrower(restrict ?? {}, restriction));
    },
    async delegate(wish) {
      return makeDelegation({ url: session.url, token: await session.token(), sender: session.sender, restrict }, wish);
    },
    listDelegated: () => listDelegated(session, dispatcher),
    endDelegated: (id) => endDelegated(session, dispatcher, id),
    async end() {
      try {
        await session.end();
      } finally {
        await close();
      }
    },
    close,
  };
}

function cannotNarrow({ sender }: BrokerSession): ClientError {
  return new ClientError(
    "wish_impossible",
    `only a DPoP proof can narrow its request, and this connection proves itself by \`${sender.kind}\``,
    'connect with `proof: "dpop"`, or open a session of its own with less',
  );
}

/** A wrong clock makes proofs stale before they arrive; the broker cannot know that, its answer's date tells. */
function explained(outcome: RefusedOutcome, { status, date }: WireAnswer): RefusedOutcome {
  const advice = status === 401 ? clockAdvice(date) : undefined;
  return advice === undefined ? outcome : { ...outcome, message: `${outcome.message}; ${advice}` };
}

function noList(answer: WireAnswer): ClientError {
  const error = answer.message?.["error"];
  const said = isObject(error) && typeof error["message"] === "string" ? error["message"] : `HTTP ${answer.status}`;
  return new ClientError(
    "answer_unreadable",
    `the broker listed no tools: ${said}`,
    clockAdvice(answer.date) ?? "check the URL and the session's scope",
  );
}

function isHeaderMismatch(answer: WireAnswer): boolean {
  const error = answer.message?.["error"];
  return isObject(error) && error["code"] === -32020;
}
