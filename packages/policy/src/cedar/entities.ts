import { UidMap } from "./uid-map.ts";
import type { Uid, Value } from "./value.ts";
import { sameUid } from "./value.ts";

/** Attributes or tags by name. Reading one may convert it first, and fail in Cedar's terms. */
export interface Attributes {
  get(name: string): Value | undefined;
  has(name: string): boolean;
}

/** An entity as loaded: attributes and tags are values. */
export class Entity {
  readonly uid: Uid;
  readonly attributes: Attributes;
  readonly tags: Attributes;
  readonly parents: readonly Uid[];
  readonly #among: Entities;
  #ancestors: readonly Uid[] | undefined;
  #index: UidMap<true> | undefined;

  /** `among` is where the parents of parents are looked up. */
  constructor(parts: EntityParts, among: Entities) {
    this.uid = parts.uid;
    this.attributes = parts.attributes;
    this.tags = parts.tags;
    this.parents = parts.parents;
    this.#among = among;
  }

  /** Every ancestor, not the entity itself. Found when first asked for: of most entities nobody asks. */
  get ancestors(): readonly Uid[] {
    this.#ancestors ??= this.parents.length === 0 ? NO_ANCESTORS : ancestorsOf(this.parents, this.#among);
    return this.#ancestors;
  }

  isWithin(target: Uid): boolean {
    const { ancestors } = this;
    if (ancestors.length <= SCANNED_ANCESTORS) return ancestors.some((ancestor) => sameUid(ancestor, target));
    this.#index ??= indexOf(ancestors);
    return this.#index.get(target) === true;
  }
}

const NO_ANCESTORS: readonly Uid[] = [];
const SCANNED_ANCESTORS = 8;

function indexOf(uids: readonly Uid[]): UidMap<true> {
  const index = new UidMap<true>();
  for (const uid of uids) index.set(uid, true);
  return index;
}

/** Walks with a list of its own, so that no depth of the hierarchy overflows the stack. Parents that are not given count as having none. */
function ancestorsOf(parents: readonly Uid[], among: Entities): readonly Uid[] {
  // Most hierarchies are one step deep.
  if (parents.length <= SCANNED_ANCESTORS && parents.every((parent, index) => isTop(parent, among) && isFirst(parents, index)))
    return parents;
  const found = new UidMap<true>();
  const list: Uid[] = [];
  const open = [...parents];
  for (let uid = open.pop(); uid !== undefined; uid = open.pop()) {
    if (found.get(uid) === true) continue;
    found.set(uid, true);
    list.push(uid);
    const above = among.get(uid);
    if (above !== undefined) open.push(...above.parents);
  }
  return list;
}

function isTop(uid: Uid, among: Entities): boolean {
  return (among.get(uid)?.parents.length ?? 0) === 0;
}

/** An ancestor that is listed twice would have its policies asked twice. */
function isFirst(uids: readonly Uid[], index: number): boolean {
  const uid = uids[index];
  return uid !== undefined && uids.findIndex((other) => sameUid(other, uid)) === index;
}

export interface EntityParts {
  readonly uid: Uid;
  readonly attributes: Attributes;
  readonly tags: Attributes;
  readonly parents: readonly Uid[];
}

/** Entities by name. */
export class Entities {
  readonly #list: readonly Entity[];
  /** Few entities are searched from end to end: those that come with a call are looked up a handful of times. */
  readonly #index: UidMap<Entity> | undefined;

  /** Two entities with one name make `hasRepeats` true; whoever reads entities from outside has to refuse such. */
  constructor(parts: readonly EntityParts[]) {
    this.#list = parts.map((one) => new Entity(one, this));
    if (this.#list.length <= SCANNED_ENTITIES) return;
    this.#index = new UidMap();
    for (const entity of this.#list) this.#index.set(entity.uid, entity);
  }

  get(uid: Uid): Entity | undefined {
    return this.#index === undefined ? this.#list.find((entity) => sameUid(entity.uid, uid)) : this.#index.get(uid);
  }

  get hasRepeats(): boolean {
    if (this.#index !== undefined) return this.#index.size < this.#list.length;
    return this.#list.some((entity) => this.get(entity.uid) !== entity);
  }
}

const SCANNED_ENTITIES = 16;

export const NO_ENTITIES: Entities = new Entities([]);

/** An entity whose parents have no parents. */
export function flatEntity(uid: Uid, attributes: Attributes, parents: readonly Uid[]): Entity {
  return new Entity({ uid, attributes, tags: NOTHING, parents }, NO_ENTITIES);
}

const NOTHING: Attributes = new Map();

/** Whether some entity is its own ancestor. Walks each step of the hierarchy once, with a list of its own. */
export function hasCycle(entities: Entities, parts: readonly EntityParts[]): boolean {
  // Most hierarchies are one step deep; only a parent that has parents can close a circle.
  if (parts.every(({ parents }) => parents.every((parent) => isTop(parent, entities)))) return false;
  const states = new UidMap<"open" | "done">();
  return parts.some((part) => part.parents.length > 0 && closesCircle(part, entities, states));
}

/** `open`: an ancestor of what is being walked. `done`: nothing above it closes a circle. */
function closesCircle(start: EntityParts, entities: Entities, states: UidMap<"open" | "done">): boolean {
  const path: { readonly of: Pick<EntityParts, "uid" | "parents">; next: number }[] = [];
  const enter = (of: Pick<EntityParts, "uid" | "parents">): void => {
    states.set(of.uid, "open");
    path.push({ of, next: 0 });
  };
  if (states.get(start.uid) === undefined) enter(start);
  for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
    const parent = step.of.parents[step.next];
    step.next += 1;
    if (parent === undefined) {
      states.set(step.of.uid, "done");
      path.pop();
      continue;
    }
    const state = states.get(parent);
    if (state === "open") return true;
    const entity = state === "done" ? undefined : entities.get(parent);
    if (entity !== undefined && entity.parents.length > 0) enter(entity);
  }
  return false;
}
