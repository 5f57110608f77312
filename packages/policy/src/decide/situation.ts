import type { Environment } from "../cedar/environment.ts";
import { flatEntity, NO_ENTITIES } from "../cedar/entities.ts";
import type { CedarRecord } from "../cedar/value.ts";
import { EMPTY_RECORD, Uid } from "../cedar/value.ts";
import { NO_RECORD } from "../engine/cedar-schema.ts";
import { valueAt } from "../facts/request-facts.ts";
import { RecordAttributes } from "../facts/shape.ts";
import type { Json } from "../json.ts";
import { isList, isObject } from "../json.ts";
import { filtersResults, loadsRecord } from "../load/condition-place.ts";
import type { AgentConfig, CatalogAction, DecisionRequest, Policy, ResourceFacts } from "../types.ts";
import type { No } from "./answer.ts";
import type { Asked, Truth } from "./asked.ts";
import { truthIn } from "./asked.ts";
import { BUILTIN } from "./builtin-rules.ts";
import { inForce } from "./elevations.ts";
import type { Elevated } from "./elevations.ts";
import { findAction } from "./find-action.ts";
import type { Place } from "./place.ts";
import type { PolicySession } from "./session.ts";
import { placeOf, sessionOf } from "./session.ts";

/**
 * What is known of the record while deciding. `open`: any record is thinkable. `deferred`: it will be seen in the result.
 * `missing`: it should have been loaded and was not. `none`: the action names no record.
 */
export type RecordState = "known" | "open" | "deferred" | "missing" | "none";

/** A call under judgement: who asks for what, found in the policy. */
export interface Situation {
  readonly policy: Policy;
  readonly session: PolicySession;
  readonly place: Place;
  readonly request: DecisionRequest;
  readonly action: CatalogAction;
  readonly agent: AgentConfig;
  /** Rights for a time that count for this call; its place has their rules. */
  readonly elevated: readonly Elevated[];
  readonly record: ResourceFacts | undefined;
  readonly recordState: RecordState;
  /** Names of fields this call sets; empty for reads. */
  readonly written: readonly string[];
}

/** A situation whose arguments are readable. */
export interface Judged extends Situation {
  readonly env: Environment;
  readonly records: number;
  readonly cost: number;
  readonly recipients: number;
  /** Records that the call is known to return. */
  readonly expected: number;
}

/** Finds session and action; what policy does not know is refused. */
export function situationOf(policy: Policy, request: DecisionRequest): Situation | No {
  const session = sessionOf(policy, request.caller);
  if ("code" in session) return session;
  const { operation } = request;
  const { agent } = session;
  const action = findAction(policy, operation);
  if (action === undefined) {
    return {
      code: "no_grant",
      message: `\`${operation.name}\` of \`${operation.tool}\` is not in the catalog; a person must review it first`,
      rules: [BUILTIN.denyByDefault],
      next: [{ kind: "ask_owner", owner: agent.owner, text: `add \`${operation.name}\` to tools/${operation.tool}.yaml` }],
    };
  }
  const record: ResourceFacts | undefined = request.resource === "unknown" ? undefined : request.resource;
  const [recordState, written] = [recordStateOf(action, request.resource), writtenFields(action, request.args)];
  const elevated = inForce(session.elevations, action, written, request.now);
  return { policy, session, place: placeOf(session, action, elevated), request, action, agent, elevated, record, recordState, written };
}

/** What conditions are evaluated in; `record` undefined stands for a call that names none. */
export function environmentFor(
  situation: Pick<Situation, "session" | "place" | "action">,
  context: CedarRecord,
  record: ResourceFacts | undefined,
): Environment {
  const { session, place, action } = situation;
  const { principal } = place;
  const resource = record === undefined ? new Uid(NO_RECORD, action.operation.tool) : new Uid(record.type, record.id);
  const shape = record === undefined ? undefined : session.compiled.recordShapes.get(record.type);
  const attributes = record === undefined ? EMPTY_RECORD.fields : new RecordAttributes(record.attributes, shape ?? new Map());
  return {
    principal: principal.uid,
    action: place.action.uid,
    resource,
    context,
    entities: NO_ENTITIES,
    principalEntity: principal,
    actionEntity: place.action,
    resourceEntity: flatEntity(resource, attributes, []),
  };
}

/** An absent condition is true. A condition over a record that is not there yet may be either; one over a record that should be there fails. */
export function truthOf({ recordState, env }: Pick<Judged, "recordState" | "env">, asked: Asked | undefined): Truth {
  if (asked === undefined) return "true";
  if (asked.constant !== undefined) return asked.constant;
  if (asked.usesResource && recordState !== "known") return recordState === "open" || recordState === "deferred" ? "maybe" : "error";
  return truthIn(env, asked.test);
}

function recordStateOf(action: CatalogAction, resource: DecisionRequest["resource"]): RecordState {
  if (resource === "unknown") return "open";
  if (resource !== undefined) return "known";
  if (loadsRecord(action)) return "missing";
  return filtersResults(action) ? "deferred" : "none";
}

/**
 * Fields a call sets: keys of the declared object or of each object of a list, or every argument but the record's id and what the broker sets.
 * What has no keys counts as a field of the place's own name, so that no allowlist lets it pass unseen.
 */
function writtenFields(action: CatalogAction, args: DecisionRequest["args"]): readonly string[] {
  if (action.effect === "read") return [];
  const path = action.resource?.fields?.split(".").slice(1);
  if (path !== undefined) return keysOf(valueAt(args, path), path.at(-1) ?? "args");
  const [id, ...below] = action.resource?.id.split(".").slice(1) ?? [];
  return Object.keys(args).filter((name) => !Object.hasOwn(action.force, name) && (name !== id || !onlyId(args[name], below)));
}

function keysOf(value: Json | undefined, name: string): readonly string[] {
  if (value === undefined || value === null) return [];
  if (isObject(value)) return Object.keys(value);
  return isList(value) ? [...new Set(value.flatMap((item) => keysOf(item, name)))] : [name];
}

/** Whether the argument that holds the record's id holds nothing else. */
function onlyId(value: Json | undefined, [step, ...below]: readonly string[]): boolean {
  if (step === undefined || value === undefined) return true;
  if (!isObject(value)) return false;
  const keys = Object.keys(value);
  return keys.length === 0 || (keys.length === 1 && keys[0] === step && onlyId(value[step], below));
}
