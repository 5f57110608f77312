/** A field of a form, made from the type that the catalog declares. */
export interface FormField {
  readonly name: string;
  readonly optional: boolean;
  readonly kind: "text" | "integer" | "decimal" | "boolean" | "json";
  /** What the catalog declares, for people. */
  readonly says: string;
}

/** Fields for these arguments, in the catalog's order; a `?` at the end of a name says that it may be left out. */
export function fieldsOf(types: Readonly<Record<string, unknown>>): readonly FormField[] {
  return Object.entries(types).map(([key, type]) => {
    const optional = key.endsWith("?");
    return {
      name: optional ? key.slice(0, -1) : key,
      optional,
      kind: kindOf(type),
      says: typeof type === "string" ? type : JSON.stringify(type),
    };
  });
}

function kindOf(type: unknown): FormField["kind"] {
  switch (type) {
    case "string":
    case "email":
    case "datetime":
      return "text";
    case "integer":
    case "decimal":
    case "boolean":
      return type;
    default:
      return "json";
  }
}

/** What the fields say: values by name, and by name what cannot be read. A field that is empty is left out. */
export interface Filled {
  readonly values: Readonly<Record<string, unknown>>;
  readonly errors: Readonly<Record<string, string>>;
}

/** Reads what was typed. A missing argument is no error here: the policy answers for that. */
export function read(fields: readonly FormField[], typed: Readonly<Record<string, string>>): Filled {
  const values: Record<string, unknown> = {};
  const errors: Record<string, string> = {};
  for (const { name, kind } of fields) {
    const text = typed[name] ?? "";
    if (text === "") continue;
    const value = valueOf(kind, text);
    if (value === undefined) errors[name] = WRONG[kind];
    else values[name] = value;
  }
  return { values, errors };
}

const WRONG: Readonly<Record<FormField["kind"], string>> = {
  text: "This is no text.",
  integer: "Write a whole number, as in 42.",
  decimal: "Write a number, as in 12.50.",
  boolean: "Choose yes or no.",
  json: 'This is no JSON. Write it as in ["a"] or {"id": 1}; a text needs quotes.',
};

function valueOf(kind: FormField["kind"], text: string): unknown {
  switch (kind) {
    case "text":
      return text;
    case "integer":
      return /^-?\d{1,15}$/u.test(text.trim()) ? Number(text) : undefined;
    case "decimal":
      return /^-?\d{1,15}(?:\.\d{1,10})?$/u.test(text.trim()) ? Number(text) : undefined;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "json":
      return jsonOf(text);
  }
}

/** The value of a JSON text; undefined when it is none. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
