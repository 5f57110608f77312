import type { IncomingHttpHeaders } from "node:http";
import type { JsonObject } from "@bailiwick/policy";
import type { RpcMessage } from "../mcp-protocol/index.ts";
import { HEADER, META, MODERN_VERSION, RPC, decodeHeaderValue, eraOf, isObject, objectAt, routedName } from "../mcp-protocol/index.ts";
import { RpcFault } from "./rpc-fault.ts";

/** What a modern request says of itself in `params._meta`; checked, so that all of it may be relied on. */
export interface ModernEnvelope {
  readonly capabilities: JsonObject;
  readonly logLevel: string | undefined;
  readonly progressToken: string | number | undefined;
}

/**
 * Decides which dialect a message speaks. The body decides; headers must agree with it and never upgrade it alone
 * (MCP 2026-07-28, basic/transports, server validation).
 * Returns the envelope of a modern message, or undefined for a legacy one.
 * @throws RpcFault for a message that claims the modern era wrongly.
 */
export function modernEnvelope(message: RpcMessage, headers: IncomingHttpHeaders): ModernEnvelope | undefined {
  if (message.kind !== "request" && message.kind !== "notification") return undefined;
  const meta = objectAt(message.params, "_meta");
  const claims = META.protocolVersion in meta;
  const named = headerOf(headers, HEADER.protocolVersion);
  const headerIsModern = named !== undefined && eraOf(named) === "modern";
  if (!claims && !headerIsModern) return undefined;
  if (message.kind === "notification") return envelopeOf(meta);
  if (!claims && message.method === "initialize") {
    throw mismatch(`\`initialize\` belongs to the older revisions, but the \`MCP-Protocol-Version\` header names ${named}`);
  }
  checkMeta(meta);
  checkHeaders(message.method, message.params, meta[META.protocolVersion], headers);
  const version = meta[META.protocolVersion];
  if (version !== MODERN_VERSION) {
    throw new RpcFault(
      RPC.unsupportedVersion,
      `protocol version \`${String(version)}\` is not supported in \`_meta\`; use ${MODERN_VERSION}`,
      {
        status: 400,
        data: { supported: [MODERN_VERSION], requested: String(version) },
      },
    );
  }
  return envelopeOf(meta);
}

function envelopeOf(meta: JsonObject): ModernEnvelope {
  const logLevel = meta[META.logLevel];
  const token = meta["progressToken"];
  return {
    capabilities: objectAt(meta, META.clientCapabilities),
    logLevel: typeof logLevel === "string" ? logLevel : undefined,
    progressToken: typeof token === "string" || typeof token === "number" ? token : undefined,
  };
}

function checkMeta(meta: JsonObject): void {
  const wrong = [
    typeof meta[META.protocolVersion] === "string" ? [] : [META.protocolVersion],
    isObject(meta[META.clientCapabilities]) ? [] : [META.clientCapabilities],
  ].flat();
  if (wrong.length === 0) return;
  throw new RpcFault(
    RPC.invalidParams,
    `the request's \`_meta\` lacks ${wrong.map((key) => `\`${key}\``).join(" and ")}; revision ${MODERN_VERSION} requires it`,
    {
      status: 400,
      data: { missing: wrong },
    },
  );
}

function checkHeaders(method: string, params: JsonObject, version: unknown, headers: IncomingHttpHeaders): void {
  const named = headerOf(headers, HEADER.protocolVersion);
  if (named === undefined) throw mismatch("the `MCP-Protocol-Version` header is missing");
  if (named !== version) throw mismatch(`the \`MCP-Protocol-Version\` header names ${named}, the body names ${String(version)}`);
  const methodHeader = headerOf(headers, HEADER.method);
  if (methodHeader === undefined) throw mismatch("the `Mcp-Method` header is missing");
  if (methodHeader !== method) throw mismatch(`the \`Mcp-Method\` header names ${methodHeader}, the body names ${method}`);
  const name = routedName(method, params);
  if (name === undefined) return;
  const nameHeader = headerOf(headers, HEADER.name);
  if (nameHeader === undefined) throw mismatch("the `Mcp-Name` header is missing");
  const decoded = decodeHeaderValue(nameHeader);
  if (decoded === undefined) throw mismatch("the `Mcp-Name` header holds invalid base64");
  if (decoded !== name) throw mismatch(`the \`Mcp-Name\` header names ${nameHeader}, the body names ${name}`);
}

export function mismatch(what: string): RpcFault {
  return new RpcFault(RPC.headerMismatch, `headers and body disagree: ${what}; send headers that mirror the body`, { status: 400 });
}

export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value.trim() : undefined;
}
