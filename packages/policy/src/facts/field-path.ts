import type { FieldType } from "../types.ts";

/** A declared key without its `?`, and whether it may be absent. */
export function declaredKey(key: string): { readonly name: string; readonly optional: boolean } {
  return key.endsWith("?") ? { name: key.slice(0, -1), optional: true } : { name: key, optional: false };
}

export function isRecordType(type: FieldType): type is { readonly [key: string]: FieldType } {
  return typeof type === "object" && !isListType(type);
}

export function isListType(type: FieldType): type is readonly [FieldType] {
  return Array.isArray(type);
}

/** Type declared at a dotted path; lists are looked through. Undefined when nothing is declared there. Inside `any` everything is `any`. */
export function typeAt(fields: { readonly [key: string]: FieldType }, path: readonly string[]): FieldType | undefined {
  let current: FieldType = fields;
  for (const step of path) {
    while (isListType(current)) current = current[0];
    if (current === "any") return "any";
    if (!isRecordType(current)) return undefined;
    const entry: readonly [string, FieldType] | undefined = Object.entries(current).find(([key]) => declaredKey(key).name === step);
    if (entry === undefined) return undefined;
    current = entry[1];
  }
  return current;
}

/** Names declared at the top of a record type. */
export function declaredNames(fields: { readonly [key: string]: FieldType }): readonly string[] {
  return Object.keys(fields).map((key) => declaredKey(key).name);
}
