import type { Effect, FieldType, JsonObject } from "@bailiwick/policy";

/** A catalog entry as proposed to a reviewer, in the words of `tools/<tool>.yaml`. */
export interface ProposedAction {
  readonly name: string;
  readonly is: string;
  readonly effect: Effect;
  /** What the guess rests on. */
  readonly because: string;
  readonly args: { readonly [key: string]: FieldType };
  readonly reviewed: string;
}

/** Schemas nest no deeper than a person would read; anything deeper is `any`, visible to the digest only. */
const MAX_DEPTH = 6;

/** Words at the start of a name, by the effect they usually have; the first that fits decides, the most harmful first. */
const VERBS: readonly (readonly [Effect, RegExp])[] = [
  ["pay", /^(pay|refund|charge|transfer|payout|invoice)/u],
  ["grant", /^(grant|invite|share|permit|authorize|assign_role|add_member|set_permission)/u],
  ["delete", /^(delete|remove|destroy|drop|purge|erase|truncate)/u],
  ["send", /^(send|post|publish|email|mail|notify|reply|forward|message)/u],
  ["export", /^(export|download|dump|backup)/u],
  ["execute", /^(run|exec|execute|eval|call|invoke|start|deploy)/u],
  ["write", /^(create|update|add|set|write|edit|put|patch|insert|upsert|move|rename|save|close|open|assign)/u],
  ["read", /^(get|list|read|search|find|query|fetch|show|describe|count|lookup|view)/u],
];

/**
 * Proposes a catalog entry for an operation an upstream offers. The tool's own annotations are a stranger's hints: they can
 * make the guess more careful, never less.
 */
export function proposeAction(tool: string, entry: JsonObject, fingerprint: string): ProposedAction {
  const name = typeof entry["name"] === "string" ? entry["name"] : "unnamed";
  const { effect, because } = guessEffect(name, objectOf(entry["annotations"]));
  return {
    name,
    is: `${tool}:${scopeWord(name)}`,
    effect,
    because,
    args: argumentTypes(objectOf(entry["inputSchema"])),
    reviewed: fingerprint,
  };
}

function guessEffect(name: string, annotations: JsonObject): { effect: Effect; because: string } {
  const words = scopeWord(name);
  const guessed = VERBS.find(([, pattern]) => pattern.test(words))?.[0];
  if (annotations["destructiveHint"] === true && (guessed === "read" || guessed === "write"))
    return { effect: "delete", because: "the tool says that it is destructive" };
  if (guessed === "read" && annotations["readOnlyHint"] === false)
    return { effect: "write", because: "the tool says that it is not read-only" };
  if (guessed !== undefined) return { effect: guessed, because: "guessed from its name" };
  return { effect: "execute", because: "its name says nothing, so the most careful class" };
}

function argumentTypes(schema: JsonObject): { readonly [key: string]: FieldType } {
  const type = objectType(schema, 0);
  return typeof type === "string" ? {} : type;
}

function objectType(schema: JsonObject, depth: number): { readonly [key: string]: FieldType } | "any" {
  const properties = objectOf(schema["properties"]);
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const entries = Object.entries(properties).map(([key, value]): [string, FieldType] => [
    required.includes(key) ? key : `${key}?`,
    fieldType(objectOf(value), depth + 1),
  ]);
  if (entries.length === 0 && depth > 0) return "any";
  return entries.every(([key]) => /^[A-Za-z_$][\w$-]*\??$/u.test(key)) ? Object.fromEntries(entries) : "any";
}

function fieldType(schema: JsonObject, depth: number): FieldType {
  if (depth > MAX_DEPTH) return "any";
  const type = typeof schema["type"] === "string" ? schema["type"] : "";
  switch (type) {
    case "string":
      return stringType(schema["format"]);
    case "integer":
    case "boolean":
      return type;
    case "number":
      return "decimal";
    case "array": {
      const items = objectOf(schema["items"]);
      const item = fieldType(items, depth + 1);
      return item === "any" ? "any" : [item];
    }
    case "object":
      return objectType(schema, depth);
    default:
      return "any";
  }
}

function stringType(format: unknown): FieldType {
  if (format === "email") return "email";
  return format === "date-time" ? "datetime" : "string";
}

/** A scope's action is a lower-case word: `getTicket` and `get-ticket` become `get_ticket`. */
export function scopeWord(name: string): string {
  const word = name
    .replaceAll(/([a-z0-9])([A-Z])/gu, "$1_$2")
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/gu, "_")
    .replaceAll(/^[^a-z]+|_+$/gu, "");
  return word === "" ? "unnamed" : word;
}

function objectOf(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
