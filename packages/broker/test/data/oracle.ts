import { createHash } from "node:crypto";
import type { Json, JsonObject } from "@bailiwick/policy";
import { type Condition, OPTIONAL } from "./condition.ts";
import type { Thing } from "./records.ts";
import { type Asked, type Fields, LABELS, type Masked, type RuleSet, type When, WHENS } from "./rule-set.ts";

/**
 * What a caller must see, worked out from the rules as they are written, one record at a time over all the data. Nothing here is taken from
 * the policy package: not Cedar, not `present`, not the lowering to SQL.
 */
export interface Viewer {
  readonly rules: RuleSet;
  readonly asked: Asked;
}

export const SALT = "a secret of the tests";

/** The visible records in the order of their ids; "refused" when no grant lets the call pass at all. */
export function visibleTo(viewers: readonly Viewer[], things: readonly Thing[]): readonly JsonObject[] | "refused" {
  if (viewers.some((viewer) => permitting(viewer).length === 0)) return "refused";
  return things
    .filter((thing) => viewers.every((viewer) => showing(viewer, thing).length > 0))
    .map((thing) => viewers.reduce<JsonObject>((seen, viewer) => treated(seen, viewer, thing), thing))
    .map((record) => tidy(record));
}

/** A record without what it does not have, so that absent, null and hidden are one. */
export function tidy(record: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(record).flatMap(([name, value]): (readonly [string, Json])[] => {
      if (value === null) return [];
      if (typeof value !== "object" || Array.isArray(value)) return [[name, value]];
      const inner = tidy(value as JsonObject);
      return Object.keys(inner).length === 0 ? [] : [[name, inner]];
    }),
  );
}

type Grant = RuleSet["grants"][number];

function permitting(viewer: Viewer): readonly Grant[] {
  const { grants, inherited } = viewer.rules;
  return [...grants, ...inherited].filter(({ when }) => holds(when, viewer));
}

function holds(when: When | undefined, { rules, asked }: Viewer): boolean {
  if (when === undefined) return true;
  switch (WHENS[when]) {
    case "task":
      return asked.task === "T-1";
    case "region":
      return rules.region === "emea";
    case "home":
      return asked.home !== undefined;
  }
}

function showing(viewer: Viewer, thing: Thing): readonly Grant[] {
  const { asked, rules } = viewer;
  if (thing.tenant !== asked.tenant) return [];
  for (const { Thing: bound } of asked.rows) {
    for (const [field, values] of Object.entries(bound)) {
      const value = valueOf(thing, field);
      if (value === null || !values.includes(String(value))) return [];
    }
  }
  if (rules.denies.some((deny) => holds(deny.when, viewer) && judge(deny.rows, thing, viewer) !== false)) return [];
  return permitting(viewer).filter(({ rows }) => rows === undefined || judge(rows, thing, viewer) === true);
}

/** "error": a field was read that should be there and is not. */
type Judged = boolean | "error";

function judge(condition: Condition, thing: Thing, viewer: Viewer): Judged {
  const compared = (field: string, by: (value: string | number | boolean) => boolean): Judged => {
    const value = valueOf(thing, field);
    if (value !== null) return by(value);
    return OPTIONAL.has(field) ? false : "error";
  };
  switch (condition.op) {
    case "and": {
      const left = judge(condition.left, thing, viewer);
      return left === true ? judge(condition.right, thing, viewer) : left;
    }
    case "or": {
      const left = judge(condition.left, thing, viewer);
      return left === false ? judge(condition.right, thing, viewer) : left;
    }
    case "not": {
      const inner = judge(condition.of, thing, viewer);
      return inner === "error" ? inner : !inner;
    }
    case "equals":
      return compared(condition.field, (value) => value === condition.value);
    case "differs":
      return compared(condition.field, (value) => value !== condition.value);
    case "below":
      return compared(condition.field, (value) => Number(value) < condition.value);
    case "atMost":
      return compared(condition.field, (value) => Number(value) <= condition.value);
    case "above":
      return compared(condition.field, (value) => Number(value) > condition.value);
    case "atLeast":
      return compared(condition.field, (value) => Number(value) >= condition.value);
    case "cheaper":
      return compared("amount", (value) => Number(value) < Number(condition.value));
    case "dearer":
      return compared("amount", (value) => Number(value) > Number(condition.value));
    case "before":
      return compared("due", (value) => Date.parse(String(value)) < Date.parse(condition.value));
    case "after":
      return compared("due", (value) => Date.parse(String(value)) > Date.parse(condition.value));
    case "like":
      return compared(condition.field, (value) => isLike(String(value), condition.parts));
    case "among":
      return compared(condition.field, (value) => condition.values.includes(String(value)));
    case "has":
      return valueOf(thing, condition.field) !== null;
    case "agentsRegion":
      return thing.region === viewer.rules.region;
    case "sessionsHome":
      return thing.region === viewer.asked.home;
  }
}

