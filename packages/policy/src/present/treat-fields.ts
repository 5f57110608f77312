import type { Json, JsonObject } from "../json.ts";
import type { FieldRules } from "../rules/rule.ts";
import type { Mask } from "../types.ts";
import { isList, isObject } from "../json.ts";
import { maskValue, stronger, weaker } from "./mask.ts";
import type { Masking } from "./mask.ts";

/** What happens to a field that is not shown as it is. */
export type FieldTreatment = "hide" | Mask;

/** Undefined: it is shown. */
type Treatment = FieldTreatment | undefined;

/** All paths that some rule names. */
export function pathsOf(rules: readonly FieldRules[]): ReadonlySet<string> {
  return new Set(rules.flatMap(({ hide, mask }) => [...hide, ...mask.keys()]));
}

/**
 * What is done to each of the paths; by default to each that any rule names.
 * Grants are OR: the treatment that shows most counts. Gates are AND: the one that shows least, on top.
 */
export function treatments(
  grants: readonly FieldRules[],
  gates: readonly FieldRules[],
  paths: ReadonlySet<string> = pathsOf([...grants, ...gates]),
): ReadonlyMap<string, FieldTreatment> {
  const result = new Map<string, "hide" | Mask>();
  for (const path of paths) {
    const byGrants = grants
      .map((rules) => treatmentOf(rules, path))
      .reduce<Treatment | "none">((a, b) => (a === "none" ? b : showsMore(a, b)), "none");
    const all = gates
      .map((rules) => treatmentOf(rules, path))
      .reduce((a, b) => showsLess(a, b), byGrants === "none" ? undefined : byGrants);
    if (all !== undefined) result.set(path, all);
  }
  return result;
}

/** A rule on a field is a rule on everything inside it. */
function treatmentOf(rules: FieldRules, path: string): Treatment {
  const covers = (ruled: string): boolean => path === ruled || path.startsWith(`${ruled}.`);
  if (rules.hide.some((ruled) => covers(ruled))) return "hide";
  return [...rules.mask]
    .filter(([ruled]) => covers(ruled))
    .map(([, mask]) => mask)
    .reduce<Mask | undefined>((a, b) => (a === undefined ? b : stronger(a, b)), undefined);
}

function showsMore(a: Treatment, b: Treatment): Treatment {
  if (a === undefined || b === undefined) return undefined;
  if (a === "hide") return b;
  return b === "hide" ? a : weaker(a, b);
}

function showsLess(a: Treatment, b: Treatment): Treatment {
  if (a === undefined || b === undefined) return a ?? b;
  if (a === "hide" || b === "hide") return "hide";
  return stronger(a, b);
}

export interface Treated {
  readonly record: JsonObject;
  readonly hidden: readonly string[];
  readonly masked: readonly string[];
}

interface PlannedTreatment {
  readonly path: string;
  readonly steps: readonly string[];
  readonly treatment: FieldTreatment;
  /** Paths inside this one, from it on, that have a treatment of their own: it says at least as much, so that each value is masked once. */
  readonly within: ReadonlySet<string>;
}

/** Treatments in the order in which they are applied, paths taken apart. */
export type TreatmentPlan = readonly PlannedTreatment[];

/** Inner before outer, so that what an outer one hides goes whole. */
export function planOf(byPath: ReadonlyMap<string, FieldTreatment>): TreatmentPlan {
  const paths = [...byPath.keys()];
  return [...byPath]
    .map(([path, treatment]) => ({
      path,
      steps: path.split("."),
      treatment,
      within: new Set(paths.filter((inner) => inner.startsWith(`${path}.`)).map((inner) => inner.slice(path.length))),
    }))
    .toSorted((a, b) => b.steps.length - a.steps.length || (a.path < b.path ? -1 : 1));
}

const NONE: readonly string[] = [];

/** Applies treatments to a copy. Paths are dotted, lists are looked through; only paths that were there are reported. */
export function treat(record: JsonObject, plan: TreatmentPlan, masking: Masking): Treated {
  if (plan.length === 0) return { record, hidden: NONE, masked: NONE };
  const hidden: string[] = [];
  const masked: string[] = [];
  let result: JsonObject = record;
  for (const { path, steps, treatment, within } of plan) {
    const changed = change(result, steps, 0, (value) =>
      treatment === "hide" ? undefined : maskOutside(value, within, (part) => maskValue(part, treatment, path, masking)),
    );
    if (changed === undefined) continue;
    if (isObject(changed)) result = changed;
    (treatment === "hide" ? hidden : masked).push(path);
  }
  return {
    record: result,
    hidden: hidden.toSorted(),
    masked: masked.filter((path) => !hidden.some((outer) => path.startsWith(`${outer}.`))).toSorted(),
  };
}

/** Masks all of the value but what lies at these paths inside it. */
function maskOutside(value: Json, within: ReadonlySet<string>, mask: (part: Json) => Json, at = ""): Json {
  if (within.size === 0) return mask(value);
  if (isList(value)) return value.map((item) => maskOutside(item, within, mask, at));
  if (!isObject(value)) return mask(value);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const inner = `${at}.${key}`;
      // A key that itself looks like a path is none that a rule could name.
      if (key.includes(".")) return [key, mask(item)];
      return [key, within.has(inner) ? item : maskOutside(item, within, mask, inner)];
    }),
  );
}

/** A copy with the value at the path replaced, or removed when `by` gives undefined; undefined when nothing is there. */
function change(value: Json, steps: readonly string[], depth: number, by: (value: Json) => Json | undefined): Json | undefined {
  if (isList(value)) {
    const items = value.map((item) => change(item, steps, depth, by));
    return items.every((item) => item === undefined) ? undefined : value.map((item, index) => items[index] ?? item);
  }
  const step = steps[depth];
  if (step === undefined || !isObject(value) || !Object.hasOwn(value, step)) return undefined;
  const inner = value[step];
  if (inner === undefined) return undefined;
  const last = depth === steps.length - 1;
  const changed = last ? by(inner) : change(inner, steps, depth + 1, by);
  // A spread and a computed key make own members whatever they are called; an assignment to `__proto__` would not.
  if (changed !== undefined) return { ...value, [step]: changed };
  if (!last) return undefined;
  const copy = { ...value };
  Reflect.deleteProperty(copy, step);
  return copy;
}
