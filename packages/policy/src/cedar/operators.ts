import { EvaluationError } from "./evaluation-error.ts";
import type { Environment } from "./environment.ts";
import { entityIn } from "./environment.ts";
import { isLong } from "./long.ts";
import type { Long } from "./long.ts";
import type { Value } from "./value.ts";
import { CedarRecord, CedarSet, sameUid, Uid } from "./value.ts";

/** Says what kind of value it is, in Cedar's words. */
export function typeName(value: Value): string {
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  return isLong(value) ? "long" : value.kind;
}

export function needBoolean(value: Value): boolean {
  if (typeof value === "boolean") return value;
  throw new EvaluationError(`expected a bool, got a ${typeName(value)}`);
}

export function needLong(value: Value): Long {
  if (isLong(value)) return value;
  throw new EvaluationError(`expected a long, got a ${typeName(value)}`);
}

export function needString(value: Value): string {
  if (typeof value === "string") return value;
  throw new EvaluationError(`expected a string, got a ${typeName(value)}`);
}

export function needSet(value: Value): CedarSet {
  if (value instanceof CedarSet) return value;
  throw new EvaluationError(`expected a set, got a ${typeName(value)}`);
}

export function needEntity(value: Value): Uid {
  if (value instanceof Uid) return value;
  throw new EvaluationError(`expected an entity, got a ${typeName(value)}`);
}

/** @throws EvaluationError when `result` says that the computation left 64 bits. */
export function noOverflow(result: Long | undefined): Long {
  if (result === undefined) throw new EvaluationError("the result leaves the 64 bits of an integer");
  return result;
}

/** Negative, zero or positive as `a` is before, at or after `b`: two longs, two datetimes or two durations. */
export function compare(a: Value, b: Value): number {
  const [left, right] = sortable(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
}

function sortable(a: Value, b: Value): readonly [Long, Long] {
  if (isLong(a) && isLong(b)) return [a, b];
  if (typeof a === "object" && typeof b === "object") {
    if (a.kind === "datetime" && b.kind === "datetime") return [a.epochMs, b.epochMs];
    if (a.kind === "duration" && b.kind === "duration") return [a.ms, b.ms];
  }
  throw new EvaluationError(`a ${typeName(a)} and a ${typeName(b)} have no order`);
}

/** `left in right`: the entity itself or an ancestor is `right`, or is one of it. */
export function isIn(env: Environment, left: Value, right: Value): boolean {
  const uid = needEntity(left);
  if (right instanceof Uid) return isWithin(env, uid, right);
  const targets = needSet(right).items.map((item) => needEntity(item));
  return targets.some((target) => isWithin(env, uid, target));
}

export function isWithin(env: Environment, uid: Uid, target: Uid): boolean {
  return sameUid(uid, target) || entityIn(env, uid)?.isWithin(target) === true;
}

export function containsAll(set: Value, items: Value): boolean {
  const [all, some] = [needSet(set), needSet(items)];
  return some.items.every((item) => all.has(item));
}

export function containsAny(set: Value, items: Value): boolean {
  const [all, some] = [needSet(set), needSet(items)];
  return some.items.some((item) => all.has(item));
}

/** `left.name`. */
export function attributeOf(env: Environment, left: Value, name: string): Value {
  if (left instanceof CedarRecord) {
    const value = left.fields.get(name);
    if (value === undefined) throw new EvaluationError(`the record has no attribute \`${name}\``);
    return value;
  }
  const uid = needEntityOrRecord(left);
  const entity = entityIn(env, uid);
  if (entity === undefined) throw new EvaluationError(`the entity \`${uid.type}::${JSON.stringify(uid.id)}\` does not exist`);
  const value = entity.attributes.get(name);
  if (value === undefined) throw new EvaluationError(`\`${uid.type}::${JSON.stringify(uid.id)}\` has no attribute \`${name}\``);
  return value;
}

/** `left has name`; of an entity that does not exist it is false. */
export function hasAttribute(env: Environment, left: Value, name: string): boolean {
  if (left instanceof CedarRecord) return left.fields.has(name);
  return entityIn(env, needEntityOrRecord(left))?.attributes.has(name) === true;
}

function needEntityOrRecord(value: Value): Uid {
  if (value instanceof Uid) return value;
  throw new EvaluationError(`expected an entity or a record, got a ${typeName(value)}`);
}

export function tagOf(env: Environment, left: Value, right: Value): Value {
  const [uid, name] = [needEntity(left), needString(right)];
  const entity = entityIn(env, uid);
  if (entity === undefined) throw new EvaluationError(`the entity \`${uid.type}::${JSON.stringify(uid.id)}\` does not exist`);
  const value = entity.tags.get(name);
  if (value === undefined) throw new EvaluationError(`\`${uid.type}::${JSON.stringify(uid.id)}\` has no tag \`${name}\``);
  return value;
}

export function hasTag(env: Environment, left: Value, right: Value): boolean {
  const [uid, name] = [needEntity(left), needString(right)];
  return entityIn(env, uid)?.tags.has(name) === true;
}
