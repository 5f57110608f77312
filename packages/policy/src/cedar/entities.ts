import type { Uid, Value } from "./value.ts";

/** Attributes or tags by name. Reading one may convert it first, and fail in Cedar's terms. */
export interface Attributes {
  get(name: string): Value | undefined;
  has(name: string): boolean;
}

/** An entity as loaded: attributes and tags are values, ancestors are closed over. */
export class Entity {
  readonly uid: Uid;
  readonly attributes: Attributes;
  readonly tags: Attributes;
  /** Keys (see `Uid.key`) of every ancestor, not of the entity itself. */
  readonly ancestors: ReadonlySet<string>;

  constructor(uid: Uid, attributes: Attributes, tags: Attributes, ancestors: ReadonlySet<string>) {
    this.uid = uid;
    this.attributes = attributes;
    this.tags = tags;
    this.ancestors = ancestors;
  }
}

const NO_ANCESTORS: ReadonlySet<string> = new Set();

/** Entities by `Uid.key`. */
export class Entities {
  readonly byKey: ReadonlyMap<string, Entity>;

  constructor(byKey: ReadonlyMap<string, Entity>) {
    this.byKey = byKey;
  }

  get(uid: Uid): Entity | undefined {
    return this.byKey.get(uid.key);
  }
}

export const NO_ENTITIES: Entities = new Entities(new Map());

export interface EntityParts {
  readonly uid: Uid;
  readonly attributes: Attributes;
  readonly tags: Attributes;
  readonly parents: readonly Uid[];
}

/** Closes the hierarchy. Parents that are not given themselves count as ancestors without parents of their own. Undefined when the hierarchy has a cycle. */
export function makeEntities(parts: readonly EntityParts[]): Entities | undefined {
  const given = new Map(parts.map((part) => [part.uid.key, part]));
  const closed = new Map<string, Entity>();
  for (const part of parts) {
    const ancestors = ancestorsOf(part, given);
    if (ancestors.has(part.uid.key)) return undefined;
    closed.set(part.uid.key, new Entity(part.uid, part.attributes, part.tags, ancestors));
  }
  return new Entities(closed);
}

/** Walks with a list of its own, so that no depth of the hierarchy overflows the stack. */
function ancestorsOf(start: EntityParts, given: ReadonlyMap<string, EntityParts>): ReadonlySet<string> {
  if (start.parents.length === 0) return NO_ANCESTORS;
  const found = new Set<string>();
  const open = [...start.parents];
  for (let uid = open.pop(); uid !== undefined; uid = open.pop()) {
    if (found.has(uid.key)) continue;
    found.add(uid.key);
    open.push(...(given.get(uid.key)?.parents ?? []));
  }
  return found;
}
