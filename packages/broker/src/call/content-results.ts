import type { ContentMeasure, Json, JsonObject, ResultContent } from "@bailiwick/policy";
import { type ContentMasking, countFound, type FoundKinds, isSecretMember, kindsIn, maskedText } from "./content-tools.ts";
import { jsonText } from "./json-text.ts";
import { isObject } from "./paths.ts";
import { mayHoldSecret } from "./secret-signs.ts";
import type { DecidedCall } from "./types.ts";

/** What shows least comes first, so that a weaker measure finds nothing left to show more of. */
const ORDER: readonly ContentMeasure[] = ["withhold", "redact", "token", "hash", "partial"];

/**
 * The result with what its rules look for masked, in every form it takes: structured content, texts that hold JSON, embedded resources, other
 * text. Forms that say the same are masked the same way. What was found is counted once, in `found`.
 */
export function contentOfResult(call: DecidedCall, body: JsonObject, masking: ContentMasking, found: FoundKinds): JsonObject {
  const rules = rulesOf(call);
  if (rules.length === 0 || (seekSecrets(rules) && !mayHold(body))) return body;
  const { returns } = call.action;
  const treat = new Treatment(rules, masking, returns?.at.split(".").slice(1));
  const cursor = returns?.cursor?.at.split(".").slice(1);
  const { structuredContent, ...rest } = body;
  const structured = structuredContent === undefined ? undefined : treat.json(structuredContent, cursor, found);
  // Where there is a structured form, the texts say the same again.
  const again: FoundKinds = structuredContent === undefined ? found : new Map();
  const others = treat.parts(rest, cursor, { json: again, text: found });
  return structured === undefined ? others : { ...others, structuredContent: structured };
}

/** The same for what a tool says instead of a result. */
export function contentOfError(call: DecidedCall, error: JsonObject, masking: ContentMasking, found: FoundKinds): JsonObject {
  const rules = rulesOf(call);
  return rules.length === 0 || (seekSecrets(rules) && !mayHold(error))
    ? error
    : new Treatment(rules, masking, undefined).parts(error, undefined, { json: found, text: found });
}

function rulesOf({ decision }: DecidedCall): readonly ResultContent[] {
  return (decision.content ?? []).flatMap(({ results }) => results).toSorted((a, b) => ORDER.indexOf(a.do) - ORDER.indexOf(b.do));
}

/** Whether nothing but secrets is looked for, as where the default gate alone bears on a call. */
function seekSecrets(rules: readonly ResultContent[]): boolean {
  return rules.every(({ kinds }) => kinds.length === 1 && kinds[0] === "secret");
}

/** Most results hold nothing that even begins like a secret: then nothing is parsed, copied or kept. */
function mayHold(value: Json): boolean {
  if (typeof value === "string") return value.length >= MIN_TEXT && mayHoldSecret(value);
  if (isList(value)) return value.some((item) => mayHold(item));
  if (!isObject(value)) return false;
  for (const name of Object.keys(value)) if (mayHoldSecret(name) || mayHold(value[name] ?? null)) return true;
  return false;
}

/** Where a value stands: below a record, by the path of the record's field; on the way to the records; or beside both. */
type Place =
  | { readonly kind: "record"; readonly path: string }
  | { readonly kind: "way"; readonly steps: readonly string[]; readonly cursor: readonly string[] | undefined }
  | { readonly kind: "beside" };

const BESIDE: Place = { kind: "beside" };

/** What was made of a text, and what was found in it. */
interface Done {
  readonly text: string;
  readonly found: FoundKinds;
}

class Treatment {
  readonly #rules: readonly ResultContent[];
  readonly #secretsOnly: boolean;
  readonly #masking: ContentMasking;
  readonly #records: readonly string[] | undefined;
  /** Names of members come with each record, and each text once more in the other form of the result. */
  readonly #done = new Map<string, Done>();

  constructor(rules: readonly ResultContent[], masking: ContentMasking, records: readonly string[] | undefined) {
    this.#rules = rules;
    this.#secretsOnly = seekSecrets(rules);
    this.#masking = masking;
    this.#records = records;
  }

  /** A structured form of the result. */
  json(value: Json, cursor: readonly string[] | undefined, found: FoundKinds): Json {
    const place: Place = this.#records === undefined ? BESIDE : placeOf(this.#records, cursor);
    return this.#value(value, place, undefined, found);
  }

