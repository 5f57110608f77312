import type { Json, JsonObject } from "@bailiwick/policy";

export type RequestId = string | number;

export interface RpcRequest {
  readonly kind: "request";
  readonly id: RequestId;
  readonly method: string;
  readonly params: JsonObject;
}
export interface RpcNotification {
  readonly kind: "notification";
  readonly method: string;
  readonly params: JsonObject;
}
export interface RpcResult {
  readonly kind: "result";
  readonly id: RequestId;
  readonly result: JsonObject;
}
export interface RpcFailure {
  readonly kind: "failure";
  /** Null when the peer could not tell which request failed. */
  readonly id: RequestId | null;
  readonly error: RpcError;
}
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: Json | undefined;
}
export type RpcMessage = RpcRequest | RpcNotification | RpcResult | RpcFailure;

/**
 * Tells a parsed body's kind without a schema library: this runs once per message on the hot path.
 * Returns undefined for everything that is not one JSON-RPC 2.0 message, batches included (removed in MCP 2025-06-18).
 */
export function parseMessage(value: unknown): RpcMessage | undefined {
  if (!isObject(value) || value["jsonrpc"] !== "2.0") return undefined;
  const { id, method } = value;
  if (typeof method === "string") {
    const params = value["params"] ?? {};
    if (!isObject(params)) return undefined;
    if (id === undefined) return { kind: "notification", method, params };
    return isRequestId(id) ? { kind: "request", id, method, params } : undefined;
  }
  const error = value["error"];
  if (error !== undefined) {
    const parsed = parseError(error);
    if (parsed === undefined || !(id === undefined || id === null || isRequestId(id))) return undefined;
    return { kind: "failure", id: id ?? null, error: parsed };
  }
  const result = value["result"];
  return isObject(result) && id !== undefined && isRequestId(id) ? { kind: "result", id, result } : undefined;
}

/** JSON text to value; undefined when it is no JSON. */
export function parseJson(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isRequestId(value: unknown): value is RequestId {
  return typeof value === "string" || (typeof value === "number" && Number.isFinite(value));
}

/** The member as an object, or an empty one: for optional members such as `_meta` and `arguments`. */
export function objectAt(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isObject(value) ? value : {};
}

export function stringAt(object: JsonObject, key: string): string | undefined {
  const value = object[key];
  return typeof value === "string" ? value : undefined;
}

export function numberAt(object: JsonObject, key: string): number | undefined {
  const value = object[key];
  return typeof value === "number" ? value : undefined;
}

/** The array's objects; other entries and other values are left out. */
export function objectsAt(object: JsonObject, key: string): readonly JsonObject[] {
  const value = object[key];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function requestMessage(id: RequestId, method: string, params: JsonObject): JsonObject {
  return { jsonrpc: "2.0", id, method, params };
}

export function notificationMessage(method: string, params: JsonObject): JsonObject {
  return { jsonrpc: "2.0", method, params };
}

export function resultMessage(id: RequestId, result: JsonObject): JsonObject {
  return { jsonrpc: "2.0", id, result };
}

export function errorMessage(id: RequestId | null, code: number, message: string, data?: Json): JsonObject {
  return { jsonrpc: "2.0", id, error: data === undefined ? { code, message } : { code, message, data } };
}

function parseError(value: Json): RpcError | undefined {
  if (!isObject(value)) return undefined;
  const { code, message, data } = value;
  if (typeof code !== "number" || typeof message !== "string") return undefined;
  return data === undefined ? { code, message } : { code, message, data };
}
