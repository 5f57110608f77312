import type { IncomingHttpHeaders } from "node:http";
import type { JsonObject, Operation } from "@bailiwick/policy";
import type { AgentSurface } from "../../call/surface.ts";
import type { CallAnswer } from "../../call/types.ts";
import { parseTraceContext, type TraceContext } from "../../domain/trace-context.ts";
import { RPC, objectAt, stringAt } from "../mcp-protocol/index.ts";
import { headerOf } from "./era.ts";
import { RpcFault } from "./rpc-fault.ts";
import { APPROVAL_WAIT } from "./approval-wait.ts";
import { REQUEST_ELEVATION } from "./request-elevation.ts";

/** What a governed request asks for: an operation of a tool, the continuation of something that waits by its ticket, or a right for a time. */
export type Asked =
  | { readonly what: "operation"; readonly kind: Operation["kind"]; readonly name: string; readonly args: unknown }
  | { readonly what: "ticket"; readonly ticket: string }
  | { readonly what: "elevation"; readonly args: unknown };

/** Returns undefined for methods that are not governed calls. @throws RpcFault when the params lack the name. */
export function askedBy(method: string, params: JsonObject): Asked | undefined {
  switch (method) {
    case "tools/call": {
      const name = required(params, "name");
      const args = params["arguments"] ?? {};
      if (name === REQUEST_ELEVATION) return { what: "elevation", args };
      if (name !== APPROVAL_WAIT) return { what: "operation", kind: "tool", name, args };
      return { what: "ticket", ticket: required(objectAt(params, "arguments"), "ticket") };
    }
    case "resources/read":
      return { what: "operation", kind: "resource", name: required(params, "uri"), args: {} };
    case "prompts/get":
      return { what: "operation", kind: "prompt", name: required(params, "name"), args: params["arguments"] ?? {} };
    default:
      return undefined;
  }
}

/** Puts it to the broker. */
export function askSurface(surface: AgentSurface, asked: Asked, call: Parameters<AgentSurface["resume"]>[1]): Promise<CallAnswer> {
  switch (asked.what) {
    case "ticket":
      return surface.resume(asked.ticket, call);
    case "elevation":
      return surface.requestElevation(asked.args, call);
    case "operation":
      return surface.handle({ ...call, kind: asked.kind, name: asked.name, args: asked.args });
  }
}

/** The agent's own words about the call: untrusted. */
export function statedReason(params: JsonObject): string | undefined {
  return stringAt(objectAt(params, "_meta"), "bailiwick/reason")?.slice(0, MAX_REASON_CHARS);
}

/** A reason is a sentence or two for the approver, not a place to store documents. */
const MAX_REASON_CHARS = 2_000;

/** Shortest hold the agent asks for, in milliseconds: 0 means "answer at once, I will come back". */
export function wishedWaitMs(params: JsonObject): number | undefined {
  const value = objectAt(params, "_meta")["bailiwick/waitMs"];
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/**
 * The trace the agent's request belongs to: of `_meta` (SEP-414), else of the HTTP headers, which may be about the transport only. The two
 * are never mixed, and a malformed context is none. Baggage is not read.
 */
export function traceOf(params: JsonObject, headers: IncomingHttpHeaders): Partial<TraceContext> {
  const meta = objectAt(params, "_meta");
  const inMeta = meta["traceparent"] !== undefined;
  const traceparent = inMeta ? stringAt(meta, "traceparent") : headerOf(headers, "traceparent");
  const tracestate = inMeta ? stringAt(meta, "tracestate") : headerOf(headers, "tracestate");
  return traceparent === undefined ? {} : (parseTraceContext(traceparent, tracestate) ?? {});
}

function required(params: JsonObject, key: string): string {
  const value = params[key];
  if (typeof value === "string" && value !== "") return value;
  throw new RpcFault(RPC.invalidParams, `the parameter \`${key}\` is missing or no text; send it as a string`);
}
