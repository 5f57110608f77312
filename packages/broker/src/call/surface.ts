import type { JsonObject } from "@bailiwick/policy";
import type { Session } from "../domain/session.ts";
import type { Presented } from "./presented.ts";
import type { CallAnswer, IncomingCall } from "./types.ts";

/** What one session can see: MCP-shaped entries, filtered, renamed on clashes, in a deterministic order. */
export interface VisibleListing {
  readonly tools: readonly JsonObject[];
  readonly resources: readonly JsonObject[];
  readonly resourceTemplates: readonly JsonObject[];
  readonly prompts: readonly JsonObject[];
  /** Union of what the visible upstreams offer (`completions`, `logging`, `resources.subscribe`). */
  readonly capabilities: JsonObject;
}

/** Everything the agent-facing adapters may use of the broker. Each member checks token and session itself; the request's proof is spent once. */
export interface AgentSurface {
  /** @throws Refusal `unauthenticated` | `token_expired` | `proof_invalid` | `proof_replayed` | `session_revoked` | `agent_stopped`. */
  session(presented: Presented): Promise<Session>;
  /** Never throws: every failure is an answer. */
  handle(call: IncomingCall): Promise<CallAnswer>;
  /** Continues a held call by its ticket (`approval_wait`): waits as `patience` says, then runs it exactly once with the approved arguments. */
  resume(ticket: string, call: Omit<IncomingCall, "kind" | "name" | "args">): Promise<CallAnswer>;

  list(presented: Presented): Promise<VisibleListing>;
  /** MCP `completion/complete` for a visible prompt or resource template. @throws Refusal. */
  complete(presented: Presented, params: JsonObject, signal: AbortSignal): Promise<JsonObject>;
  /** MCP `resources/subscribe` for a resource this session may read. @throws Refusal. */
  subscribe(presented: Presented, uri: string, onUpdate: (params: JsonObject) => void): Promise<() => Promise<void>>;
  setLogLevel(presented: Presented, level: string): Promise<void>;
  /** Called when the lists of any visible upstream, or the policy, changed. */
  onListChange(listener: () => void): () => void;
}
