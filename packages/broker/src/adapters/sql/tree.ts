import type { Json, JsonObject } from "@bailiwick/policy";

/** The value when it is an object; undefined for anything else, and for nothing. */
export function asObject(value: Json | undefined): JsonObject | undefined {
  // unsafe: `Array.isArray` does not narrow a readonly array out of a union.
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** The items of a list; none of anything else. */
export function itemsOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** The texts in a list of `String` nodes: the parts of a name. */
export function namesIn(names: Json | undefined): readonly string[] {
  return itemsOf(names).flatMap((name) => {
    const text = asObject(asObject(name)?.["String"])?.["sval"];
    return typeof text === "string" ? [text] : [];
  });
}

/** A copy of the tree in which `change` replaced nodes; it is asked from the outside in, and not again inside of what it gave. */
export function mapTree(tree: Json, change: (node: JsonObject) => Json | undefined): Json {
  if (Array.isArray(tree)) return tree.map((item: Json) => mapTree(item, change));
  const node = asObject(tree);
  if (node === undefined) return tree;
  return change(node) ?? Object.fromEntries(Object.entries(node).map(([member, value]) => [member, mapTree(value, change)]));
}
