import { generateExpression } from "./generate-expression.ts";
import { generateUid } from "./generate-values.ts";
import type { Ways } from "./generate-values.ts";
import type { Dict, Json, Uid } from "./question.ts";
import { weighted } from "./random.ts";
import type { Random } from "./random.ts";
import { ACTIONS, DOCS, ENTITY_TYPES, FOLDERS, GROUPS, STRINGS, USERS } from "./vocabulary.ts";
import type { Place } from "./vocabulary.ts";

/** A policy as Cedar's JSON form (EST) has it; integers beyond 2^53 are bigints. */
export function generatePolicy(random: Random, ways: Ways): Dict {
  return {
    effect: random.chance(0.22) ? "forbid" : "permit",
    principal: scope(random, USERS, GROUPS),
    action: actionScope(random),
    resource: scope(random, DOCS, FOLDERS),
    conditions: conditions(random, ways),
    ...annotations(random),
  };
}

/** A template with one slot or two. */
export function generateTemplate(random: Random, ways: Ways): Dict {
  const which = random.below(3);
  const policy = generatePolicy(random, ways);
  return {
    ...policy,
    ...(which === 1 ? {} : { principal: slotted(random, "?principal", "User") }),
    ...(which === 0 ? {} : { resource: slotted(random, "?resource", "App::Doc") }),
  };
}

/** Entities for the slots of a template. */
export function generateSlots(random: Random, template: Dict): Readonly<Record<string, Uid>> {
  const text = JSON.stringify([template["principal"], template["resource"]]);
  const fill = (slot: string, places: readonly Place[]): readonly (readonly [string, Uid])[] =>
    text.includes(slot) ? [[slot, random.chance(0.85) ? random.pick(places).uid : generateUid(random)]] : [];
  return Object.fromEntries([...fill("?principal", [...USERS, ...GROUPS]), ...fill("?resource", [...DOCS, ...FOLDERS])]);
}

function slotted(random: Random, slot: string, type: string): Dict {
  return random.pick<Dict>([
    { op: "==", slot },
    { op: "in", slot },
    { op: "in", slot },
    { op: "is", entity_type: type, in: { slot } },
  ]);
}

function scope(random: Random, near: readonly Place[], above: readonly Place[]): Dict {
  const target = (places: readonly Place[]): Uid => (random.chance(0.9) ? random.pick(places).uid : generateUid(random));
  const type = random.chance(0.8) ? (near[0]?.uid.type ?? "User") : random.pick(ENTITY_TYPES);
  return random.pick(SCOPES)({ near: () => target(near), above: () => target(above), type });
}

type Scope = (targets: { readonly near: () => Uid; readonly above: () => Uid; readonly type: string }) => Dict;

const SCOPES = weighted<Scope>([
  [16, () => ({ op: "All" })],
  [2, ({ near }) => ({ op: "==", entity: near() })],
  [5, ({ above }) => ({ op: "in", entity: above() })],
  [1, ({ near }) => ({ op: "in", entity: near() })],
  [3, ({ type }) => ({ op: "is", entity_type: type })],
  [3, ({ type, above }) => ({ op: "is", entity_type: type, in: { entity: above() } })],
]);

function actionScope(random: Random): Dict {
  const some = (): Uid => random.pick(ACTIONS).uid;
  return random.pick(ACTION_SCOPES)(some, random.below(4));
}

const ACTION_SCOPES = weighted<(some: () => Uid, count: number) => Dict>([
  [12, () => ({ op: "All" })],
  [4, (some) => ({ op: "==", entity: some() })],
  [4, (some) => ({ op: "in", entity: some() })],
  [4, (some, count) => ({ op: "in", entities: Array.from({ length: count }, some) })],
]);

const COUNTS = [0, 1, 1, 1, 1, 1, 2, 2, 3];

function conditions(random: Random, ways: Ways): Json[] {
  return Array.from({ length: random.pick(COUNTS) }, () => ({
    kind: random.chance(0.75) ? "when" : "unless",
    body: generateExpression(random, ways, "bool", 2 + random.below(4)),
  }));
}

function annotations(random: Random): Dict {
  const names = random.some(["id", "reason", "__proto__", "if"], 0.1);
  const notes = names.map((name) => [name, random.chance(0.2) ? null : random.pick(STRINGS)] as const);
  return notes.length === 0 ? {} : { annotations: Object.fromEntries(notes) };
}
