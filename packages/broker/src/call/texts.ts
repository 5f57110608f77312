import type { Json, JsonObject } from "@bailiwick/policy";

/**
 * A copy in which each text is what `change` makes of it; the same object when nothing changed. `path` is that of the text without places in
 * lists. `and names`: names of members as well.
 */
export function mapTexts(
  root: JsonObject,
  path: string,
  change: (text: string, path: string) => string,
  names: "texts" | "and names" = "texts",
): JsonObject {
  let changed = false;
  const entries = Object.entries(root).map(([name, value]): readonly [string, Json] => {
    const at = path === "" ? name : `${path}.${name}`;
    const called = names === "texts" ? name : change(name, path);
    const next = mapValue(value, at, change, names);
    changed ||= called !== name || next !== value;
    return [called, next];
  });
  return changed ? Object.fromEntries(entries) : root;
}

function mapValue(value: Json, path: string, change: (text: string, path: string) => string, names: "texts" | "and names"): Json {
  if (typeof value === "string") return change(value, path);
  if (typeof value !== "object" || value === null) return value;
  if (!isList(value)) return mapTexts(value, path, change, names);
  const items = value.map((item) => mapValue(item, path, change, names));
  return items.every((item, index) => item === value[index]) ? value : items;
}

function isList(value: JsonObject | readonly Json[]): value is readonly Json[] {
  return Array.isArray(value);
}
