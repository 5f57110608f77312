import type { JsonObject } from "@bailiwick/policy";
import type { AgentRequest, CallIo } from "../../domain/tool.ts";
import {
  errorMessage,
  numberAt,
  resultMessage,
  RPC,
  stringAt,
  type RequestId,
  type RpcNotification,
  type RpcRequest,
} from "../mcp-protocol/index.ts";
import { ASK_MAX_MS } from "./limits.ts";
import type { Deadline } from "./deadline.ts";
import { orAbort } from "./pause.ts";

/** A request of ours in flight, and whom to tell what happens on the way. `io` is absent for requests of the broker itself. */
export interface Exchange {
  readonly io: CallIo | undefined;
  readonly deadline: Deadline;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * One request and one answer; several of them make a call when the server asks back.
 * `deadline` replaces the call's own, for what must still be said after that has passed.
 */
export type Exchanged = (method: string, params: JsonObject, deadline?: Deadline) => Promise<JsonObject>;

/** What a server may say outside of any call. */
export interface ServerEvents {
  readonly listChanged: () => void;
  readonly resourceUpdated: (params: JsonObject) => void;
}

export interface Exchanges {
  readonly size: number;
  open(exchange: Exchange): number;
  close(id: RequestId): void;
  notification(message: RpcNotification, origin: RequestId | undefined): void;
  request(message: RpcRequest, origin: RequestId | undefined): void;
}

/** Routes what a server says while calls run. `post` carries an answer to the server. */
export function createExchanges(events: ServerEvents, post: (message: JsonObject, headers: Exchange["headers"]) => void): Exchanges {
  const running = new Map<RequestId, Exchange>();
  let lastId = 0;

  /**
   * The call a message belongs to. Over pipes, and on the stream of the legacy era, a message names no call;
   * with several calls in flight guessing could put one user's question before another, so there is no guess.
   */
  function ownerOf(origin: RequestId | undefined): Exchange | undefined {
    if (origin !== undefined) return running.get(origin);
    const calls = [...running.values()].filter((exchange) => exchange.io !== undefined);
    return calls.length === 1 ? calls[0] : undefined;
  }

  return {
    get size() {
      return running.size;
    },
    open(exchange) {
      lastId += 1;
      running.set(lastId, exchange);
      return lastId;
    },
    close(id) {
      running.delete(id);
    },
    notification({ method, params }, origin) {
      switch (method) {
        case "notifications/progress":
          return progress(running, params);
        case "notifications/message":
          return ownerOf(origin)?.io?.log(params);
        case "notifications/tools/list_changed":
        case "notifications/resources/list_changed":
        case "notifications/prompts/list_changed":
          return events.listChanged();
        case "notifications/resources/updated":
          return events.resourceUpdated(params);
        default:
          return undefined;
      }
    },
    request(message, origin) {
      const owner = ownerOf(origin);
      const headers = owner?.headers ?? {};
      if (message.method === "ping") return post(resultMessage(message.id, {}), headers);
      const method = askMethod(message.method);
      if (method === undefined) return post(errorMessage(message.id, RPC.methodNotFound, `unknown method \`${message.method}\``), headers);
      if (owner?.io === undefined) return post(errorMessage(message.id, RPC.internal, AMBIGUOUS), headers);
      askAgent(owner.io, owner.deadline, { method, params: message.params }).then(
        (answer) => post(resultMessage(message.id, answer), headers),
        () => post(errorMessage(message.id, RPC.methodNotFound, `the agent of this call cannot answer \`${method}\``), headers),
      );
    },
  };
}

/** Asks while the call's clock stands still. @throws Fault `agent_cannot_answer`, or the deadline's reason. */
export async function askAgent(io: CallIo, deadline: Deadline, request: AgentRequest): Promise<JsonObject> {
  deadline.hold();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error("the agent took too long to answer")), ASK_MAX_MS);
  try {
    return await orAbort(orAbort(io.ask(request), deadline.signal), late.signal);
  } finally {
    clearTimeout(timer);
    deadline.release();
  }
}

/** Our request ids double as progress tokens, so an update finds its call without a second table. */
function progress(running: ReadonlyMap<RequestId, Exchange>, params: JsonObject): void {
  const token = params["progressToken"];
  const value = numberAt(params, "progress");
  if (value === undefined || (typeof token !== "number" && typeof token !== "string")) return;
  running.get(token)?.io?.progress({ progress: value, total: numberAt(params, "total"), message: stringAt(params, "message") });
}

export function askMethod(method: string | undefined): AgentRequest["method"] | undefined {
  return ASK_METHODS.find((known) => known === method);
}

const ASK_METHODS: readonly AgentRequest["method"][] = ["elicitation/create", "sampling/createMessage", "roots/list"];

const AMBIGUOUS = "the gateway cannot tell which running call this question belongs to; ask again while one call runs";
