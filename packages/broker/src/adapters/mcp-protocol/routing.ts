import { Buffer } from "node:buffer";
import type { JsonObject } from "@bailiwick/policy";
import { stringAt } from "./json-rpc.ts";

/** The body field that `Mcp-Name` must mirror (SEP-2243, extended to tasks by SEP-2663). Undefined for methods without one. */
export function routedName(method: string, params: JsonObject): string | undefined {
  switch (method) {
    case "tools/call":
    case "prompts/get":
      return stringAt(params, "name");
    case "resources/read":
      return stringAt(params, "uri");
    case "tasks/get":
    case "tasks/update":
    case "tasks/cancel":
      return stringAt(params, "taskId");
    default:
      return undefined;
  }
}

/** Visible ASCII and inner spaces travel as they are; everything else in the base64 wrapper of SEP-2243. */
export function encodeHeaderValue(value: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !WRAPPED.test(value);
  return plain ? value : `=?base64?${Buffer.from(value, "utf8").toString("base64")}?=`;
}

/** Undefined when the wrapper holds no valid base64: the request is then refused with `headerMismatch`. */
export function decodeHeaderValue(value: string): string | undefined {
  const trimmed = value.trim();
  const wrapped = WRAPPED.exec(trimmed)?.[1];
  if (wrapped === undefined) return trimmed;
  const bytes = Buffer.from(wrapped, "base64");
  return bytes.toString("base64") === wrapped ? bytes.toString("utf8") : undefined;
}

const WRAPPED = /^=\?base64\?(.*)\?=$/;
