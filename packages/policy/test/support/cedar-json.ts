import type { CedarValueJson } from "@cedar-policy/cedar-wasm/nodejs";
import type { FieldType, Json } from "../../src/index.ts";

/**
 * Cedar's JSON form of outside data that has its declared type, written apart from the engine's own reading so that the two can differ.
 * Undefined where policy does not look. Whole records drop what is absent, null or not declared.
 * @throws Error when the data does not have the type: a generator made a mistake.
 */
export function toCedarJson(value: Json, type: FieldType): CedarValueJson | undefined {
  if (Array.isArray(type)) {
    // unsafe: `isArray` does not narrow a readonly tuple
    const [element] = type as readonly [FieldType];
    return listOf(value).flatMap((item) => toCedarJson(item, element) ?? []);
  }
  if (typeof type === "object") return recordToCedarJson(value, type as { readonly [key: string]: FieldType });
  switch (type) {
    case "any":
      return undefined;
    case "string":
    case "boolean":
    case "integer":
      return scalarOf(value);
    case "decimal":
      return { __extn: { fn: "decimal", arg: Number(value).toFixed(4) } };
    case "datetime":
      return { __extn: { fn: "datetime", arg: new Date(textOf(value)).toISOString() } };
    case "email": {
      const [local = "", domain = ""] = textOf(value).split("@");
      return { address: `${local}@${domain.toLowerCase()}`, local, domain: domain.toLowerCase() };
    }
  }
}

export function recordToCedarJson(value: Json, fields: { readonly [key: string]: FieldType }): Record<string, CedarValueJson> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("the generator makes what its types say");
  const given = new Map<string, Json>(Object.entries(value));
  const entries = Object.entries(fields).flatMap(([key, type]) => {
    const name = key.replace(/\?$/, "");
    const item = given.get(name) ?? null;
    const converted = item === null ? undefined : toCedarJson(item, type);
    return converted === undefined ? [] : [[name, converted] as const];
  });
  return Object.fromEntries(entries);
}

function listOf(value: Json): readonly Json[] {
  if (!Array.isArray(value)) throw new Error("the generator makes what its types say");
  // unsafe: `isArray` does not narrow a readonly list
  return value as readonly Json[];
}

function scalarOf(value: Json): boolean | number | string {
  if (typeof value === "object") throw new Error("the generator makes what its types say");
  return value;
}

function textOf(value: Json): string {
  if (typeof value !== "string") throw new Error("the generator makes what its types say");
  return value;
}
