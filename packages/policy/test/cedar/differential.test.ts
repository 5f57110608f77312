import { policyToJson, policyToText, templateToJson, templateToText } from "@cedar-policy/cedar-wasm/nodejs";
import type { PolicyJson } from "@cedar-policy/cedar-wasm/nodejs";
import { beforeAll, expect, test } from "vitest";
import { runDifferential } from "./differential.ts";
import type { Tally } from "./differential.ts";
import { OPERATORS } from "./generate-expression.ts";
import { generateWorld } from "./generate.ts";
import type { Dict } from "./question.ts";

/** Other runs are asked for by these; `npm run fuzz -- policy` is for long ones. */
const CASES = Number(process.env["BAILIWICK_FUZZ_CASES"] ?? 20_000);
const SEED = Number(process.env["BAILIWICK_FUZZ_SEED"] ?? 20_260_101);

/** Policies that must hold a feature for it to count as tried. */
const OFTEN = CASES / 2_000;

let tally: Tally;

beforeAll(
  () => {
    tally = runDifferential({ cases: CASES, seed: SEED });
  },
  60_000 + CASES * 10,
);

test(`engine and reference answer ${CASES} cases from seed ${SEED} as Cedar does`, () => {
  expect(tally.differences.join("\n\n")).toBe("");
  expect(tally.cases).toBeGreaterThanOrEqual(CASES);
});

test("Cedar can read every generated case", () => {
  expect(tally.refusals).toEqual([]);
});

test("the cases hold every operator and extension function, and integers that JSON numbers lose", () => {
  expect([...OPERATORS, "has path", "Value beyond 2^53"].filter((operator) => seen(operator) < OFTEN)).toEqual([]);
});

test("the cases hold every form of scope and every way to state a policy", () => {
  const either = ["All", "== entity", "in entity", "is", "is entity", "== slot", "in slot", "is slot"];
  const action = ["All", "== entity", "in entity", "in entities"];
  const scopes = [
    ...["principal", "resource"].flatMap((name) => either.map((form) => `${name} ${form}`)),
    ...action.map((form) => `action ${form}`),
  ];
  expect([...scopes, "permit", "forbid", "text", "json", "link"].filter((feature) => seen(feature) < OFTEN)).toEqual([]);
});

test("allow and deny are both common", () => {
  expect(tally.allowed).toBeGreaterThan(tally.cases / 20);
  expect(tally.cases - tally.allowed).toBeGreaterThan(tally.cases / 20);
});

test("errors, denials by a forbid and several reasons occur often", () => {
  const { cases, forbidden, withErrors, severalReasons } = tally;
  expect(Object.entries({ forbidden, withErrors, severalReasons }).filter(([, count]) => count < cases / 50)).toEqual([]);
});

test("some sets are large enough to need an index, and some worlds are read by a schema", () => {
  const worlds = Array.from({ length: 200 }, (_, index) => generateWorld(SEED + index));
  expect(worlds.filter((world) => world.policies.length > 30).length).toBeGreaterThan(2);
  expect(worlds.filter((world) => world.schema !== undefined).length).toBeGreaterThan(5);
});

test("the text that is given to Cedar means the tree that is given to the reference", () => {
  const policies = Array.from({ length: 100 }, (_, index) => generateWorld(SEED + index)).flatMap((world) => world.policies);
  const comparable = policies.filter(({ tree }) => survivesCedar(tree));
  expect(comparable.length).toBeGreaterThan(300);
  for (const { as, text, tree } of comparable) {
    const given: unknown = tree;
    // unsafe: the generator makes the library's form
    const json = given as PolicyJson;
    const [fromText, fromTree] = as === "link" ? [templateToJson(text), templateToText(json)] : [policyToJson(text), policyToText(json)];
    const printed = fromTree.type === "success" ? fromTree.text : "";
    expect(fromText).toEqual(as === "link" ? templateToJson(printed) : policyToJson(printed));
  }
});

function seen(feature: string): number {
  return tally.features.get(feature) ?? 0;
}

/** Cedar's boundary takes no bigint, and it prints paths of quoted names that its own parser refuses. */
function survivesCedar(tree: Dict): boolean {
  return !/"lost"|"attr":\[""/.test(JSON.stringify(tree, (_key, value: unknown) => (typeof value === "bigint" ? "lost" : value)));
}