function valueOf(thing: Thing, field: string): string | number | boolean | null {
  const { id, region, tier, amount, open, due, note, email, score, owner } = thing;
  const values: Readonly<Record<string, string | number | boolean | null>> = {
    id,
    region,
    tier,
    amount,
    open,
    due,
    note,
    email,
    score,
    "owner.name": owner.name,
    "owner.phone": owner.phone,
  };
  return values[field] ?? null;
}

function isLike(text: string, parts: readonly string[]): boolean {
  const literal = parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`));
  return new RegExp(`^${literal.join("[^]*")}$`, "u").test(text);
}

/**
 * Each value by itself: of grants that show the record the one that shows most of it counts, of gates each. What a rule says of a path it
 * says of all inside.
 */
function treated(record: JsonObject, viewer: Viewer, thing: Thing): JsonObject {
  const grants = showing(viewer, thing).map(({ fields }) => spelled(fields));
  const gates = viewer.rules.gates.filter(({ when }) => holds(when, viewer)).map(({ fields }) => spelled(fields));
  const of = (path: string, value: Json): Json => {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return Object.fromEntries(Object.entries(value).map(([name, inner]: [string, Json]) => [name, of(`${path}.${name}`, inner)]));
    const most = Math.max(...grants.map((rules) => shown(rules, path)));
    const least = Math.min(most, ...gates.map((rules) => shown(rules, path)));
    return asTreated(value, SCALE[least] ?? "hide");
  };
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, of(name, value)]));
}

/** By how much is shown. */
const SCALE = ["hide", "redact", "hash", "partial", "show"] as const;
type Treatment = (typeof SCALE)[number];

type Spelled = readonly (readonly [path: string, treatment: "hide" | Masked])[];

function spelled({ hide, mask }: Fields): Spelled {
  const all = [...hide.map((name) => [name, "hide"] as const), ...Object.entries(mask)];
  const labels: readonly (readonly [string, readonly string[]])[] = [...Object.entries(LABELS.things), ...Object.entries(LABELS.web)];
  return all.flatMap(([name, treatment]) => {
    if (!name.startsWith("@")) return [[name, treatment] as const];
    return labels.filter(([, names]) => names.includes(name.slice(1))).map(([path]) => [path, treatment] as const);
  });
}

/** What one rule says of a path: of all that it says of it, or of what it lies in, the least. */
function shown(rules: Spelled, path: string): number {
  const said = rules.filter(([ruled]) => path === ruled || path.startsWith(`${ruled}.`)).map(([, treatment]) => SCALE.indexOf(treatment));
  return Math.min(SCALE.indexOf("show"), ...said);
}

function asTreated(value: Json, treatment: Treatment): Json {
  if (treatment === "show") return value;
  return treatment === "hide" || value === null ? null : masked(value, treatment);
}

function masked(value: Json, mask: Masked): Json {
  if (typeof value === "number") return 0;
  if (typeof value === "boolean") return false;
  if (typeof value !== "string") throw new Error("no rule of the suite masks a list");
  if (mask === "redact") return "[redacted]";
  if (mask === "hash")
    return createHash("sha256")
      .update(`${String(SALT.length)}\n${SALT}${value}`)
      .digest("hex")
      .slice(0, 12);
  const address = /^(.)\S*(@[^@\s]*)$/su.exec(value);
  if (address !== null && !/\s/u.test(value)) return `${address[1] ?? ""}***${address[2] ?? ""}`;
  const letters = Array.from(value);
  const stars = letters.length < 8 ? letters.length : letters.length - 4;
  return "*".repeat(stars) + letters.slice(stars).join("");
}
