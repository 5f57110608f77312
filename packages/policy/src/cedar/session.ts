import type { Answer, Policies } from "./authorize.ts";
import { Tally } from "./authorize.ts";
import { compileTest } from "./compile.ts";
import type { Entities, Entity } from "./entities.ts";
import type { Candidates } from "./policy-index.ts";
import { eachCandidate, Filed } from "./policy-index.ts";
import { specialize } from "./specialize.ts";
import type { CedarRecord, Uid } from "./value.ts";

/** Policies for one principal and one action, with everything computed that depends on those and on the known part of the context. */
export interface CedarSession {
  readonly candidates: Candidates;
  readonly principal: Uid;
  readonly principalEntity: Entity | undefined;
  readonly action: Uid;
  readonly actionEntity: Entity | undefined;
  readonly entities: Entities;
}

/**
 * Compiles policies for one principal and action; `context` holds the attributes that are the same for every call and `open` names those that
 * will come with each call. Policies that can no longer be satisfied are dropped.
 */
export function openSession(
  policies: Policies,
  who: { readonly principal: Uid; readonly action: Uid; readonly context: CedarRecord; readonly open: ReadonlySet<string> },
  entities: Entities,
): CedarSession {
  const { principal, action } = who;
  const [principalEntity, actionEntity] = [entities.get(principal), entities.get(action)];
  const known = {
    principal: { uid: principal, entity: principalEntity },
    action: { uid: action, entity: actionEntity },
    context: who.context,
    openContext: who.open,
  };
  const candidates: Candidates = new Filed();
  policies.index.candidates(principal, principalEntity, action, actionEntity).each((found) => {
    for (const { tree } of found) {
      const condition = specialize(tree.condition, known);
      if (condition.op === "value" && condition.value === false) continue;
      const narrowed = { ...tree, condition };
      candidates.of(tree.resource, () => []).push({ tree: narrowed, test: compileTest(condition) });
    }
  });
  return { candidates, principal, principalEntity, action, actionEntity, entities };
}

/**
 * Decides one call of the session. `context` is whole, the part that was known included. `entity` is the resource's, when it came
 * with the call; otherwise it is looked up among the session's entities.
 */
export function authorizeIn(
  session: CedarSession,
  call: { readonly resource: Uid; readonly context: CedarRecord },
  entity?: Entity,
): Answer {
  const { principal, principalEntity, action, actionEntity, entities, candidates } = session;
  const { resource, context } = call;
  const resourceEntity = entity ?? entities.get(resource);
  const tally = new Tally({ principal, action, resource, context, entities, principalEntity, actionEntity, resourceEntity });
  eachCandidate(candidates, resource, resourceEntity, (policy) => tally.ask(policy));
  return tally.answer();
}
