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

/** Policies by what their scope demands of the resource. */
export type ByResource = Filed<CompiledPolicy[]>;

/** One of the three entities of a request. */
export interface Party {
  readonly uid: Uid;
  readonly entity: Entity | undefined;
}

/**
 * Policies by action, then principal, then resource, so that a request looks only at those whose scope can cover it and pays nothing for
 * the rest.
 */
export class PolicyIndex {
  readonly #byAction = new Filed<Filed<ByResource>>();

  constructor(policies: readonly CompiledPolicy[]) {
    for (const policy of policies) {
      for (const action of actionScopes(policy.tree)) {
        const byPrincipal = this.#byAction.of(action, () => new Filed<ByResource>());
        fileByResource(
          byPrincipal.of(policy.tree.principal, () => new Filed<CompiledPolicy[]>()),
          policy,
        );
      }
    }
  }

  /** Visits each policy whose scope covers the request, once. */
  eachCovering(principal: Party, action: Party, resource: Party, visit: (policy: CompiledPolicy) => void): void {
    const once = onlyOnce(visit);
    this.#each(principal, action, (byResource) => eachOfResource(byResource, resource, (policy) => visitOfType(policy, principal, once)));
  }

  /** Visits each policy whose scope covers the principal and the action, whatever the resource, once. */
  eachCoveringCaller(principal: Party, action: Party, visit: (policy: CompiledPolicy) => void): void {
    const once = onlyOnce(visit);
    this.#each(principal, action, (byResource) => {
      byResource.each((policies) => {
        for (const policy of policies) visitOfType(policy, principal, once);
      });
    });
  }

  #each(principal: Party, action: Party, visit: (byResource: ByResource) => void): void {
    this.#byAction.eachCovering(action, (byPrincipal) => byPrincipal.eachCovering(principal, visit));
  }
}

export function fileByResource(filed: ByResource, policy: CompiledPolicy): void {
  filed.of(policy.tree.resource, () => []).push(policy);
}

/** Visits each policy whose scope covers the resource. */
export function eachOfResource(filed: ByResource, resource: Party, visit: (policy: CompiledPolicy) => void): void {
  filed.eachCovering(resource, (policies) => {
    for (const policy of policies) if (isOfType(policy.tree.resource, resource)) visit(policy);
  });
}

function visitOfType(policy: CompiledPolicy, principal: Party, visit: (policy: CompiledPolicy) => void): void {
  if (isOfType(policy.tree.principal, principal)) visit(policy);
}

/** A policy that lists several groups of one action is filed under each; only those can come twice. */
function onlyOnce(visit: (policy: CompiledPolicy) => void): (policy: CompiledPolicy) => void {
  let seen: Set<CompiledPolicy> | undefined;
  return (policy) => {
    if (policy.tree.action.op === "in" && policy.tree.action.uids.length > 1) {
      seen ??= new Set();
      if (seen.has(policy)) return;
      seen.add(policy);
    }
    visit(policy);
  };
}

/** Things by what a scope demands of an entity. `is in` is filed by its ancestor; its type is looked at afterwards. */
export class Filed<T> {
  // Made when first needed: an index of many policies has thousands of these with one thing in each.
  #all: T | undefined;
  #equal: UidMap<T> | undefined;
  #within: UidMap<T> | undefined;
  #typed: Map<string, T> | undefined;

  /** What is filed under the scope, made when there is nothing yet. */
  of(scope: Scope, make: () => T): T {
    switch (scope.op) {
      case "all":
        return (this.#all ??= make());
      case "==":
        return (this.#equal ??= new UidMap()).getOrMake(scope.uid, make);
      case "in":
      case "is in":
        return (this.#within ??= new UidMap()).getOrMake(scope.uid, make);
      case "is": {
        const typed = (this.#typed ??= new Map<string, T>());
        const known = typed.get(scope.type) ?? make();
        typed.set(scope.type, known);
        return known;
      }
    }
  }

  /** Visits what is filed under any scope that covers the entity, each at most once. */
  eachCovering({ uid, entity }: Party, visit: (found: T) => void): void {
    visitDefined(this.#all, visit);
    visitDefined(this.#typed?.get(uid.type), visit);
    visitDefined(this.#equal?.get(uid), visit);
    if (this.#within === undefined) return;
    visitDefined(this.#within.get(uid), visit);
    for (const ancestor of entity?.ancestors ?? []) if (!sameUid(ancestor, uid)) visitDefined(this.#within.get(ancestor), visit);
  }

  each(visit: (found: T) => void): void {
    visitDefined(this.#all, visit);
    for (const found of this.#typed?.values() ?? []) visit(found);
    this.#equal?.each(visit);
    this.#within?.each(visit);
  }
}

function visitDefined<T>(found: T | undefined, visit: (found: T) => void): void {
  if (found !== undefined) visit(found);
}

function actionScopes({ action }: PolicyTree): readonly Scope[] {
  return action.op === "in" ? action.uids.map((uid) => ({ op: "in", uid })) : [action];
}

function isOfType(scope: Scope, { uid }: Party): boolean {
  return scope.op !== "is in" || scope.type === uid.type;
}
