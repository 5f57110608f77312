import { parseSync } from "oxc-parser";

/** What the rules need to know of one TypeScript file. Lines count from 1. */
export interface Source {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  readonly impurities: readonly Found[];
  readonly unsafe: readonly Found[];
}

export interface Import {
  readonly from: string;
  readonly line: number;
  readonly typeOnly: boolean;
  readonly names: readonly string[];
}

export interface Found {
  readonly what: string;
  readonly line: number;
}

/** Parses one file. @throws Error when it is not TypeScript: an unreadable file must not count as a clean one. */
export function readSource(path: string, text: string): Source {
  const parsed = parseSync(path, text);
  const [problem] = parsed.errors;
  if (problem !== undefined) throw new Error(`${path} cannot be parsed: ${problem.message}`);
  const lineOf = lineFinder(text);
  const excused = new Set(
    parsed.comments.filter((comment) => EXCUSE.test(comment.value)).flatMap((comment) => [lineOf(comment.end), lineOf(comment.end) + 1]),
  );
  const impurities: Found[] = [];
  const unsafe: Found[] = [];
  walk(parsed.program, (node, parent) => {
    const line = lineOf(typeof node["start"] === "number" ? node["start"] : 0);
    const impure = impurity(node, parent);
    if (impure !== undefined) impurities.push({ what: impure, line });
    const cast = unsafety(node);
    if (cast !== undefined && !excused.has(line)) unsafe.push({ what: cast, line });
  });
  return { path, lines: text.split("\n").length - 1, imports: importsOf(parsed, lineOf), impurities, unsafe };
}

/** The string members of a union type, e.g. every code of `type RefusalCode = "a" | "b"`; names of other types are not followed. */
export function unionMembers(path: string, text: string, typeName: string): readonly string[] {
  const members: string[] = [];
  walk(parseSync(path, text).program, (node) => {
    if (node["type"] !== "TSTypeAliasDeclaration" || nameOf(node["id"]) !== typeName) return;
    walk(node["typeAnnotation"], (inner) => {
      if (inner["type"] === "Literal" && typeof inner["value"] === "string") members.push(inner["value"]);
    });
  });
  return members;
}

/** A comment that excuses an unsafe expression on its own or the next line: a lint directive or `unsafe`, then the reason. */
const EXCUSE = /^\s*(?:oxlint-disable\S*.*--|unsafe:)\s+\S+/;

type Node = Readonly<Record<string, unknown>>;

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value;
}

function walk(value: unknown, visit: (node: Node, parent: Node | undefined) => void, parent?: Node): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit, parent);
    return;
  }
  if (!isNode(value)) return;
  visit(value, parent);
  for (const child of Object.values(value)) if (typeof child === "object") walk(child, visit, value);
}

function nameOf(node: unknown): string | undefined {
  return isNode(node) && node["type"] === "Identifier" && typeof node["name"] === "string" ? node["name"] : undefined;
}

/** Globals through which the world gets in: clock, randomness, network, timers, the process. */
const WORLD = new Set([
  "process",
  "globalThis",
  "fetch",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "performance",
  "crypto",
  "console",
  "require",
  "WebSocket",
  "EventSource",
  "navigator",
  "localStorage",
]);
const WORLD_MEMBERS = new Set(["Date.now", "Math.random", "AbortSignal.timeout"]);

function impurity(node: Node, parent: Node | undefined): string | undefined {
  if (node["type"] === "MemberExpression") {
    const member = `${nameOf(node["object"]) ?? ""}.${nameOf(node["property"]) ?? ""}`;
    return WORLD_MEMBERS.has(member) ? member : undefined;
  }
  const isDate = nameOf(node["callee"]) === "Date" && Array.isArray(node["arguments"]);
  if (isDate && node["type"] === "CallExpression") return "Date()";
  if (isDate && node["type"] === "NewExpression" && Array.isArray(node["arguments"]) && node["arguments"].length === 0) return "new Date()";
  const name = nameOf(node);
  return name !== undefined && WORLD.has(name) && !isMereName(node, parent) ? name : undefined;
}

/** True where an identifier is a key, a member or a type's part rather than a use of the global of that name. */
function isMereName(node: Node, parent: Node | undefined): boolean {
  if (parent === undefined) return false;
  if (parent["type"] === "MemberExpression") return parent["property"] === node && parent["computed"] !== true;
  const keyed = [
    "Property",
    "MethodDefinition",
    "PropertyDefinition",
    "TSPropertySignature",
    "TSMethodSignature",
    "TSAbstractMethodDefinition",
  ];
  if (keyed.includes(String(parent["type"]))) return parent["key"] === node;
  return parent["type"] === "ImportSpecifier" || parent["type"] === "TSQualifiedName";
}

function unsafety(node: Node): string | undefined {
  if (node["type"] === "TSAnyKeyword") return "any";
  if (node["type"] === "TSNonNullExpression") return "non-null `!`";
  const inner = node["expression"];
  const doubleCast = node["type"] === "TSAsExpression" && isNode(inner) && inner["type"] === "TSAsExpression";
  return doubleCast ? "as ... as" : undefined;
}

function importsOf(parsed: ReturnType<typeof parseSync>, lineOf: (offset: number) => number): readonly Import[] {
  const found: Import[] = [];
  const add = (node: Node, names: readonly string[], typeOnly: boolean): void => {
    const source = node["source"];
    if (!isNode(source) || typeof source["value"] !== "string" || typeof node["start"] !== "number") return;
    found.push({ from: source["value"], line: lineOf(node["start"]), typeOnly, names });
  };
  walk(parsed.program, (node) => {
    if (node["type"] === "ImportDeclaration") {
      const specifiers = Array.isArray(node["specifiers"]) ? node["specifiers"].filter(isNode) : [];
      const typeOnly = node["importKind"] === "type" || (specifiers.length > 0 && specifiers.every((one) => one["importKind"] === "type"));
      add(
        node,
        specifiers.map((one) => nameOf(one["imported"]) ?? "*"),
        typeOnly,
      );
    } else if (node["type"] === "ExportNamedDeclaration" || node["type"] === "ExportAllDeclaration") {
      add(node, ["*"], node["exportKind"] === "type");
    } else if (node["type"] === "ImportExpression") {
      add(node, ["*"], false);
    }
  });
  return found;
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => starts.findLastIndex((start) => start <= offset) + 1;
}
