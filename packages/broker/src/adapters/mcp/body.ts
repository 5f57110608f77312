import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Json } from "@bailiwick/policy";
import { RPC, parseJson } from "../mcp-protocol/index.ts";
import { RpcFault } from "./rpc-fault.ts";
import { MAX_JSON_DEPTH } from "./settings.ts";

/** Reads, checks and parses one body; `check` sees the bytes before anything reads meaning into them. @throws RpcFault `body_too_large` (413), too deep (400), no JSON (400); Error when the peer breaks off. */
export async function readJson(req: IncomingMessage, maxBytes: number, check: (bytes: Uint8Array) => void): Promise<Json> {
  const bytes = await readBytes(req, maxBytes);
  check(bytes);
  if (isDeeperThan(bytes, MAX_JSON_DEPTH)) {
    throw new RpcFault(RPC.invalidRequest, `the body nests deeper than ${MAX_JSON_DEPTH} levels; send it flatter`, {
      status: 400,
      data: { code: "malformed_request" },
    });
  }
  const value = parseJson(bytes.toString("utf8"));
  if (value === undefined) {
    throw new RpcFault(RPC.parse, "the body is no JSON; send one JSON-RPC 2.0 message", {
      status: 400,
      data: { code: "malformed_request" },
    });
  }
  return value;
}

function readBytes(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const announced = Number(req.headers["content-length"] ?? 0);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let held = 0;
    let refused = false;
    const refuse = (): void => {
      refused = true;
      chunks.length = 0;
      req.resume();
      reject(tooLarge(maxBytes));
    };
    req.on("error", reject);
    req.on("close", () => {
      if (!req.complete) reject(new Error("the peer broke off the request"));
    });
    if (announced > maxBytes) return refuse();
    req.on("data", (chunk: Buffer) => {
      if (refused) return;
      held += chunk.length;
      if (held > maxBytes) return refuse();
      chunks.push(chunk);
    });
    req.on("end", () => {
      const only = chunks.length === 1 ? chunks[0] : undefined;
      resolve(only ?? Buffer.concat(chunks));
    });
  });
}

function tooLarge(maxBytes: number): RpcFault {
  return new RpcFault(RPC.invalidRequest, `the body is larger than ${maxBytes} bytes; send less in one message`, {
    status: 413,
    data: { code: "body_too_large", maxBytes },
  });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** One pass over the bytes before parsing, so that no deep value is ever built. */
export function isDeeperThan(bytes: Uint8Array, max: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > max) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
  return false;
}
