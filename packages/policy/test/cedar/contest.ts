import * as official from "@cedar-policy/cedar-wasm/nodejs";
import type { PolicySet, Schema, StatefulAuthorizationCall } from "@cedar-policy/cedar-wasm/nodejs";
import * as engine from "../../src/cedar/index.ts";
import type { StatedPolicy, World } from "./generate.ts";
import { dict } from "./question.ts";
import type { Answer, Dict, EntityJson, Json, Request } from "./question.ts";
import { authorize } from "./reference.ts";
import { FIELDS } from "./vocabulary.ts";

/** What each says to a case, as comparable text. */
export interface Answers {
  readonly official: string;
  readonly engine: string;
  /** The engine again, with everything computed beforehand that does not depend on the resource and on a part of the context. */
  readonly session: string;
  readonly reference: string;
}

/** Whether someone disagrees with the official library. What that refuses to read is the generator's fault. */
export function differs(answers: Answers): boolean {
  return !isRefused(answers.official) && Object.values(answers).some((answer) => answer !== answers.official);
}

export function isRefused(answer: string): boolean {
  return answer.startsWith("refused");
}

type Rules = Pick<World, "policies" | "schema">;
type Ask = (request: Request) => string;
type Contestant = (entities: readonly EntityJson[]) => Ask;

/**
 * Gives a policy set to the three, then entities, then requests; each reads the policies once.
 * Only the newest contest may be asked: the official library keeps one set.
 */
export function contest(rules: Rules): (entities: readonly EntityJson[]) => (request: Request) => Answers {
  const [prepared, compiled] = [officialContestant(rules), engineContestant(rules)];
  return (entities) => {
    const [askOfficial, askEngine] = [prepared(entities), compiled(entities)];
    return (request) => ({
      official: askOfficial(request),
      ...askEngine(request),
      reference: asText(authorize(rules.policies, request, entities)),
    });
  };
}

const NAME = "contest";

function officialContestant({ policies, schema }: Rules): Contestant {
  // unsafe: the library's forms, with whole numbers as raw JSON
  const parsed = official.preparsePolicySet(NAME, toRawNumbers(policySetOf(policies)) as PolicySet);
  // unsafe: the generator makes the library's form
  const read = schema === undefined ? [] : [official.preparseSchema(NAME, given(schema) as Schema)];
  const refusal = [parsed, ...read].flatMap((answer) => (answer.type === "failure" ? answer.errors : []));
  if (refusal.length > 0) return () => () => `refused: ${refusal.map((error) => error.message).join("; ")}`;
  return (entities) => {
    const common = {
      entities: toRawNumbers(givenEntities(entities, schema)),
      preparsedPolicySetId: NAME,
      ...(schema === undefined ? {} : { preparsedSchemaName: NAME }),
    };
    return (request) => {
      // unsafe: the library's forms, with whole numbers as raw JSON
      const call = Object.assign({}, common, toRawNumbers(givenRequest(request, schema))) as StatefulAuthorizationCall;
      const answer = official.statefulIsAuthorized(call);
      if (answer.type === "failure") return `refused: ${answer.errors.map((error) => error.message).join("; ")}`;
      const { decision, diagnostics } = answer.response;
      return asText({ decision, reasons: diagnostics.reason, errors: diagnostics.errors.map((error) => error.policyId) });
    };
  };
}

function engineContestant({
  policies,
  schema,
}: Rules): (entities: readonly EntityJson[]) => (request: Request) => Pick<Answers, "engine" | "session"> {
  const compiled = once(() => {
    // unsafe: the library's forms, with whole numbers as bigints
    const compilation = engine.compilePolicies(policySetOf(policies) as PolicySet);
    if (!compilation.ok) throw new Error(compilation.errors.map((error) => error.message).join("; "));
    // unsafe: the generator makes the library's form
    return { policies: compilation.policies, types: schema === undefined ? undefined : engine.readSchema(given(schema) as Schema) };
  });
  return (entities) => {
    // unsafe: the library's forms, with whole numbers as bigints
    const json = givenEntities(entities, schema) as Parameters<typeof engine.readEntities>[0];
    const loaded = once(() => engine.readEntities(json, compiled().types));
    return (request) => {
      // unsafe: the same
      const asked = once(() =>
        engine.readRequest(givenRequest(request, schema) as Parameters<typeof engine.readRequest>[0], compiled().types),
      );
      return {
        engine: orFault(() => engine.authorize(compiled().policies, asked(), loaded())),
        session: orFault(() => authorizeInSession(compiled().policies, asked(), loaded())),
      };
    };
  };
}

