import type { RecordType, SchemaJson, Type } from "@cedar-policy/cedar-wasm/nodejs";
import { declaredKey, isListType, isRecordType } from "../facts/field-path.ts";
import type { CatalogAction, FieldType, Operation } from "../types.ts";

/** Entity type of `resource` for calls that name no record. */
export const NO_RECORD = "Tool";

/** Everything conditions can speak of. */
export interface Vocabulary {
  readonly types: ReadonlyMap<string, Readonly<Record<string, FieldType>>>;
  /** Attributes of agents beyond the four built-in ones. */
  readonly attributes: Readonly<Record<string, FieldType>>;
  readonly sessionData: Readonly<Record<string, FieldType>>;
}

/** Which parts of the vocabulary a schema is made of; absent parts mean all. Smaller schemas make each request cheaper. */
export interface SchemaParts {
  readonly actions: readonly CatalogAction[];
  readonly attribute?: (name: string) => boolean;
  readonly contextKey?: (name: string) => boolean;
  /** Record types; absent: those the actions act on or return. */
  readonly entityTypes?: readonly string[];
}

/** Id of an operation's action entity: `tickets.get_ticket`, `kb.resource.kb://articles/*`, `kb.prompt.triage`. */
export function actionId(operation: Operation): string {
  return operation.kind === "tool" ? `${operation.tool}.${operation.name}` : `${operation.tool}.${operation.kind}.${operation.name}`;
}

/** Scope groups are parents of operations, so that `action in Action::"tickets:read"` and `action in Action::"tickets:*"` read as in roles. */
export function scopeGroups(scope: string): readonly string[] {
  return [scope, `${scope.split(":")[0] ?? scope}:*`];
}

/** Every name under which a rule can cover the action. */
export function namesOf(action: CatalogAction): readonly string[] {
  return [actionId(action.operation), ...scopeGroups(action.scope), "*"];
}

/** Record types that `resource` can have in conditions over this action. */
export function recordTypes(action: CatalogAction): readonly string[] {
  const before = action.resource?.before === undefined ? [] : [action.resource.type];
  return [...new Set([...before, ...(action.returns === undefined ? [] : [action.returns.type])])];
}

export function cedarSchema(vocabulary: Vocabulary, parts: SchemaParts): SchemaJson<string> {
  const keep = parts.attribute ?? (() => true);
  const used = parts.entityTypes ?? [...new Set(parts.actions.flatMap((action) => recordTypes(action)))];
  const builtIn = { tenant: "string", environment: "string", workflow: "string", name: "string" } as const;
  const records = used
    .filter((type) => type !== NO_RECORD)
    .map((type) => [type, { shape: recordOf(pick(vocabulary.types.get(type) ?? {}, keep)) }] as const);
  return {
    "": {
      entityTypes: {
        Role: {},
        [NO_RECORD]: {},
        Agent: { memberOfTypes: ["Role"], shape: recordOf(pick({ ...builtIn, ...vocabulary.attributes }, keep)) },
        ...Object.fromEntries(records),
      },
      actions: Object.fromEntries([
        ...parts.actions.flatMap((action) => scopeGroups(action.scope).map((group) => [group, {}] as const)),
        ...parts.actions.map((action) => [actionId(action.operation), actionType(vocabulary, action, parts)] as const),
      ]),
    },
  };
}

function actionType(vocabulary: Vocabulary, action: CatalogAction, parts: SchemaParts) {
  const types = parts.entityTypes ?? recordTypes(action);
  return {
    memberOf: scopeGroups(action.scope).map((id) => ({ id })),
    appliesTo: {
      principalTypes: ["Agent"],
      resourceTypes: [...new Set([NO_RECORD, ...types])],
      context: contextType(vocabulary, action, parts.contextKey ?? (() => true)),
    },
  };
}

/** Type of `context`; its keys are the vocabulary that docs/spec/policy-files.md lists. */
function contextType(vocabulary: Vocabulary, action: CatalogAction, keep: (name: string) => boolean): Type<string> {
  const forced = Object.fromEntries(Object.keys(action.force).map((key) => [key, "string" as const]));
  const all: Readonly<Record<string, Type<string>>> = {
    args: recordOf({ ...forced, ...action.args }),
    user: record({ id: { type: "String" } }),
    session: record({ id: { type: "String" }, task: { type: "String" }, data: recordOf(vocabulary.sessionData) }),
    now: { type: "Extension", name: "datetime" },
    records: { type: "Long" },
    cost: { type: "Extension", name: "decimal" },
    environment: { type: "String" },
  };
  return record(Object.fromEntries(Object.entries(all).filter(([key]) => keep(key))));
}

function pick(fields: Readonly<Record<string, FieldType>>, keep: (name: string) => boolean): Readonly<Record<string, FieldType>> {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => keep(declaredKey(key).name)));
}

function record(attributes: RecordType<string>["attributes"]): Type<string> {
  return { type: "Record", attributes };
}

function recordOf(fields: { readonly [key: string]: FieldType }): Type<string> {
  const attributes = Object.entries(fields).flatMap(([key, fieldType]) => {
    const type = cedarType(fieldType);
    const { name, optional } = declaredKey(key);
    return type === undefined ? [] : [[name, { ...type, required: !optional }] as const];
  });
  return record(Object.fromEntries(attributes));
}

/** `any` has no Cedar type: policy does not see it. */
function cedarType(type: FieldType): Type<string> | undefined {
  if (isListType(type)) {
    const element = cedarType(type[0]);
    return element === undefined ? undefined : { type: "Set", element };
  }
  if (isRecordType(type)) return recordOf(type);
  switch (type) {
    case "string":
      return { type: "String" };
    case "integer":
      return { type: "Long" };
    case "boolean":
      return { type: "Boolean" };
    case "decimal":
      return { type: "Extension", name: "decimal" };
    case "datetime":
      return { type: "Extension", name: "datetime" };
    case "email":
      return record({ address: { type: "String" }, local: { type: "String" }, domain: { type: "String" } });
    case "any":
      return undefined;
  }
}
