import { dict, list, uidOf } from "./question.ts";
import type { Dict, Json } from "./question.ts";

/** Cedar text of a policy or a template in JSON form; whole numbers are printed to the last digit. */
export function printPolicy(tree: Dict, layout: Layout = PLAIN): string {
  const notes = Object.entries<Json>(dict(tree["annotations"] ?? {}));
  const annotations = notes.map(([name, value]) => `@${name}${value === null ? "" : `(${quote(String(value))})`}\n`);
  const head = ["principal", "action", "resource"].map((name) => `${name}${printScope(dict(tree[name]))}`);
  const clauses = list(tree["conditions"]).map((each) => ` ${String(dict(each)["kind"])} { ${print(dict(each)["body"], layout)} }`);
  return `${annotations.join("")}${String(tree["effect"])} (${head.join(`,${layout.space()}`)})${clauses.join(layout.space())};`;
}

/** What stands where the grammar allows white space. */
export interface Layout {
  readonly space: () => string;
}

const PLAIN: Layout = { space: () => " " };

function printScope(scope: Dict): string {
  const target = (of: Dict): string =>
    String(of["slot"] ?? (of["entities"] === undefined ? printUid(of["entity"]) : printUids(of["entities"])));
  if (scope["op"] === "All") return "";
  if (scope["op"] !== "is") return ` ${String(scope["op"])} ${target(scope)}`;
  return ` is ${String(scope["entity_type"])}${scope["in"] === undefined ? "" : ` in ${target(dict(scope["in"]))}`}`;
}

function printUids(entities: Json): string {
  return `[${list(entities).map(printUid).join(", ")}]`;
}

function printUid(entity: Json | undefined): string {
  const { type, id } = uidOf(entity);
  return `${type}::${quote(id)}`;
}

function print(expression: Json | undefined, layout: Layout): string {
  const [operator = "", args = null] = Object.entries<Json>(dict(expression))[0] ?? [];
  if (operator === "Value") return printLiteral(args);
  if (operator === "Var") return String(args);
  if (operator === "Set")
    return `[${list(args)
      .map((each) => print(each, layout))
      .join(",")}]`;
  if (operator === "Record") return printRecord(dict(args), (each) => print(each, layout));
  if (Array.isArray(args))
    return printCall(
      operator,
      args.map((each) => print(each, layout)),
    );
  const arg = (name: string): string => print(dict(args)[name], layout);
  const space = layout.space();
  switch (operator) {
    case "!":
    case "neg":
      return `${operator === "!" ? "!" : "-"}(${arg("arg")})`;
    case "if-then-else":
      return `(if ${arg("if")}${space}then ${arg("then")}${space}else ${arg("else")})`;
    case "is":
      return `(${arg("left")} is ${String(dict(args)["entity_type"])}${dict(args)["in"] === undefined ? "" : ` in ${arg("in")}`})`;
    case "like":
      return `(${arg("left")} like "${list(dict(args)["pattern"]).map(printPart).join("")}")`;
    case ".":
      return `${receiver(arg("left"))}${printMember(String(dict(args)["attr"]))}`;
    case "has":
      return printHas(arg("left"), [dict(args)["attr"] ?? ""].flat().map(String));
    case "isEmpty":
      return `${receiver(arg("arg"))}.isEmpty()`;
    case "contains":
    case "containsAll":
    case "containsAny":
    case "hasTag":
    case "getTag":
      return `${receiver(arg("left"))}.${operator}(${arg("right")})`;
    default:
      return `(${arg("left")} ${operator}${space}${arg("right")})`;
  }
}

function printLiteral(json: Json): string {
  if (typeof json === "string") return quote(json);
  if (Array.isArray(json)) return `[${json.map(printLiteral).join(", ")}]`;
  if (typeof json === "object" && json !== null) {
    if (json["__entity"] !== undefined) return printUid(json);
    const { fn, arg } = dict(json["__extn"] ?? {});
    return fn === undefined ? printRecord(json, printLiteral) : printCall(String(fn), [printLiteral(arg ?? null)]);
  }
  return String(json).startsWith("-") ? `(${String(json)})` : String(json);
}

function printRecord(record: Dict, printValue: (json: Json) => string): string {
  return `{${Object.entries<Json>(record)
    .map(([name, each]) => `${quote(name)}: ${printValue(each)}`)
    .join(", ")}}`;
}

function printCall(name: string, args: readonly string[]): string {
  if (CONSTRUCTORS.has(name)) return `${name}(${args.join(", ")})`;
  const [self = "", ...others] = args;
  return `${receiver(self)}.${name}(${others.join(", ")})`;
}

const CONSTRUCTORS = new Set(["decimal", "ip", "datetime", "duration"]);

function receiver(text: string): string {
  return /^[a-z]+$/.test(text) ? text : `(${text})`;
}

function printMember(name: string): string {
  return isIdentifier(name) ? `.${name}` : `[${quote(name)}]`;
}

/** The grammar has paths of identifiers only; others are spelled out, which means the same. */
function printHas(left: string, path: readonly string[]): string {
  if (path.every(isIdentifier)) return `(${left} has ${path.join(".")})`;
  const tests = path.map((name, index) => {
    const base = path.slice(0, index).reduce((text, each) => `${text}${printMember(each)}`, receiver(left));
    return `${base} has ${isIdentifier(name) ? name : quote(name)}`;
  });
  return `(${tests.map((each) => `(${each})`).join(" && ")})`;
}

const RESERVED = new Set(["true", "false", "if", "then", "else", "in", "is", "like", "has"]);

function isIdentifier(name: string): boolean {
  return /^[A-Za-z_]\w*$/.test(name) && !RESERVED.has(name);
}

function printPart(part: Json): string {
  return part === "Wildcard" ? "*" : escape(String(dict(part)["Literal"])).replaceAll("*", "\\*");
}

function quote(text: string): string {
  return `"${escape(text)}"`;
}

function escape(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is escaped
  return text.replaceAll(/[\\"\u0000-\u001f\u007f]/g, (char) => ESCAPES.get(char) ?? `\\u{${char.charCodeAt(0).toString(16)}}`);
}

const ESCAPES = new Map([
  ["\\", "\\\\"],
  ['"', '\\"'],
  ["\n", "\\n"],
  ["\t", "\\t"],
  ["\u0000", "\\0"],
]);
