import { generateText } from "./generate-text.ts";
import type { Dict, EntityJson, Json, Request, Uid } from "./question.ts";
import type { Random } from "./random.ts";
import type { Fields, Place, Type } from "./vocabulary.ts";
import {
  ACTIONS,
  DOCS,
  EXTREME_LONGS,
  fieldsOf,
  FOLDERS,
  GHOSTS,
  GROUPS,
  SMALL_LONGS,
  STRINGS,
  TAGS,
  THINGS,
  TYPES,
  USERS,
  VALID,
} from "./vocabulary.ts";

/** What the values of a world follow. */
export interface Ways {
  readonly entityFields: Fields;
  readonly contextFields: Fields;
  /** Every value has its declared type, as a schema demands, and actions have the parents that the schema gives them. */
  readonly strict: boolean;
}

/** Some of the entities, with attributes, tags and parents; a parent or an attribute may name an entity that is not given. */
export function generateEntities(random: Random, ways: Ways): readonly EntityJson[] {
  const things = [random.some(USERS, 0.45), random.some([...GROUPS, ...FOLDERS], 0.3), random.some(DOCS, 0.4)].flat();
  const actions = random.some(ACTIONS, 0.3);
  const far = ways.strict ? THINGS : [...THINGS, ...GHOSTS];
  return [
    ...things.map((place) => entityAt(random, ways, place, things, far)),
    ...(ways.strict ? ACTIONS.map(strictAction) : actions.map((place) => entityAt(random, ways, place, actions, ACTIONS))),
  ];
}

/** The parents that every action has by the schema: all actions of a higher level and its own type. */
function strictAction({ uid, level }: Place): EntityJson {
  const parents = ACTIONS.filter((other) => other.level > level && other.uid.type === uid.type).map((other) => other.uid);
  return { uid, attrs: {}, parents, tags: {} };
}

/** Parents are mostly given ones a level up, so that chains arise, and now and then any that is higher. */
function entityAt(random: Random, ways: Ways, { uid, level }: Place, near: readonly Place[], far: readonly Place[]): EntityJson {
  const parents = new Set([
    ...random.some(near, 0.5).filter((place) => place.level === level + 1),
    ...random.some(far, 0.06).filter((place) => place.level > level),
  ]);
  // Groups mostly stand in scopes; Cedar's interpreter pays for every attribute on every call.
  const isBare = level > 0 ? random.chance(0.8) : far === ACTIONS && random.chance(0.7);
  const attrs = isBare ? {} : recordOf(random, ways.entityFields, ways.strict);
  const tags = isBare ? {} : tagsOf(random, ways.strict);
  return { uid, attrs, parents: [...parents].map((place) => place.uid), tags };
}

/** Who asks and for what are mostly given entities. */
export function generateRequest(random: Random, ways: Ways, entities: readonly EntityJson[]): Request {
  const anything = (ways.strict ? THINGS : [...THINGS, ...GHOSTS]).map((place) => place.uid);
  const one = (type: string): Uid => {
    const given = entities.filter(({ uid }) => uid.type === type).map(({ uid }) => uid);
    return random.pick(given.length > 0 && random.chance(0.85) ? given : anything);
  };
  return {
    principal: one("User"),
    action: random.pick(ACTIONS).uid,
    resource: one("App::Doc"),
    context: recordOf(random, ways.contextFields, ways.strict),
  };
}

function recordOf(random: Random, fields: Fields, strict: boolean): Dict {
  const present = random.some([...fields], 0.93);
  // `fromEntries` makes `__proto__` a key like others.
  return Object.fromEntries(present.map(([name, type]) => [name, generateValue(random, type, strict)]));
}

function tagsOf(random: Random, strict: boolean): Dict {
  return Object.fromEntries(random.some(TAGS, 0.3).map((tag) => [tag, generateValue(random, "string", strict)]));
}

/** A JSON value of the type; now and then, unless `strict`, of another. */
export function generateValue(random: Random, declared: Type, strict: boolean): Json {
  const type = !strict && random.chance(0.02) ? random.pick(TYPES) : declared;
  if (type === "bool") return random.chance(0.5);
  if (type === "long") return generateLong(random);
  if (type === "string") return random.pick(STRINGS);
  if (type.startsWith("text ")) return generateText(random, type.slice("text ".length));
  if (type.startsWith("entity ")) return { __entity: generateUid(random, strict ? type.slice("entity ".length) : undefined) };
  if (type.startsWith("set ")) {
    const element = type.slice("set ".length);
    return Array.from({ length: random.below(4) }, () => generateValue(random, element, strict));
  }
  if (type.startsWith("record ")) return recordOf(random, fieldsOf(type), strict);
  return { __extn: { fn: type, arg: random.pick(VALID.get(type) ?? []) } };
}

export function generateLong(random: Random): number | bigint {
  const long = random.pick(random.chance(0.85) ? SMALL_LONGS : EXTREME_LONGS);
  return Number.isSafeInteger(Number(long)) ? Number(long) : long;
}

/** An entity that may exist, mostly; of the given type, if there is one. */
export function generateUid(random: Random, type?: string): Uid {
  const places = random.chance(0.6) ? USERS : random.chance(0.9) ? THINGS : [...GHOSTS, ...ACTIONS];
  return random.pick(type === undefined ? places : THINGS.filter((place) => place.uid.type === type)).uid;
}