/** Some names of the context stay open, whether the request has them or not. */
function authorizeInSession(
  policies: engine.Policies,
  { principal, action, resource, context }: engine.Request,
  entities: engine.Entities,
): engine.Answer {
  const open = new Set([...FIELDS.keys()].filter((name) => (name.length + principal.id.length) % 3 === 0));
  const known = new engine.CedarRecord(new Map([...context.fields].filter(([name]) => !open.has(name))));
  const session = engine.openSession(policies, { principal, action, context: known, open }, entities);
  return engine.authorizeIn(session, { resource, context }, open.has("age") ? entities.get(resource) : undefined);
}

function orFault(work: () => engine.Answer): string {
  try {
    const answer = work();
    return asText({ ...answer, errors: answer.errors.map((error) => error.policy) });
  } catch (fault) {
    return `fault: ${fault instanceof Error ? fault.message : String(fault)}`;
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function asText({ decision, reasons, errors }: Answer): string {
  return `${decision}, reasons [${reasons.toSorted().join(", ")}], errors [${errors.toSorted().join(", ")}]`;
}

/** The policies in the form that both libraries take: one text where the ids allow it. */
export function policySetOf(policies: readonly StatedPolicy[]): unknown {
  const statics = policies.filter((policy) => policy.as !== "link");
  const links = policies.filter((policy) => policy.as === "link");
  const inOneText = statics.every((policy, index) => policy.as === "text" && policy.id === `policy${index}`);
  const byId = statics.map(({ id, as, text, tree }) => [id, as === "text" ? text : tree] as const);
  return {
    staticPolicies: inOneText ? statics.map((policy) => policy.text).join("\n") : Object.fromEntries(byId),
    templates: Object.fromEntries(links.map((link) => [link.template, link.text])),
    templateLinks: links.map(({ id, template, slots }) => ({ templateId: template, newId: id, values: slots })),
  };
}

/** For the libraries, whose types know no bigint. */
const given = (json: Dict): unknown => json;

/** With a schema, entities and extension values are written without their escapes, and the schema's own actions are left out. */
function givenEntities(entities: readonly EntityJson[], schema: Dict | undefined): unknown {
  if (schema === undefined) return entities;
  return entities
    .filter(({ uid }) => !uid.type.endsWith("Action"))
    .map(({ attrs, tags, ...rest }) => ({ ...rest, attrs: implicit(attrs), tags }));
}

function givenRequest(request: Request, schema: Dict | undefined): unknown {
  return schema === undefined ? request : { ...request, context: implicit(request.context) };
}

function implicit(json: Json): Json {
  if (Array.isArray(json)) return json.map(implicit);
  if (typeof json !== "object" || json === null) return json;
  if (json["__entity"] !== undefined) return json["__entity"];
  if (json["__extn"] !== undefined) return dict(json["__extn"])["arg"] ?? null;
  return Object.fromEntries(Object.entries<Json>(json).map(([key, each]) => [key, implicit(each)]));
}

/** The library's boundary is JSON.stringify, which writes raw JSON as it stands and refuses a bigint. */
function toRawNumbers(json: unknown): unknown {
  if (typeof json === "bigint") return rawJson(String(json));
  if (Array.isArray(json)) return json.map(toRawNumbers);
  if (typeof json !== "object" || json === null) return json;
  return Object.fromEntries(Object.entries(json).map(([key, each]) => [key, toRawNumbers(each)]));
}

// unsafe: Node has it, the compiler's library of this target does not
const { rawJSON: rawJson } = JSON as typeof JSON & { readonly rawJSON: (text: string) => unknown };
