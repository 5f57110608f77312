import { generateEntities, generateRequest } from "./generate-values.ts";
import type { Ways } from "./generate-values.ts";
import { generatePolicy, generateSlots, generateTemplate } from "./generate-policy.ts";
import { printPolicy } from "./print.ts";
import type { Layout } from "./print.ts";
import type { Dict, EntityJson, Policy, Request, Uid } from "./question.ts";
import { randomFrom, weighted } from "./random.ts";
import type { Random } from "./random.ts";
import { schemaOf } from "./generate-schema.ts";
import { FIELDS } from "./vocabulary.ts";

/** A policy set with several requests for it: parsing is what costs most, so that one set serves many cases. */
export interface World {
  readonly seed: number;
  readonly policies: readonly StatedPolicy[];
  readonly situations: readonly Situation[];
  /** Cedar JSON schema by which entities and contexts are read, in the implicit forms that it allows. */
  readonly schema: Dict | undefined;
}

/** How a policy is put into the set: static as text or JSON, or as a link of a template. */
export interface StatedPolicy extends Policy {
  readonly as: "text" | "json" | "link";
  /** Id and text of the template, for a link. */
  readonly template: string;
  readonly text: string;
}

export interface Situation {
  readonly entities: readonly EntityJson[];
  readonly requests: readonly Request[];
}

/** One policy set, one set of entities, one request. */
export interface Case extends Omit<World, "situations"> {
  readonly entities: readonly EntityJson[];
  readonly request: Request;
}

const SITUATIONS = 4;
const REQUESTS = 6;
export const CASES_PER_WORLD = SITUATIONS * REQUESTS;

/** The same world for the same seed. */
export function generateWorld(seed: number): World {
  const random = randomFrom(seed);
  const strict = random.chance(0.12);
  const ways: Ways = { entityFields: someFields(random, 5), contextFields: someFields(random, 4), strict };
  const policies = generatePolicies(random, ways);
  const situations = Array.from({ length: SITUATIONS }, () => {
    const entities = generateEntities(random, ways);
    return { entities, requests: Array.from({ length: REQUESTS }, () => generateRequest(random, ways, entities)) };
  });
  return { seed, policies, situations, schema: strict ? schemaOf(ways) : undefined };
}

function someFields(random: Random, count: number): Ways["entityFields"] {
  const left = [...FIELDS];
  return new Map(Array.from({ length: count }, () => left.splice(random.below(left.length), 1)).flat());
}

const COUNTS = weighted<(random: Random) => number>([
  [4, () => 1],
  [15, (random) => 2 + random.below(4)],
  [12, (random) => 6 + random.below(10)],
  [1, (random) => 31 + random.below(50)],
]);

function generatePolicies(random: Random, ways: Ways): readonly StatedPolicy[] {
  const layout = layoutOf(random);
  const named = random.chance(0.4);
  const statics = Array.from({ length: random.pick(COUNTS)(random) }, (_, index): StatedPolicy => {
    const tree = generatePolicy(random, ways);
    const as = named && random.chance(0.5) ? "json" : "text";
    const id = named ? `${random.pick(ID_STARTS)}${index === 0 ? "" : index}` : `policy${index}`;
    return { id, tree, slots: {}, as, template: "", text: printPolicy(tree, layout) };
  });
  const templates = random.chance(0.35) ? Array.from({ length: 1 + random.below(2) }, () => generateTemplate(random, ways)) : [];
  return [...statics, ...templates.flatMap((tree, index) => linksOf(random, tree, `template ${index}`, layout))];
}

const ID_STARTS = ["p", "policy", 'q"', "é\u{1f600}", "__proto__", "10"];

function linksOf(random: Random, tree: Dict, template: string, layout: Layout): readonly StatedPolicy[] {
  const text = printPolicy(tree, layout);
  return Array.from({ length: 1 + random.below(4) }, (_, index): StatedPolicy => {
    const slots: Readonly<Record<string, Uid>> = generateSlots(random, tree);
    return { id: `${template} link ${index}`, tree, slots, as: "link", template, text };
  });
}

/** Comments and odd white space: what reads literals from the text must not take theirs. */
function layoutOf(random: Random): Layout {
  if (random.chance(0.5)) return { space: () => " " };
  const spaces = [" ", " ", "\n", "\t ", "\r\n", ' // "9007199254740993\n', " // 9223372036854775807; }\n", "\n// it's\n"];
  return { space: () => random.pick(spaces) };
}
