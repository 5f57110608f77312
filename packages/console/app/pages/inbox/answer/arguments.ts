/** An argument as it is edited: its kind stays what it was. */
export interface EditedArgument {
  readonly name: string;
  readonly kind: "text" | "number" | "boolean" | "json";
  readonly text: string;
}

/** Arguments as fields. */
export function fieldsOf(args: Readonly<Record<string, unknown>>): readonly EditedArgument[] {
  return Object.entries(args).map(([name, value]) => {
    if (typeof value === "string") return { name, kind: "text", text: value };
    if (typeof value === "number") return { name, kind: "number", text: String(value) };
    if (typeof value === "boolean") return { name, kind: "boolean", text: String(value) };
    return { name, kind: "json", text: JSON.stringify(value, undefined, 2) };
  });
}

/** The value of a field, or what is wrong with it. */
export function valueOf({ kind, text }: EditedArgument): { readonly value: unknown } | { readonly problem: string } {
  switch (kind) {
    case "text":
      return { value: text };
    case "boolean":
      return { value: text === "true" };
    case "number": {
      const value = Number(text);
      return text.trim() === "" || !Number.isFinite(value) ? { problem: "this must be a number" } : { value };
    }
    case "json":
      return jsonValue(text);
  }
}

/** Arguments written as one JSON object. */
export function argsOf(text: string): { readonly args: Record<string, unknown> } | { readonly problem: string } {
  const parsed = jsonValue(text);
  if ("problem" in parsed) return parsed;
  const { value } = parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { problem: "arguments are one JSON object" };
  return { args: Object.fromEntries(Object.entries(value)) };
}

function jsonValue(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { problem: "this is not valid JSON" };
  }
}
