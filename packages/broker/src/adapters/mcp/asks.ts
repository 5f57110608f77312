import type { JsonObject } from "@bailiwick/policy";
import type { AgentRequest } from "../../domain/tool.ts";
import { Fault } from "../../domain/fault.ts";
import { RPC, isObject } from "../mcp-protocol/index.ts";
import { RpcFault } from "./rpc-fault.ts";

/** The questions a running call has put to its agent and that still lack an answer. */
export interface Asks {
  readonly size: number;
  /** `now` answers that came before the question resolve it at once. */
  add(request: AgentRequest): Promise<JsonObject>;
  /** In the shape of `inputRequests`. */
  requests(): JsonObject;
  /** Answers what it can; unknown keys are left alone. Returns how many questions it answered. */
  answer(responses: ReadonlyMap<string, JsonObject>): number;
  reject(why: string): void;
}

interface Ask {
  readonly request: AgentRequest;
  readonly resolve: (answer: JsonObject) => void;
  readonly reject: (fault: Fault) => void;
}

/** `early` holds answers that the agent sent along with its first request; each is used at most once. */
export function createAsks(early: ReadonlyMap<string, JsonObject>, onAdd: () => void): Asks {
  const asks = new Map<string, Ask>();
  const unused = new Map(early);
  let minted = 0;

  function freshKey(request: AgentRequest): string {
    if (request.key !== undefined && !asks.has(request.key)) return request.key;
    minted += 1;
    return `${request.method.slice(0, request.method.indexOf("/"))}_${minted}`;
  }

  return {
    get size() {
      return asks.size;
    },
    add(request) {
      const key = freshKey(request);
      const known = unused.get(key);
      if (known !== undefined) {
        unused.delete(key);
        return Promise.resolve(known);
      }
      return new Promise((resolve, reject) => {
        asks.set(key, { request, resolve, reject });
        onAdd();
      });
    },
    requests() {
      return Object.fromEntries([...asks].map(([key, ask]) => [key, { method: ask.request.method, params: ask.request.params }]));
    },
    answer(responses) {
      let answered = 0;
      for (const [key, response] of responses) {
        const ask = asks.get(key);
        if (ask === undefined) continue;
        asks.delete(key);
        answered += 1;
        ask.resolve(response);
      }
      return answered;
    },
    reject(why) {
      const open = [...asks.values()];
      asks.clear();
      for (const ask of open) ask.reject(new Fault("agent_cannot_answer", why));
    },
  };
}

/** `inputResponses` of a request. @throws RpcFault when it is present and not an object of objects. */
export function inputResponses(params: JsonObject): ReadonlyMap<string, JsonObject> {
  const value = params["inputResponses"];
  if (value === undefined) return new Map();
  if (!isObject(value)) throw new RpcFault(RPC.invalidParams, "`inputResponses` is no object; send one answer per key of `inputRequests`");
  const responses = new Map<string, JsonObject>();
  for (const [key, response] of Object.entries(value)) {
    if (!isObject(response))
      throw new RpcFault(
        RPC.invalidParams,
        `the answer \`${key.slice(0, 100)}\` in \`inputResponses\` is no object; send the result of the asked method`,
      );
    responses.set(key, response);
  }
  return responses;
}

/** Throws what a tool gets when its question cannot reach the agent. @throws Fault `agent_cannot_answer`. */
export function requireCapability(capabilities: JsonObject, request: AgentRequest): void {
  const missing = missingCapability(capabilities, request);
  if (missing === undefined) return;
  throw new Fault("agent_cannot_answer", `the agent's client declared no \`${missing}\` capability; connect a client that has it`);
}

function missingCapability(capabilities: JsonObject, request: AgentRequest): string | undefined {
  switch (request.method) {
    case "elicitation/create": {
      const elicitation = capabilities["elicitation"];
      if (!isObject(elicitation)) return "elicitation";
      const isUrl = request.params["mode"] === "url";
      if (isUrl) return isObject(elicitation["url"]) ? undefined : "elicitation.url";
      // An empty object means form mode (2025-06-18); with `url` alone the client shows no forms.
      return isObject(elicitation["form"]) || !isObject(elicitation["url"]) ? undefined : "elicitation.form";
    }
    case "sampling/createMessage":
      return isObject(capabilities["sampling"]) ? undefined : "sampling";
    case "roots/list":
      return isObject(capabilities["roots"]) ? undefined : "roots";
  }
}
