import type { Entities, Entity } from "./entities.ts";
import { NO_ENTITIES } from "./entities.ts";
import type { CedarRecord, Uid } from "./value.ts";
import { sameUid } from "./value.ts";

/** A request: who wants what done to what. */
export interface Request {
  readonly principal: Uid;
  readonly action: Uid;
  readonly resource: Uid;
  readonly context: CedarRecord;
}

/** What an expression is evaluated in: a request and the entities it can see, the three of the request looked up beforehand. */
export interface Environment extends Request {
  readonly entities: Entities;
  readonly principalEntity: Entity | undefined;
  readonly actionEntity: Entity | undefined;
  readonly resourceEntity: Entity | undefined;
}

export function environmentOf(request: Request, entities: Entities): Environment {
  return {
    principal: request.principal,
    action: request.action,
    resource: request.resource,
    context: request.context,
    entities,
    principalEntity: entities.get(request.principal),
    actionEntity: entities.get(request.action),
    resourceEntity: entities.get(request.resource),
  };
}

/** The entity of that name; the request's own three need not be among `entities`. */
export function entityIn(env: Environment, uid: Uid): Entity | undefined {
  if (sameUid(uid, env.resource)) return env.resourceEntity;
  if (sameUid(uid, env.principal)) return env.principalEntity;
  if (sameUid(uid, env.action)) return env.actionEntity;
  return env.entities === NO_ENTITIES ? undefined : env.entities.get(uid);
}
