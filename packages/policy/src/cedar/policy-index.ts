import type { Test } from "./compile.ts";
import type { Entity } from "./entities.ts";
import type { PolicyTree, Scope } from "./expression.ts";
import { UidMap } from "./uid-map.ts";
import { sameUid } from "./value.ts";
import type { Uid } from "./value.ts";

/** A policy ready to be asked. */
export interface CompiledPolicy {
  readonly tree: PolicyTree;
  readonly test: Test;
}

/** Policies whose scope covers a principal and an action, by what they demand of the resource. */
export type Candidates = Filed<CompiledPolicy[]>;

/**
 * Policies by action, then principal, then resource, so that a request looks only at those whose scope can cover it and pays nothing for
 * the rest.
 */
export class PolicyIndex {
  readonly #byAction = new Filed<Filed<Candidates>>();
  readonly #known = new WeakMap<Entity, UidMap<Candidates>>();

  constructor(policies: readonly CompiledPolicy[]) {
    for (const policy of policies) {
      const { principal, resource } = policy.tree;
      for (const action of actionScopes(policy.tree)) {
        const byPrincipal = this.#byAction.of(action, () => new Filed<Candidates>());
        byPrincipal
          .of(principal, () => new Filed<CompiledPolicy[]>())
          .of(resource, () => [])
          .push(policy);
      }
    }
  }

  /** Kept for an entity object that was loaded once, since its ancestors cannot change. */
  candidates(principal: Uid, principalEntity: Entity | undefined, action: Uid, actionEntity: Entity | undefined): Candidates {
    const find = (): Candidates => this.#find(principal, principalEntity, action, actionEntity);
    if (principalEntity === undefined) return find();
    let known = this.#known.get(principalEntity);
    if (known === undefined) this.#known.set(principalEntity, (known = new UidMap()));
    return known.getOrMake(action, find);
  }

  #find(principal: Uid, principalEntity: Entity | undefined, action: Uid, actionEntity: Entity | undefined): Candidates {
    const found: CompiledPolicy[] = [];
    this.#byAction.eachCovering(action, actionEntity, (byPrincipal) => {
      byPrincipal.eachCovering(principal, principalEntity, (byResource) => {
        byResource.each((policies) => {
          for (const policy of policies) if (isOfType(policy.tree.principal, principal)) found.push(policy);
        });
      });
    });
    const candidates: Candidates = new Filed();
    // A policy that lists several groups of one action is filed under each and taken once.
    for (const policy of new Set(found)) candidates.of(policy.tree.resource, () => []).push(policy);
    return candidates;
  }
}

/** Asks `visit` for every candidate whose scope covers the resource. */
export function eachCandidate(
  candidates: Candidates,
  resource: Uid,
  entity: Entity | undefined,
  visit: (policy: CompiledPolicy) => void,
): void {
  candidates.eachCovering(resource, entity, (policies) => {
    for (const policy of policies) if (isOfType(policy.tree.resource, resource)) visit(policy);
  });
}

/** Things by what a scope demands of an entity. `is in` is filed by its ancestor; its type is looked at afterwards. */
export class Filed<T> {
  #all: T | undefined;
  readonly #equal = new UidMap<T>();
  readonly #within = new UidMap<T>();
  readonly #typed = new Map<string, T>();

  /** What is filed under the scope, made when there is nothing yet. */
  of(scope: Scope, make: () => T): T {
    switch (scope.op) {
      case "all":
        return (this.#all ??= make());
      case "==":
        return this.#equal.getOrMake(scope.uid, make);
      case "in":
      case "is in":
        return this.#within.getOrMake(scope.uid, make);
      case "is": {
        const known = this.#typed.get(scope.type) ?? make();
        this.#typed.set(scope.type, known);
        return known;
      }
    }
  }

  /** Visits what is filed under any scope that covers the entity, each at most once. */
  eachCovering(uid: Uid, entity: Entity | undefined, visit: (found: T) => void): void {
    if (this.#all !== undefined) visit(this.#all);
    if (this.#typed.size > 0) visitDefined(this.#typed.get(uid.type), visit);
    if (this.#equal.size > 0) visitDefined(this.#equal.get(uid), visit);
    if (this.#within.size === 0) return;
    visitDefined(this.#within.get(uid), visit);
    for (const ancestor of entity?.ancestors ?? []) if (!sameUid(ancestor, uid)) visitDefined(this.#within.get(ancestor), visit);
  }

  each(visit: (found: T) => void): void {
    if (this.#all !== undefined) visit(this.#all);
    for (const found of this.#typed.values()) visit(found);
    this.#equal.each(visit);
    this.#within.each(visit);
  }
}

function visitDefined<T>(found: T | undefined, visit: (found: T) => void): void {
  if (found !== undefined) visit(found);
}

function actionScopes({ action }: PolicyTree): readonly Scope[] {
  return action.op === "in" ? action.uids.map((uid) => ({ op: "in", uid })) : [action];
}

function isOfType(scope: Scope, uid: Uid): boolean {
  return scope.op !== "is in" || scope.type === uid.type;
}
