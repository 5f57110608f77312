import type { Json, JsonObject } from "@bailiwick/policy";

/** Reads a dotted path such as `result.tickets`; undefined when any step is missing. Own members only. */
export function readPath(root: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = root;
  for (const step of path.split(".")) {
    if (!isObject(value) || !Object.hasOwn(value, step)) return undefined;
    value = value[step];
  }
  return value;
}

/** The value at a path as text when it is a string or a number; undefined otherwise. */
export function textAt(root: JsonObject, path: string): string | undefined {
  const value = readPath(root, path);
  if (typeof value === "string") return value;
  return typeof value === "number" ? String(value) : undefined;
}

/** A copy of `root` with the value at `path` replaced; returns `root` itself when the path does not exist. */
export function writePath(root: JsonObject, path: string, value: Json): JsonObject {
  const [step, ...rest] = path.split(".");
  if (step === undefined || !Object.hasOwn(root, step)) return root;
  if (rest.length === 0) return { ...root, [step]: value };
  const inner = root[step];
  return isObject(inner) ? { ...root, [step]: writePath(inner, rest.join("."), value) } : root;
}

/** True for JSON objects, false for arrays, null and scalars. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
