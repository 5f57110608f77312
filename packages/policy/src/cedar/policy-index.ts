import type { Test } from "./compile.ts";
import type { Entity } from "./entities.ts";
import type { PolicyTree, Scope } from "./expression.ts";
import type { Uid } from "./value.ts";

/** A policy ready to be asked. */
export interface CompiledPolicy {
  readonly tree: PolicyTree;
  readonly test: Test;
}

/** Policies whose scope covers a principal and an action, by what they demand of the resource. */
export type Candidates = ReadonlyMap<string, readonly CompiledPolicy[]>;

type Leaves = Map<string, CompiledPolicy[]>;

/**
 * Policies by action, then principal, then resource, so that a request looks only at those whose scope can cover it and pays nothing for
 * the rest. Each level is keyed by what a scope demands: `*`, `=` and the entity, `^` and the ancestor (or the entity), `:` and the type.
 */
export class PolicyIndex {
  readonly #byAction = new Map<string, Map<string, Leaves>>();
  readonly #known = new WeakMap<Entity, Map<string, Candidates>>();

  constructor(policies: readonly CompiledPolicy[]) {
    for (const policy of policies) {
      const { principal, resource } = policy.tree;
      for (const action of actionKeys(policy.tree)) {
        const byPrincipal = childOf(this.#byAction, action, newMap<Leaves>);
        const leaves = childOf(byPrincipal, scopeKey(principal), newMap<CompiledPolicy[]>);
        childOf(leaves, scopeKey(resource), newList).push(policy);
      }
    }
  }

  /** Kept for an entity object that was loaded once, since its ancestors cannot change. */
  candidates(principal: Uid, principalEntity: Entity | undefined, action: Uid, actionEntity: Entity | undefined): Candidates {
    if (principalEntity === undefined) return this.#find(principal, undefined, action, actionEntity);
    let known = this.#known.get(principalEntity);
    if (known === undefined) this.#known.set(principalEntity, (known = new Map()));
    let found = known.get(action.key);
    if (found === undefined) known.set(action.key, (found = this.#find(principal, principalEntity, action, actionEntity)));
    return found;
  }

  #find(principal: Uid, principalEntity: Entity | undefined, action: Uid, actionEntity: Entity | undefined): Candidates {
    const principalKeys = keysOf(principal, principalEntity);
    const found: Leaves = new Map();
    // A policy that lists several groups of one action is filed under each and taken once.
    const seen = new Set<CompiledPolicy>();
    for (const actionKey of ["*", `=${action.key}`, `^${action.key}`, ...ancestorKeys(actionEntity)]) {
      const byPrincipal = this.#byAction.get(actionKey);
      if (byPrincipal === undefined) continue;
      for (const principalKey of principalKeys) {
        for (const [resourceKey, policies] of byPrincipal.get(principalKey) ?? []) {
          for (const policy of policies) {
            if (seen.has(policy) || !isOfType(policy.tree.principal, principal)) continue;
            seen.add(policy);
            childOf(found, resourceKey, newList).push(policy);
          }
        }
      }
    }
    return found;
  }
}

/** Asks `visit` for every candidate whose scope covers the resource. */
export function eachCovering(
  candidates: Candidates,
  resource: Uid,
  entity: Entity | undefined,
  visit: (policy: CompiledPolicy) => void,
): void {
  const visitAll = (key: string): void => {
    const policies = candidates.get(key);
    if (policies === undefined) return;
    for (const policy of policies) if (isOfType(policy.tree.resource, resource)) visit(policy);
  };
  visitAll("*");
  // Most folders rule by type and role; what remains is looked up only when there is any.
  if (candidates.size === 0 || (candidates.size === 1 && candidates.has("*"))) return;
  visitAll(`:${resource.type}`);
  visitAll(`=${resource.key}`);
  visitAll(`^${resource.key}`);
  if (entity !== undefined) for (const key of entity.ancestors) visitAll(`^${key}`);
}

function actionKeys({ action }: PolicyTree): readonly string[] {
  switch (action.op) {
    case "all":
      return ["*"];
    case "==":
      return [`=${action.uid.key}`];
    case "in":
      return action.uids.map((uid) => `^${uid.key}`);
  }
}

function scopeKey(scope: Scope): string {
  switch (scope.op) {
    case "all":
      return "*";
    case "==":
      return `=${scope.uid.key}`;
    case "in":
    case "is in":
      return `^${scope.uid.key}`;
    case "is":
      return `:${scope.type}`;
  }
}

function keysOf(uid: Uid, entity: Entity | undefined): readonly string[] {
  return ["*", `:${uid.type}`, `=${uid.key}`, `^${uid.key}`, ...ancestorKeys(entity)];
}

function ancestorKeys(entity: Entity | undefined): readonly string[] {
  return entity === undefined ? [] : Array.from(entity.ancestors, (key) => `^${key}`);
}

function isOfType(scope: Scope, uid: Uid): boolean {
  return scope.op !== "is in" || scope.type === uid.type;
}

function childOf<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function newMap<T>(): Map<string, T> {
  return new Map();
}

function newList(): CompiledPolicy[] {
  return [];
}
