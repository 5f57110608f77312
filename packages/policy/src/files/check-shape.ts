import { z } from "zod";
import { suggestion } from "./did-you-mean.ts";
import type { Report, Source } from "./source.ts";

/** Checks a file against its schema; every issue becomes a diagnostic at its own line. Returns undefined when there was one. */
export function checkShape<T extends z.ZodType>(source: Source, schema: T, report: Report): z.output<T> | undefined {
  const parsed = schema.safeParse(source.value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) reportIssue(source, schema, issue, [], report);
  return undefined;
}

function reportIssue(source: Source, schema: z.ZodType, issue: z.core.$ZodIssue, base: readonly PropertyKey[], report: Report): void {
  const path = [...base, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    for (const key of issue.keys) reportUnknownKey(source, schema, path, key, report);
    return;
  }
  if (issue.code === "invalid_union") {
    const branch = closestBranch(issue.errors);
    if (branch !== undefined) {
      for (const inner of branch) reportIssue(source, schema, inner, path, report);
      return;
    }
  }
  const missing = issue.code !== "custom" && "input" in issue ? issue.input === undefined : isAbsent(source.value, path);
  const where = path.length === 0 ? "the file" : `\`${path.map(String).join(".")}\``;
  report({
    code: missing ? "missing-key" : "invalid-value",
    severity: "error",
    at: source.at(path, "value"),
    what: missing ? `${where} is missing` : `${where}: ${lowerFirst(issue.message)}`,
    why: whyOf(path, missing),
    write: writeOf(path, issue),
  });
}

/** The branch a writer most likely meant is the one that got furthest before it failed. */
function closestBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const depth = (issues: readonly z.core.$ZodIssue[]): number =>
    Math.max(...issues.map((issue) => issue.path.length * 2 + (issue.code === "unrecognized_keys" ? 1 : 0)));
  const ranked = branches.filter((issues) => issues.length > 0).toSorted((a, b) => depth(b) - depth(a));
  const best = ranked[0];
  return best !== undefined && depth(best) > 0 ? best : undefined;
}

function reportUnknownKey(source: Source, schema: z.ZodType, path: readonly PropertyKey[], key: string, report: Report): void {
  const known = keysAt(schema, path);
  report({
    code: "unknown-key",
    severity: "error",
    at: source.at([...path, key]),
    what: `unknown key \`${key}\``,
    why: "a misspelt key would silently drop what it was meant to say",
    write: suggestion(key, known, "remove the key"),
  });
}

function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let nodes: readonly unknown[] = [schema];
  for (const step of path) nodes = nodes.flatMap((node) => stepInto(node, step));
  return [...new Set(nodes.flatMap((node) => objectsIn(node)).flatMap((object) => Object.keys(object.shape)))];
}

function stepInto(node: unknown, step: PropertyKey): readonly unknown[] {
  const bare = unwrap(node);
  if (bare instanceof z.ZodUnion) return bare.options.flatMap((option) => stepInto(option, step));
  if (bare instanceof z.ZodObject) {
    const shape: Readonly<Record<string, unknown>> = bare.shape;
    return typeof step === "string" && Object.hasOwn(shape, step) ? [shape[step]] : [];
  }
  if (bare instanceof z.ZodRecord) return [bare.valueType];
  if (bare instanceof z.ZodArray) return [bare.element];
  return [];
}

function objectsIn(node: unknown): readonly z.ZodObject[] {
  const bare = unwrap(node);
  if (bare instanceof z.ZodObject) return [bare];
  return bare instanceof z.ZodUnion ? bare.options.flatMap((option) => objectsIn(option)) : [];
}

function unwrap(node: unknown): unknown {
  if (node instanceof z.ZodOptional || node instanceof z.ZodExactOptional || node instanceof z.ZodDefault) return unwrap(node.unwrap());
  return node;
}

function isAbsent(value: unknown, path: readonly PropertyKey[]): boolean {
  let current = value;
  for (const step of path) {
    if (typeof current !== "object" || current === null) return true;
    current = Reflect.get(current, step);
  }
  return current === undefined;
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

function whyOf(path: readonly PropertyKey[], missing: boolean): string {
  const last = path.at(-1);
  if (missing && (last === "ceiling" || path.includes("ceiling")))
    return "an agent without a ceiling could be given any right by a careless role";
  if (missing && last === "reason") return "a rule whose reason nobody wrote down cannot be reviewed";
  return "the file has one exact format, so that nothing in it is silently ignored";
}

function writeOf(path: readonly PropertyKey[], issue: z.core.$ZodIssue): string {
  const last = path.at(-1);
  if (last === "ceiling") return '`ceiling: { allow: ["tickets:*"], effects: [read, write] }`';
  if (last === "reason") return "`reason: why this rule exists`";
  if (last === "version") return "`version: 1`";
  if (issue.code === "invalid_value") return `one of ${issue.values.map((value) => `\`${String(value)}\``).join(", ")}`;
  return "see docs/spec/policy-files.md for the key";
}
