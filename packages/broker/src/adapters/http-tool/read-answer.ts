import { STATUS_CODES } from "node:http";
import type { CatalogAction, Json, JsonObject } from "@bailiwick/policy";
import type { Dispatcher } from "undici";
import { isObject } from "../../call/paths.ts";
import { Fault } from "../../domain/fault.ts";
import { structuredResult } from "../built-in-tool.ts";
import { readChallenge } from "../mcp-client/index.ts";
import { HttpStatusFault } from "../mcp-client/wire.ts";
import { MAX_ERROR_CHARACTERS } from "./limits.ts";

/**
 * An answer as a result of MCP. A JSON object is the structured content as it is; a list becomes `{ items }`, another value `{ value }`,
 * text `{ text }`, nothing `{}`. Errors are text only, so that an agent that sees this data filtered sees none of it.
 * @throws Fault `tool_unavailable` (nothing ran), `tool_lost` (whether it acted is not known), `result_too_large`.
 */
export async function readAnswer(
  action: CatalogAction,
  answer: Dispatcher.ResponseData,
  options: { readonly maxBytes: number; readonly withCredential: boolean },
): Promise<JsonObject> {
  const { statusCode } = answer;
  const { tool } = action.operation;
  const bytes = await readBytes(answer, tool, options.maxBytes);
  if (isRefusedCredential(answer, options.withCredential)) throw refusedCredential(tool, answer);
  if ((statusCode >= 200 && statusCode < 300) || statusCode === 304) return resultOf(action, answer, bytes);
  if (mayHaveActed(action, statusCode)) {
    throw new Fault("tool_lost", `the API of \`${tool}\` answered HTTP ${statusCode} ${reason(statusCode)}; whether it acted is not known`);
  }
  return errorResult(tool, answer, bytes);
}

/** Of a redirect only 307 and 308 say that nothing was done (RFC 9110 section 15.4); of a server's error only 501 does (section 15.6.2). */
function mayHaveActed({ request }: CatalogAction, status: number): boolean {
  if (request?.method === "GET" || status === 501) return false;
  return status >= 500 || (status >= 300 && status < 400 && status !== 307 && status !== 308);
}

function isRefusedCredential({ statusCode, headers }: Dispatcher.ResponseData, withCredential: boolean): boolean {
  if (!withCredential) return false;
  return statusCode === 401 || (statusCode === 403 && readChallenge(headers["www-authenticate"])?.error === "insufficient_scope");
}

function refusedCredential(tool: string, { statusCode, headers }: Dispatcher.ResponseData): HttpStatusFault {
  const message = `the API of \`${tool}\` refused the broker's credential (HTTP ${statusCode}); nothing ran; check the credential of this tool`;
  return new HttpStatusFault(statusCode, "tool_unavailable", message, readChallenge(headers["www-authenticate"]));
}

async function readBytes({ headers, body }: Dispatcher.ResponseData, tool: string, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const tooLarge = Number(headers["content-length"]) > maxBytes;
  if (!tooLarge) {
    for await (const chunk of body) {
      if (!Buffer.isBuffer(chunk)) continue;
      bytes += chunk.length;
      if (bytes > maxBytes) break;
      chunks.push(chunk);
    }
  }
  if (!tooLarge && bytes <= maxBytes) return Buffer.concat(chunks);
  body.on("error", () => undefined).destroy();
  throw new Fault(
    "result_too_large",
    `the API of \`${tool}\` answered with more than ${maxBytes} bytes; ask for less, for instance by a filter or a page`,
  );
}

function resultOf(action: CatalogAction, { statusCode, headers }: Dispatcher.ResponseData, bytes: Buffer): JsonObject {
  const meta = { _meta: { status: statusCode } };
  if (bytes.length === 0) return { ...structuredResult({}), ...meta };
  const type = typeOf(headers);
  if (isJson(type)) {
    const value = parse(bytes);
    if (value !== undefined) return { ...structuredResult(wrapped(value)), ...meta };
  }
  // Of records only JSON can be filtered: where the catalog says that some come back, text could hold them unseen.
  if (type.startsWith("text/") && action.returns === undefined)
    return { ...structuredResult({ text: new TextDecoder().decode(bytes) }), ...meta };
  const what = /^[\w.+/-]{1,100}$/u.test(type) ? `\`${type}\`` : "an unknown type";
  const text = `the call went well (HTTP ${statusCode}); its answer of ${bytes.length} bytes is ${what}, which is not passed on`;
  return { content: [{ type: "text", text }], structuredContent: {}, ...meta };
}

function wrapped(value: Json): JsonObject {
  if (isObject(value)) return value;
  return Array.isArray(value) ? { items: value } : { value };
}

function errorResult(tool: string, { statusCode, headers }: Dispatcher.ResponseData, bytes: Buffer): JsonObject {
  const redirect = statusCode >= 300 && statusCode < 400;
  const wait = headers["retry-after"];
  const lines = [
    `the API of \`${tool}\` answered HTTP ${statusCode} ${reason(statusCode)}`,
    ...(redirect ? ["redirects are not followed: write the final address in the catalog"] : []),
    ...(typeof wait === "string" && /^\d{1,6}$/u.test(wait) ? [`retry after ${wait} s`] : []),
    ...(redirect || !isReadable(typeOf(headers)) ? [] : [new TextDecoder().decode(bytes).slice(0, MAX_ERROR_CHARACTERS).toWellFormed()]),
  ];
  return { content: [{ type: "text", text: lines.filter((line) => line !== "").join("\n") }], isError: true };
}

/** Without a charset and its parameters. An answer that was compressed although nobody asked for it has no type that can be read. */
function typeOf(headers: Dispatcher.ResponseData["headers"]): string {
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") return "";
  const type = headers["content-type"];
  return typeof type === "string" ? (type.split(";", 1)[0] ?? "").trim().toLowerCase() : "";
}

function isJson(type: string): boolean {
  return /^application\/(?:[\w.+-]+\+)?json$/u.test(type);
}

function isReadable(type: string): boolean {
  return isJson(type) || type === "text/plain";
}

function parse(bytes: Buffer): Json | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Json;
  } catch {
    return undefined;
  }
}

function reason(status: number): string {
  return STATUS_CODES[status] ?? "";
}
