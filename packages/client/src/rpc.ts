import type { Json, JsonObject } from "./json.ts";
import { isObject } from "./json.ts";

export type RequestId = string | number;

/** A JSON-RPC 2.0 message, as far as a bridge must understand it. */
export type RpcMessage =
  | { readonly kind: "request"; readonly id: RequestId; readonly method: string; readonly params: JsonObject }
  | { readonly kind: "notification"; readonly method: string; readonly params: JsonObject }
  | { readonly kind: "answer" };

export const RPC = { parse: -32700, invalidRequest: -32600, internal: -32603 } as const;

/** Undefined for everything that is no single message. */
export function parseMessage(value: Json | undefined): RpcMessage | undefined {
  if (!isObject(value) || value["jsonrpc"] !== "2.0") return undefined;
  const { id, method } = value;
  if (typeof method !== "string") return isObject(value["result"]) || isObject(value["error"]) ? { kind: "answer" } : undefined;
  const params = value["params"] ?? {};
  if (!isObject(params)) return undefined;
  if (id === undefined) return { kind: "notification", method, params };
  return isRequestId(id) ? { kind: "request", id, method, params } : undefined;
}

export function isRequestId(value: Json | undefined): value is RequestId {
  return typeof value === "string" || typeof value === "number";
}

export function errorMessage(id: RequestId | null, code: number, message: string): JsonObject {
  return { jsonrpc: "2.0", id, error: { code, message } };
}

/** The member as an object, or an empty one. */
export function objectAt(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isObject(value) ? value : {};
}

export function textAt(object: JsonObject, key: string): string | undefined {
  const value = object[key];
  return typeof value === "string" ? value : undefined;
}
