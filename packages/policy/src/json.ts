/** A JSON value as it arrives from outside, after parsing. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. Arguments, records, claims and record bodies all have this shape. */
export interface JsonObject {
  readonly [key: string]: Json;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
