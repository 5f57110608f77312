import { contest, differs, isRefused } from "./contest.ts";
import type { Answers } from "./contest.ts";
import { CASES_PER_WORLD, generateWorld } from "./generate.ts";
import type { Case, StatedPolicy, World } from "./generate.ts";
import { minimize } from "./minimize.ts";
import { dict, list } from "./question.ts";
import type { Dict, Json } from "./question.ts";

/** What a run met. */
export interface Tally {
  readonly cases: number;
  readonly allowed: number;
  readonly withErrors: number;
  /** Denied by a forbid, as opposed to by nothing. */
  readonly forbidden: number;
  readonly severalReasons: number;
  /** The official library refused to read the case: the generator is wrong. */
  readonly refusals: readonly string[];
  /** Each with the least case that still shows it. */
  readonly differences: readonly string[];
  /** How many policies hold each operator, extension function, form of scope and way to be stated. */
  readonly features: ReadonlyMap<string, number>;
}

export interface Run {
  readonly cases: number;
  /** World `n` of a run is made from `seed + n * step`. */
  readonly seed: number;
  readonly step?: number;
  readonly onWorld?: (cases: number, differences: readonly string[]) => void;
}

/** Stop there: they are likely one bug. */
const MAX_DIFFERENCES = 5;

/** Puts generated cases to the official library, the engine and the reference, and compares decisions, reasons and erroring policies. */
export function runDifferential({ cases, seed, step = 1, onWorld }: Run): Tally {
  const tally = { cases: 0, allowed: 0, withErrors: 0, forbidden: 0, severalReasons: 0 };
  const [refusals, differences, features] = [new Array<string>(), new Array<string>(), new Map<string, number>()];
  for (let number = 0; tally.cases < cases && differences.length < MAX_DIFFERENCES; number++) {
    const world = generateWorld(seed + number * step);
    for (const feature of world.policies.flatMap(featuresOf)) features.set(feature, (features.get(feature) ?? 0) + 1);
    const found = askAll(world, (answers) => count(tally, answers));
    if (found !== undefined && isRefused(found.answers.official)) refusals.push(`seed ${world.seed}: ${found.answers.official}`);
    else if (found !== undefined) differences.push(describe(found.failing));
    onWorld?.(tally.cases, differences);
  }
  return { ...tally, refusals, differences, features };
}

type Counts = { -readonly [key in "cases" | "allowed" | "withErrors" | "forbidden" | "severalReasons"]: number };

function count(counts: Counts, { official }: Answers): void {
  const denied = official.startsWith("deny");
  counts.cases += 1;
  if (!denied) counts.allowed += 1;
  if (!official.endsWith("errors []")) counts.withErrors += 1;
  if (denied && !official.includes("reasons []")) counts.forbidden += 1;
  if (/reasons \[[^\]]*,/.test(official)) counts.severalReasons += 1;
}

/** The first case that is refused or answered in two ways; the rest of its world is asked all the same. */
function askAll(world: World, onAnswers: (answers: Answers) => void): { readonly failing: Case; readonly answers: Answers } | undefined {
  const askWith = contest(world);
  const found = world.situations.flatMap(({ entities, requests }) => {
    const ask = askWith(entities);
    return requests.flatMap((request) => {
      const answers = ask(request);
      onAnswers(answers);
      return isRefused(answers.official) || differs(answers) ? [{ failing: { ...world, entities, request }, answers }] : [];
    });
  });
  return found[0];
}

function askOne({ policies, schema, entities, request }: Case): Answers {
  return contest({ policies, schema })(entities)(request);
}

/** The least case that still differs, with what each answers. */
function describe(failing: Case): string {
  const least = minimize(failing, (smaller) => differs(askOne(smaller)));
  const answers = askOne(least);
  const policies = least.policies.map(({ id, as, text, template, slots }) => {
    const filled = as === "link" ? ` of ${JSON.stringify(template)} with ${asJson(slots)}` : "";
    return `  ${JSON.stringify(id)} (${as}${filled}): ${text}`;
  });
  return [
    `seed ${failing.seed}, as in \`npm run fuzz -- policy --seed ${failing.seed} --cases ${CASES_PER_WORLD}\``,
    "policies",
    ...policies,
    "entities",
    ...least.entities.map((entity) => `  ${asJson(entity)}`),
    "request",
    `  ${asJson(least.request)}`,
    ...(least.schema === undefined ? [] : ["schema", `  ${asJson(least.schema)}`]),
    ...Object.entries(answers).map(([who, answer]) => `${who.padEnd(10)} ${answer}`),
  ].join("\n");
}

function asJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? `${each}n` : each));
}

function featuresOf({ tree, as }: StatedPolicy): readonly string[] {
  const scopes = ["principal", "action", "resource"].map((name) => `${name} ${scopeForm(dict(tree[name]))}`);
  const operators = list(tree["conditions"]).flatMap((each) => operatorsOf(dict(dict(each)["body"])));
  return [as, String(tree["effect"]), ...scopes, ...new Set(operators)];
}

function scopeForm(scope: Dict): string {
  const inner = scope["op"] === "is" ? dict(scope["in"] ?? {}) : scope;
  const target = Object.keys(inner).find((key) => key === "entity" || key === "entities" || key === "slot");
  return [String(scope["op"]), ...(target === undefined ? [] : [target])].join(" ");
}

function operatorsOf(expression: Dict): readonly string[] {
  const [operator = "", args = null] = Object.entries<Json>(expression)[0] ?? [];
  if (operator === "Value") return [typeof args === "bigint" ? "Value beyond 2^53" : "Value"];
  const operands = typeof args === "object" && args !== null ? Object.values<Json>(args) : [];
  const inner = operands.flatMap((each) =>
    typeof each === "object" && each !== null && !Array.isArray(each) ? operatorsOf(dict(each)) : [],
  );
  const path = operator === "has" && Array.isArray(dict(args)["attr"]) ? ["has path"] : [];
  return [operator, ...path, ...inner];
}
