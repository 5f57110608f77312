import fc from "fast-check";
import { AMONG, DAYS, NAMES, REGIONS } from "./records.ts";

/** What a rule may ask of a record. Optional fields are asked for only where they are there, as Cedar's validator wants it. */
export type Condition =
  | { readonly op: "and" | "or"; readonly left: Condition; readonly right: Condition }
  | { readonly op: "not"; readonly of: Condition }
  | { readonly op: "equals" | "differs"; readonly field: string; readonly value: string | number | boolean }
  | { readonly op: "below" | "atMost" | "above" | "atLeast"; readonly field: "tier" | "score"; readonly value: number }
  | { readonly op: "cheaper" | "dearer"; readonly value: string }
  | { readonly op: "before" | "after"; readonly value: string }
  /** Texts between wildcards. */
  | { readonly op: "like"; readonly field: string; readonly parts: readonly string[] }
  | { readonly op: "among"; readonly field: string; readonly values: readonly string[] }
  | { readonly op: "has"; readonly field: string }
  /** The field is what the agent has as its region. */
  | { readonly op: "agentsRegion" }
  /** The field is what the session was opened with as its home, if with any. */
  | { readonly op: "sessionsHome" };

export const OPTIONAL: ReadonlySet<string> = new Set(["note", "email", "score", "owner.phone"]);

/** The condition in Cedar. */
export function cedarOf(condition: Condition): string {
  switch (condition.op) {
    case "and":
    case "or":
      return `(${cedarOf(condition.left)} ${condition.op === "and" ? "&&" : "||"} ${cedarOf(condition.right)})`;
    case "not":
      return `!(${cedarOf(condition.of)})`;
    case "equals":
    case "differs":
      return guarded(condition.field, `resource.${condition.field} ${condition.op === "equals" ? "==" : "!="} ${literal(condition.value)}`);
    case "below":
    case "atMost":
    case "above":
    case "atLeast":
      return guarded(condition.field, `resource.${condition.field} ${SIGNS[condition.op]} ${condition.value}`);
    case "cheaper":
    case "dearer":
      return `resource.amount.${condition.op === "cheaper" ? "lessThan" : "greaterThan"}(decimal("${condition.value}"))`;
    case "before":
    case "after":
      return `resource.due ${condition.op === "before" ? "<" : ">"} datetime("${condition.value}")`;
    case "like":
      return guarded(
        condition.field,
        `resource.${condition.field} like "${condition.parts.map((part) => escaped(part).replaceAll("*", String.raw`\*`)).join("*")}"`,
      );
    case "among":
      return guarded(condition.field, `[${condition.values.map(literal).join(", ")}].contains(resource.${condition.field})`);
    case "has":
      return hasText(condition.field);
    case "agentsRegion":
      return "resource.region == principal.region";
    case "sessionsHome":
      return "(context.session.data has home && resource.region == context.session.data.home)";
  }
}

const SIGNS = { below: "<", atMost: "<=", above: ">", atLeast: ">=" } as const;

function guarded(field: string, text: string): string {
  return OPTIONAL.has(field) ? `(${hasText(field)} && ${text})` : text;
}

function hasText(field: string): string {
  const [last = "", ...above] = field.split(".").toReversed();
  return `${["resource", ...above.toReversed()].join(".")} has ${last}`;
}

function literal(value: string | number | boolean): string {
  return typeof value === "string" ? `"${escaped(value)}"` : String(value);
}

/** Cedar's escapes: everything beyond plain ASCII by its number. */
function escaped(text: string): string {
  return Array.from(text, (character) =>
    /[ !#-[\]-~]/u.test(character) ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  ).join("");
}

const texts = fc.constantFrom("note", "email", "region", "owner.name", "owner.phone");
const atom: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({
    op: fc.constantFrom("equals" as const, "differs" as const),
    field: fc.constant("region"),
    value: fc.constantFrom(...REGIONS),
  }),
  fc.record({ op: fc.constantFrom("equals" as const, "differs" as const), field: texts, value: fc.constantFrom(...NAMES) }),
  fc.record({
    op: fc.constantFrom("equals" as const, "differs" as const),
    field: fc.constant("tier"),
    value: fc.integer({ min: 0, max: 4 }),
  }),
  fc.record({ op: fc.constant("equals" as const), field: fc.constant("open"), value: fc.boolean() }),
  fc.record({
    op: fc.constantFrom("below" as const, "atMost" as const, "above" as const, "atLeast" as const),
    field: fc.constantFrom("tier" as const, "score" as const),
    value: fc.constantFrom(0, 1, 2, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
  }),
  fc.record({ op: fc.constantFrom("cheaper" as const, "dearer" as const), value: fc.constantFrom("0.0", "0.0001", "-0.5", "1000000.25") }),
  fc.record({ op: fc.constantFrom("before" as const, "after" as const), value: fc.constantFrom(...DAYS) }),
  fc.record({
    op: fc.constant("like" as const),
    field: texts,
    parts: fc.array(fc.constantFrom("", "a", "%", "_", "*", "ß", "\\"), { minLength: 2, maxLength: 3 }),
  }),
  fc.record({
    op: fc.constant("among" as const),
    field: fc.constantFrom("region", "note", "owner.name"),
    values: fc.uniqueArray(fc.constantFrom(...AMONG), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ op: fc.constant("has" as const), field: fc.constantFrom("note", "email", "score", "owner.phone") }),
  fc.constant({ op: "agentsRegion" as const }),
  fc.constant({ op: "sessionsHome" as const }),
);

export const conditions: fc.Arbitrary<Condition> = fc.letrec<{ any: Condition; joined: Condition; inverse: Condition }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    { weight: 3, arbitrary: atom },
    { weight: 2, arbitrary: tie("joined") },
    { weight: 1, arbitrary: tie("inverse") },
  ),
  joined: fc.record({ op: fc.constantFrom("and" as const, "or" as const), left: tie("any"), right: tie("any") }),
  inverse: fc.record({ op: fc.constant("not" as const), of: tie("any") }),
})).any;
