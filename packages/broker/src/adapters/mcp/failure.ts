import type { OutgoingHttpHeaders } from "node:http";
import type { JsonObject } from "@bailiwick/policy";
import { Refusal } from "../../call/refusal.ts";
import { Fault } from "../../domain/fault.ts";
import { ToolError } from "../../domain/tool.ts";
import type { RequestId } from "../mcp-protocol/index.ts";
import { RPC, errorMessage } from "../mcp-protocol/index.ts";
import { REFUSED } from "./answers.ts";
import { challenge, isAuthenticationCode } from "./authenticate.ts";
import { refusalData } from "./refusal-text.ts";
import { RpcFault } from "./rpc-fault.ts";
import type { Settings } from "./settings.ts";

export interface Failure {
  readonly message: JsonObject;
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
}

/** The answer to a request that ended in an exception. Exceptions nobody foresaw say nothing of themselves to the agent. */
export function failureOf(settings: Settings, id: RequestId | null, hadToken: boolean, error: unknown): Failure {
  if (error instanceof RpcFault)
    return { message: errorMessage(id, error.code, error.message, error.data), status: error.status, headers: {} };
  if (error instanceof Refusal) {
    const authentication = isAuthenticationCode(error.code);
    const data = refusalData({
      kind: "refused",
      callId: error.callId,
      code: error.code,
      message: error.message,
      rules: error.rules,
      next: error.next,
    });
    return {
      message: errorMessage(id, REFUSED, error.message, data),
      status: authentication ? 401 : 200,
      headers: authentication ? challenge(settings, hadToken, error) : {},
    };
  }
  if (error instanceof ToolError) return { message: errorMessage(id, error.code, error.message, error.data), status: 200, headers: {} };
  if (error instanceof Fault)
    return { message: errorMessage(id, RPC.internal, error.message, { code: error.code }), status: 200, headers: {} };
  return {
    message: errorMessage(id, RPC.internal, "the broker failed; see its log", { code: "internal_fault" }),
    status: 200,
    headers: {},
  };
}
