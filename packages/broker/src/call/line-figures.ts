import type { CatalogTool, JsonObject } from "@bailiwick/policy";
import { isObject } from "./paths.ts";

/** What the record of a line says beside the rest: bytes each way and why it ended. Only our own adapter opens lines, so only it is believed. */
export function lineFigures({ connect }: CatalogTool, body: JsonObject): JsonObject {
  const meta = body["_meta"];
  const line = "egress" in connect && isObject(meta) ? meta["line"] : undefined;
  if (!isObject(line)) return {};
  const { up = 0, down = 0, ended = "broken" } = line;
  return { line: { up, down, ended } };
}
