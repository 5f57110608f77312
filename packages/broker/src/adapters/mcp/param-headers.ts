import type { IncomingHttpHeaders } from "node:http";
import type { Json, JsonObject } from "@bailiwick/policy";
import { HEADER, decodeHeaderValue, isObject, objectAt, stringAt } from "../mcp-protocol/index.ts";
import { headerOf, mismatch } from "./era.ts";

/** Which arguments of which tools a client must mirror into `Mcp-Param-*` headers (SEP-2243, `x-mcp-header` in input schemas). */
export interface ParamHeaders {
  /** Remembers the declarations of the tools that one principal was shown. */
  learn(principal: string, tools: readonly JsonObject[]): void;
  knows(principal: string): boolean;
  forgetAll(): void;
  /** @throws RpcFault `headerMismatch` when a header is missing or differs from the body. */
  check(principal: string, tool: string, args: JsonObject, headers: IncomingHttpHeaders): void;
}

interface Declaration {
  readonly path: readonly string[];
  readonly header: string;
}

/** Principals remembered at once; the oldest goes first and is learnt again at its next list. */
const MAX_PRINCIPALS = 10_000;
/** Levels of an input schema that are searched. */
const MAX_SCHEMA_DEPTH = 16;

export function createParamHeaders(): ParamHeaders {
  const known = new Map<string, ReadonlyMap<string, readonly Declaration[]>>();
  return {
    learn(principal, tools) {
      const declared = tools.flatMap((tool): [string, readonly Declaration[]][] => {
        const found = declarationsIn(objectAt(tool, "inputSchema"), [], 0);
        return found.length === 0 ? [] : [[stringAt(tool, "name") ?? "", found]];
      });
      known.delete(principal);
      const [oldest] = known.keys();
      if (oldest !== undefined && known.size >= MAX_PRINCIPALS) known.delete(oldest);
      known.set(principal, new Map(declared));
    },
    knows: (principal) => known.has(principal),
    forgetAll: () => known.clear(),
    check(principal, tool, args, headers) {
      for (const declaration of known.get(principal)?.get(tool) ?? []) checkOne(declaration, args, headers);
    },
  };
}

/** True when the request carries any parameter header: then they must be compared with the body before anyone trusts them. */
export function hasParamHeaders(headers: IncomingHttpHeaders): boolean {
  for (const name in headers) if (name.startsWith(HEADER.paramPrefix)) return true;
  return false;
}

function checkOne(declaration: Declaration, args: JsonObject, headers: IncomingHttpHeaders): void {
  const value = valueAt(args, declaration.path);
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return;
  const title = `Mcp-Param-${declaration.header}`;
  const raw = headerOf(headers, HEADER.paramPrefix + declaration.header.toLowerCase());
  if (raw === undefined)
    throw mismatch(`the \`${title}\` header is missing although the argument \`${declaration.path.join(".")}\` is given`);
  const decoded = decodeHeaderValue(raw);
  if (decoded === undefined) throw mismatch(`the \`${title}\` header holds invalid base64`);
  const same = typeof value === "number" && DECIMAL.test(decoded) ? Number(decoded) === value : decoded === String(value);
  if (!same) throw mismatch(`the \`${title}\` header differs from the argument \`${declaration.path.join(".")}\``);
}

const DECIMAL = /^-?\d+(\.\d+)?$/;

function declarationsIn(schema: JsonObject, path: readonly string[], depth: number): readonly Declaration[] {
  const header = stringAt(schema, "x-mcp-header");
  const own = header !== undefined && path.length > 0 ? [{ path, header }] : [];
  if (depth >= MAX_SCHEMA_DEPTH) return own;
  const inner = Object.entries(objectAt(schema, "properties")).flatMap(([key, child]) =>
    isObject(child) ? declarationsIn(child, [...path, key], depth + 1) : [],
  );
  return [...own, ...inner];
}

function valueAt(args: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = args;
  for (const key of path) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}
