import type { IncomingHttpHeaders } from "node:http";
import type { JsonObject } from "@bailiwick/policy";
import type { Presented } from "../../call/presented.ts";
import type { AgentSurface } from "../../call/surface.ts";
import type { Session } from "../../domain/session.ts";
import type { RequestId } from "../mcp-protocol/index.ts";
import type { ModernEnvelope } from "./era.ts";
import type { Guard } from "./guard.ts";
import type { LegacySession } from "./legacy-session.ts";
import type { ParamHeaders } from "./param-headers.ts";
import type { Reply } from "./reply.ts";
import type { RequestStates } from "./request-state.ts";
import type { Settings } from "./settings.ts";
import type { SuspendedCalls } from "./suspended-calls.ts";
import type { TaskStore } from "./tasks.ts";

/** What one endpoint keeps for all its requests. */
export interface EndpointContext {
  readonly surface: AgentSurface;
  readonly settings: Settings;
  readonly guard: Guard;
  readonly states: RequestStates;
  readonly suspended: SuspendedCalls<Continuation>;
  readonly tasks: TaskStore;
  readonly paramHeaders: ParamHeaders;
}

/** Continues a suspended call on a new HTTP request. */
export type Continuation = (request: ModernRequest, responses: ReadonlyMap<string, JsonObject>) => void;

/** Who sent a request: what it shows was checked, and token and session are checked again by every use of the surface. */
export interface Sender {
  readonly presented: Presented;
  readonly session: Session;
  readonly principal: string;
  readonly peer: string;
  readonly headers: IncomingHttpHeaders;
}

/** One JSON-RPC request of the modern era with the HTTP answer it will get. */
export interface ModernRequest extends Sender {
  readonly id: RequestId;
  readonly method: string;
  readonly params: JsonObject;
  readonly envelope: ModernEnvelope;
  readonly reply: Reply;
}

/** One JSON-RPC request of the older revisions, inside its MCP session. */
export interface LegacyRequest extends Omit<Sender, "session"> {
  readonly id: RequestId;
  readonly method: string;
  readonly params: JsonObject;
  readonly session: LegacySession;
  /** The broker's session, as it was when the request came. */
  readonly caller: Session;
  readonly reply: Reply;
}
