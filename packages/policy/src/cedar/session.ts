import type { Answer, Policies } from "./authorize.ts";
import { Tally } from "./authorize.ts";
import { compileTest } from "./compile.ts";
import type { Entities, Entity } from "./entities.ts";
import type { ByResource, Party } from "./policy-index.ts";
import { eachOfResource, fileByResource, Filed } from "./policy-index.ts";
import { specialize } from "./specialize.ts";
import type { CedarRecord, Uid } from "./value.ts";

/** Policies for one principal and one action, with everything computed that depends on those and on the known part of the context. */
export interface CedarSession {
  readonly byResource: ByResource;
  readonly principal: Party;
  readonly action: Party;
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
  const party = (uid: Uid): Party => ({ uid, entity: entities.get(uid) });
  const [principal, action] = [party(who.principal), party(who.action)];
  const byResource: ByResource = new Filed();
  policies.index.eachCoveringCaller(principal, action, ({ tree }) => {
    const condition = specialize(tree.condition, { principal, action, context: who.context, openContext: who.open });
    if (condition.op === "value" && condition.value === false) return;
    fileByResource(byResource, { tree: { ...tree, condition }, test: compileTest(condition) });
  });
  return { byResource, principal, action, entities };
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
  const { principal, action, entities } = session;
  const resource: Party = { uid: call.resource, entity: entity ?? entities.get(call.resource) };
  const tally = new Tally({
    principal: principal.uid,
    action: action.uid,
    resource: resource.uid,
    context: call.context,
    entities,
    principalEntity: principal.entity,
    actionEntity: action.entity,
    resourceEntity: resource.entity,
  });
  eachOfResource(session.byResource, resource, (policy) => tally.ask(policy));
  return tally.answer();
}
