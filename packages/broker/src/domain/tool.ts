import type { Json, JsonObject, Operation, RecordView } from "@bailiwick/policy";
import type { TraceContext } from "./trace-context.ts";

/** What an upstream says of itself. Shapes of the entries follow MCP; unknown fields are kept. */
export interface ToolListing {
  readonly tools: readonly JsonObject[];
  readonly resources: readonly JsonObject[];
  readonly resourceTemplates: readonly JsonObject[];
  readonly prompts: readonly JsonObject[];
  readonly capabilities: JsonObject;
  readonly instructions?: string | undefined;
}

/** What is put on the wire for this one call and nowhere else. */
export interface Equipment {
  readonly headers: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly login?: { readonly user: string; readonly password: string } | undefined;
  /** Hosts this may be sent to; a connection to any other host must throw `credential_unavailable`. Absent: it carries no secret. */
  readonly hosts?: readonly string[] | undefined;
}

/** A request a tool makes of the agent while a call runs (MCP elicitation, sampling, roots). `method` is the MCP method. */
export interface AgentRequest {
  readonly method: "elicitation/create" | "sampling/createMessage" | "roots/list";
  readonly params: JsonObject;
  /** The key under which the tool asked (modern `inputRequests`); kept towards a modern agent, which may have answered it beforehand. */
  readonly key?: string | undefined;
}

/**
 * The live line between a running call and the agent that made it. Adapters on the agent's side provide it; tools use it.
 * Every member is safe to call after the agent has gone.
 */
export interface CallIo {
  readonly signal: AbortSignal;
  /** Client capabilities the agent declared, in MCP's shape; `{}` when none. */
  readonly capabilities: JsonObject;
  progress(update: { readonly progress: number; readonly total?: number | undefined; readonly message?: string | undefined }): void;
  log(message: JsonObject): void;
  /** @throws Fault `agent_cannot_answer` when the agent declared no such capability or is gone. */
  ask(request: AgentRequest): Promise<JsonObject>;
  /** The tool turned the call into a long-running task; the adapter may answer the agent now. The call itself goes on. */
  task?(status: {
    readonly status: string;
    readonly statusMessage?: string | undefined;
    readonly pollIntervalMs?: number | undefined;
    readonly ttlMs?: number | undefined;
  }): void;
  /**
   * Takes over a line that the tool has opened, and resolves when it has ended. Only the egress proxy brings it: a call without it opens none.
   * The line ends with `signal`.
   */
  line?(line: OpenLine): Promise<LineUsage>;
}

/** A line to a host, open. What else it is only the adapters know that hand it over and take it. */
export interface OpenLine {
  readonly host: string;
  readonly port: number;
}

/** What went over a line, in bytes, and why it ended: `closed` by a side, `idle`, too long (`time`) or too much (`bytes`), `cut` by the broker, `broken`. */
export interface LineUsage {
  readonly up: number;
  readonly down: number;
  readonly ended: "closed" | "idle" | "time" | "bytes" | "cut" | "broken";
}

/** Identifies one live connection: connections are never shared across tenants, environments or workflows. */
export interface ConnectionKey {
  readonly tool: string;
  readonly tenant: string;
  readonly environment: string;
  readonly workflow: string;
}

/** Whom a call is made for, as a database's own row-level security may ask. */
export interface ToolCaller {
  readonly tenant: string;
  readonly environment: string;
  readonly agent: string;
  readonly user: string;
  readonly session: string;
}

/** One upstream, connected. Restarts and reconnects by itself with back-off. */
export interface ToolConnection {
  readonly key: ConnectionKey;
  /** Cached; asked again after the upstream says that its list changed. @throws Fault `tool_unavailable` | `tool_timeout`. */
  listing(): Promise<ToolListing>;
  /**
   * Runs one operation once; never retries after bytes were sent. The result is MCP's (`CallToolResult`, `ReadResourceResult`, `GetPromptResult`), unknown fields kept.
   * A JSON-RPC error of the upstream is thrown as ToolError (the call reached the tool and the tool said no).
   * @throws Fault `tool_unavailable` (nothing was sent), `tool_lost` (sent, no answer: outcome unknown), `tool_timeout` (sent, outcome unknown), `result_too_large`, `cancelled`.
   */
  invoke(
    operation: Operation,
    args: JsonObject,
    options: {
      readonly timeoutMs: number;
      readonly maxBytes: number;
      readonly equipment: Equipment;
      readonly io: CallIo;
      /** What the call may see of the records of declared tables, by table; for an upstream that applies it itself. */
      readonly views?: ReadonlyMap<string, RecordView> | undefined;
      /** Secret that keeps `hash` masks from being guessed; beside `views`. */
      readonly maskSalt?: string | undefined;
      /** Why the record, as it is now, must not be changed; for an upstream that can ask it in the moment of the change. */
      readonly changed?: ((record: JsonObject) => string | undefined) | undefined;
      /** For an upstream that has rules of its own. */
      readonly caller?: ToolCaller | undefined;
      /** Told to an upstream that speaks MCP; other adapters leave it. */
      readonly trace?: TraceContext | undefined;
    },
  ): Promise<JsonObject>;
  /** MCP `completion/complete`; params as received, names already those of the upstream. */
  complete(params: JsonObject, options: { readonly equipment: Equipment; readonly signal: AbortSignal }): Promise<JsonObject>;
  setLogLevel(level: string): Promise<void>;
  /** Resource updates; returns the unsubscribe function. */
  subscribe(uri: string, onUpdate: (params: JsonObject) => void): Promise<() => Promise<void>>;
  /** Called when the upstream's lists change; returns the unsubscribe function. */
  onChange(listener: () => void): () => void;
  close(): Promise<void>;
}

/** An error the upstream itself answered; its code and message are passed on after cleaning. */
export class ToolError extends Error {
  override readonly name = "ToolError";
  readonly code: number;
  readonly data: Json | undefined;
  constructor(code: number, message: string, data?: Json) {
    super(message);
    this.code = code;
    this.data = data;
  }
}