  /** Everything else: each text is free text, unless it holds JSON. */
  parts(
    body: JsonObject,
    cursor: readonly string[] | undefined,
    found: { readonly json: FoundKinds; readonly text: FoundKinds },
  ): JsonObject {
    const part = (value: Json, member: string | undefined): Json => {
      if (typeof value === "string") {
        const parsed = jsonText(value);
        if (parsed === undefined) return this.#text(value, undefined, member, found.text);
        const treated = this.json(parsed, cursor, found.json);
        if (treated !== parsed) return JSON.stringify(treated);
        // The parsed number is rounded, and none of what stands in the text.
        return LONG_NUMBER.test(value) ? this.#text(value, undefined, member, found.json) : value;
      }
      if (typeof value === "number") return this.#number(value, undefined, found.text);
      if (isList(value)) return mapped(value, (item) => part(item, member));
      return isObject(value) ? members(value) : value;
    };
    const members = (value: JsonObject): JsonObject =>
      sameOr(
        value,
        Object.entries(value).map(([name, inner]): readonly [string, Json] => [
          this.#text(name, undefined, undefined, found.text),
          part(inner, name),
        ]),
      );
    return members(body);
  }

  #value(value: Json, place: Place, member: string | undefined, found: FoundKinds): Json {
    if (typeof value === "string") return this.#text(value, place, member, found);
    if (typeof value === "number") return this.#number(value, place, found);
    if (isList(value)) return mapped(value, (item) => this.#value(item, place, member, found));
    if (!isObject(value)) return value;
    return sameOr(
      value,
      Object.entries(value).map(([name, inner]): readonly [string, Json] => {
        const at = below(place, name);
        if (at === "cursor") return [name, inner];
        // A name can hold what is looked for as well.
        return [this.#text(name, place, undefined, found), this.#value(inner, at, name, found)];
      }),
    );
  }

  #text(text: string, place: Place | undefined, member: string | undefined, found: FoundKinds): string {
    const name = isSecretMember(member) ? member : undefined;
    if (text.length < MIN_TEXT || (name === undefined && (WORD.test(text) || (this.#secretsOnly && !mayHoldSecret(text))))) return text;
    const rules = this.#rules.filter((rule) => bearsOn(rule, place));
    const key = `${rules.map((rule) => this.#rules.indexOf(rule)).join()} ${name ?? ""}\0${text}`;
    const known = this.#done.get(key) ?? this.#mask(text, rules, name);
    this.#done.set(key, known);
    for (const [kind, times] of known.found) found.set(kind, (found.get(kind) ?? 0) + times);
    return known.text;
  }

  #mask(text: string, rules: readonly ResultContent[], member: string | undefined): Done {
    const found: FoundKinds = new Map();
    let left = text;
    for (const { kinds, do: measure } of rules) left = maskedText(left, { kinds, measure, member }, this.#masking, found);
    return { text: left, found };
  }

  /** A number that is one of the values looked for becomes 0, as where a field is masked. */
  #number(value: number, place: Place | undefined, found: FoundKinds): number {
    const kinds = this.#rules.filter((rule) => bearsOn(rule, place)).flatMap((rule) => rule.kinds.filter((kind) => kind !== "secret"));
    if (kinds.length === 0 || Math.abs(value) < MIN_NUMBER) return value;
    const [kind] = kindsIn(String(value), kinds);
    if (kind === undefined) return value;
    countFound(found, kind);
    return 0;
  }
}

/** Beyond what JavaScript holds exactly. */
const LONG_NUMBER = /[0-9]{17}/u;
/** Nothing that is looked for is shorter: `1.1.1.1`, `a@b.de`. */
const MIN_TEXT = 6;
/** Names of members, states and the like: no secret is so short and of letters alone, and everything else has a mark or a digit. */
const WORD = /^[A-Za-z_]{1,16}$/u;
/** No number that people are known by is shorter. */
const MIN_NUMBER = 1_000_000;

/** A rule for fields bears on those fields; in free text nobody can tell fields apart, so there it bears on all. */
function bearsOn({ in: paths }: ResultContent, place: Place | undefined): boolean {
  if (paths === undefined || place === undefined) return true;
  return place.kind === "record" && paths.some((path) => place.path === path || place.path.startsWith(`${path}.`));
}

function placeOf(steps: readonly string[], cursor: readonly string[] | undefined): Place {
  return steps.length === 0 ? { kind: "record", path: "" } : { kind: "way", steps, cursor };
}

function below(place: Place, name: string): Place | "cursor" {
  switch (place.kind) {
    case "record":
      return { kind: "record", path: place.path === "" ? name : `${place.path}.${name}` };
    case "beside":
      return BESIDE;
    case "way": {
      const { steps, cursor } = place;
      const [next, ...rest] = steps;
      const onCursor = cursor?.[0] === name ? cursor.slice(1) : undefined;
      // Sealed by the broker, and of no use when it is changed.
      if (onCursor?.length === 0) return "cursor";
      return next === name ? placeOf(rest, onCursor) : BESIDE;
    }
  }
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function mapped(list: readonly Json[], change: (item: Json) => Json): Json {
  const items = list.map((item) => change(item));
  return items.every((item, at) => item === list[at]) ? list : items;
}

function sameOr(value: JsonObject, entries: readonly (readonly [string, Json])[]): JsonObject {
  const original = Object.entries(value);
  const same = entries.every(([name, inner], at) => name === original[at]?.[0] && inner === original[at][1]);
  return same ? value : Object.fromEntries(entries);
}
