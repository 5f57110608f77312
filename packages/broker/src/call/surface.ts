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
  /** What the session's agent may ask for, for a time. Absent: nothing. */
  readonly eligible?: readonly EligibleRole[] | undefined;
}

/** A role that an agent may ask for, in the words of the policy's author. */
export interface EligibleRole {
  readonly role: string;
  readonly reason: string;
  readonly scopes: readonly string[];
  readonly mostMinutes: number;
}

/** Everything the agent-facing adapters may use of the broker. Each member checks token and session itself; the request's proof is spent once. */
export interface AgentSurface {
  /** @throws Refusal `unauthenticated` | `token_expired` | `proof_invalid` | `proof_replayed` | `session_revoked` | `agent_stopped`. */
  session(presented: Presented): Promise<Session>;
  /** Never throws: every failure is an answer. */
  handle(call: IncomingCall): Promise<CallAnswer>;
  /**
   * Continues a held call by its ticket (`approval_wait`): waits as `patience` says, then runs it exactly once with the approved arguments. With the
   * ticket of an elevation it waits for that one.
   */
  resume(ticket: string, call: Omit<IncomingCall, "kind" | "name" | "args">): Promise<CallAnswer>;

  /** Asks for a right for a time (`{role?, scope?, reason, minutes?}`) and waits for people as `patience` says. Never throws. */
  requestElevation(args: unknown, call: Omit<IncomingCall, "kind" | "name" | "args">): Promise<CallAnswer>;

  list(presented: Presented): Promise<VisibleListing>;
  /** MCP `completion/complete` for a visible prompt or resource template. @throws Refusal. */
  complete(presented: Presented, params: JsonObject, signal: AbortSignal): Promise<JsonObject>;
  /** MCP `resources/subscribe` for a resource this session may read. @throws Refusal. */
  subscribe(presented: Presented, uri: string, onUpdate: (params: JsonObject) => void): Promise<() => Promise<void>>;
  setLogLevel(presented: Presented, level: string): Promise<void>;
  /** Called when the lists of any visible upstream, or the policy, changed. */
  onListChange(listener: () => void): () => void;
}
