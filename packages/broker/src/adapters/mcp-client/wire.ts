import type { JsonObject } from "@bailiwick/policy";
import { type Challenge, Fault } from "../../domain/fault.ts";
import type { RequestId, RpcFailure, RpcNotification, RpcRequest, RpcResult } from "../mcp-protocol/index.ts";

/** One request on its way to a server. Aborting `signal` rejects with its reason. */
export interface Outgoing {
  readonly id: RequestId;
  readonly method: string;
  readonly params: JsonObject;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly maxBytes: number;
}

/** Takes what a server sends of its own accord. `origin` is the request whose stream carried it, when the transport can tell. */
export interface WireListener {
  notification(message: RpcNotification, origin: RequestId | undefined): void;
  request(message: RpcRequest, origin: RequestId | undefined): void;
  /** The wire, or the session on it, is gone; called at most once. */
  lost(reason: Fault): void;
}

/** Carries JSON-RPC messages to one server, over a child's pipes or HTTP. Knows nothing of eras. */
export interface Wire {
  readonly kind: "stdio" | "http";
  /** @throws Fault `tool_unavailable` (nothing was sent) | `tool_lost` | `result_too_large`, or the signal's reason. */
  send(out: Outgoing): Promise<RpcResult | RpcFailure>;
  /** A notification, or the answer to a request of the server. */
  post(message: JsonObject, headers: Readonly<Record<string, string>>): Promise<void>;
  /** HTTP only: the stream of the legacy era on which a server speaks unasked. Resolves when it ends; `unsupported` when the server has none. */
  listen?(headers: Readonly<Record<string, string>>, signal: AbortSignal, onOpen: () => void): Promise<"ended" | "unsupported">;
  close(): Promise<void>;
}

/** The server answered with an HTTP status and no JSON-RPC message. */
export class HttpStatusFault extends Fault {
  readonly status: number;
  override readonly credentialRefused: boolean;
  override readonly challenge: Challenge | undefined;
  constructor(status: number, code: "tool_unavailable" | "tool_lost", message: string, challenge?: Challenge) {
    super(code, message);
    this.status = status;
    this.credentialRefused = status === 401;
    this.challenge = challenge;
  }
}
