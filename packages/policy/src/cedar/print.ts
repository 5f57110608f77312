import { formatDecimal } from "./decimal.ts";
import type { Expr } from "./expression.ts";
import { formatIp } from "./ip.ts";
import { isLong } from "./long.ts";
import { formatDatetime, formatDuration } from "./time.ts";
import type { Uid, Value } from "./value.ts";

/** Cedar text of an expression on one line, with no more brackets than it needs. It parses to the same expression again. */
export function print(expr: Expr): string {
  switch (expr.op) {
    case "value":
      return printValue(expr.value);
    case "error":
      // A failing constant has no shorter text than one that fails.
      return "(0 == (9223372036854775807 + 1))";
    case "variable":
      return expr.name;
    case "!":
      return `!${operand(expr.of, MEMBER)}`;
    case "neg":
      // A sign before a number is part of the number.
      return `-${expr.of.op === "value" ? `(${print(expr.of)})` : operand(expr.of, MEMBER)}`;
    case "isEmpty":
      return `${operand(expr.of, MEMBER)}.isEmpty()`;
    case "contains":
    case "containsAll":
    case "containsAny":
    case "getTag":
    case "hasTag":
      return `${operand(expr.left, MEMBER)}.${expr.op}(${print(expr.right)})`;
    case "if":
      return `if ${print(expr.test)} then ${print(expr.yes)} else ${print(expr.no)}`;
    case "get":
      return `${operand(expr.of, MEMBER)}${IDENTIFIER.test(expr.name) && !RESERVED.has(expr.name) ? `.${expr.name}` : `[${printText(expr.name)}]`}`;
    case "has":
      return `${operand(expr.of, SUM)} has ${IDENTIFIER.test(expr.name) && !RESERVED.has(expr.name) ? expr.name : printText(expr.name)}`;
    case "like":
      return `${operand(expr.of, SUM)} like "${expr.pattern.map((piece) => printText(piece).slice(1, -1).replaceAll("*", "\\*")).join("*")}"`;
    case "is":
      return `${operand(expr.of, SUM)} is ${expr.type}`;
    case "set":
      return `[${expr.items.map((item) => print(item)).join(", ")}]`;
    case "record":
      return `{${expr.fields.map(([name, field]) => `${printText(name)}: ${print(field)}`).join(", ")}}`;
    case "call":
      return printCall(expr.call.name, expr.call.constructs, expr.args);
    case "||":
    case "&&":
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
    case "in":
    case "+":
    case "-":
    case "*": {
      const level = levelOf(expr);
      // Relations do not chain, sums and products and logic group to the left.
      const left = operand(expr.left, level === RELATION ? SUM : level);
      return `${left} ${expr.op} ${operand(expr.right, level + 1)}`;
    }
  }
}

function printCall(name: string, constructs: boolean, args: readonly Expr[]): string {
  const [first, ...rest] = args;
  if (constructs || first === undefined) return `${name}(${args.map((arg) => print(arg)).join(", ")})`;
  return `${operand(first, MEMBER)}.${name}(${rest.map((arg) => print(arg)).join(", ")})`;
}

const [CHOICE, OR, AND, RELATION, SUM, PRODUCT, UNARY, MEMBER] = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** How tightly each operator binds; operands that bind less need brackets. What is not here binds tightest. */
const LEVELS: ReadonlyMap<Expr["op"], number> = new Map<Expr["op"], number>([
  ["if", CHOICE],
  ["||", OR],
  ["&&", AND],
  ...(["==", "!=", "<", "<=", ">", ">=", "in", "has", "like", "is"] as const).map((op) => [op, RELATION] as const),
  ["+", SUM],
  ["-", SUM],
  ["*", PRODUCT],
  ["!", UNARY],
  ["neg", UNARY],
]);

function levelOf(expr: Expr): number {
  // A negative number starts with a sign.
  if (expr.op === "value") return isLong(expr.value) && expr.value < 0 ? UNARY : MEMBER;
  return LEVELS.get(expr.op) ?? MEMBER;
}

function operand(expr: Expr, level: number): string {
  return levelOf(expr) < level ? `(${print(expr)})` : print(expr);
}

const IDENTIFIER = /^[A-Za-z_]\w*$/;
const RESERVED: ReadonlySet<string> = new Set(["true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"]);

export function printValue(value: Value): string {
  if (typeof value === "string") return printText(value);
  if (typeof value !== "object") return String(value);
  switch (value.kind) {
    case "entity":
      return printUid(value);
    case "set":
      return `[${value.items.map((item) => printValue(item)).join(", ")}]`;
    case "record":
      return `{${[...value.fields].map(([name, field]) => `${printText(name)}: ${printValue(field)}`).join(", ")}}`;
    case "decimal":
      return `decimal("${formatDecimal(value)}")`;
    case "ip":
      return `ip("${formatIp(value)}")`;
    case "datetime":
      return formatDatetime(value);
    case "duration":
      return `duration("${formatDuration(value)}")`;
  }
}

export function printUid(uid: Uid): string {
  return `${uid.type}::${printText(uid.id)}`;
}

/** A string literal. Cedar's escapes are Rust's, so control characters and separators go by code point. */
function printText(text: string): string {
  const escaped = text
    .replace(/["\\]/g, "\\$&")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
  return `"${escaped}"`;
}
