import type { PolicySet } from "@cedar-policy/cedar-wasm/nodejs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileTest } from "../../src/cedar/compile.ts";
import { environmentOf } from "../../src/cedar/environment.ts";
import { EvaluationError } from "../../src/cedar/evaluation-error.ts";
import { authorize, authorizeIn, openSession, readEntities, readEntity, readRequest } from "../../src/cedar/index.ts";
import type { Answer, Request } from "../../src/cedar/index.ts";
import { print } from "../../src/cedar/print.ts";
import { specialize } from "../../src/cedar/specialize.ts";
import type { Known } from "../../src/cedar/specialize.ts";
import { CedarRecord, Uid } from "../../src/cedar/value.ts";
import type { Value } from "../../src/cedar/value.ts";
import { mentions } from "../../src/engine/parse-condition.ts";
import { compiled, environmentIn, exprOf, FAILS, outcomeIn, WORLD } from "../support/cedar-oracle.ts";
import { policySetOf } from "./contest.ts";
import { casesOr, sampleOf } from "./expressions.ts";
import type { Sample } from "./expressions.ts";
import { generateWorld } from "./generate.ts";
import { randomFrom } from "./random.ts";
import type { Random } from "./random.ts";
import { FIELDS } from "./vocabulary.ts";

const CASES = casesOr(1_500);

/** Some parts of the first request are known; the others complete them. */
function knownPart({ random, requests, entities }: Sample): { readonly known: Known; readonly completions: readonly Request[] } {
  const [first, ...others] = requests;
  if (first === undefined) throw new Error("a sample has requests");
  const part = (name: "principal" | "action" | "resource") =>
    random.chance(0.5) ? { uid: first[name], entity: entities.get(first[name]) } : undefined;
  const [principal, action, resource] = [part("principal"), part("action"), part("resource")];
  const resourceType = resource === undefined && random.chance(0.3) ? first.resource.type : undefined;
  const split = random.chance(0.7) ? splitContext(random, first.context) : undefined;
  const known: Known = { principal, action, resource, resourceType, ...split };
  const completions = [first, ...others].map((other) => ({
    principal: principal?.uid ?? other.principal,
    action: action?.uid ?? other.action,
    resource: resource?.uid ?? (resourceType === undefined || other.resource.type === resourceType ? other.resource : first.resource),
    context: split === undefined ? other.context : completed(split, other.context),
  }));
  return { known, completions };
}

type Split = Required<Pick<Known, "context" | "openContext">> & { readonly context: CedarRecord };

function splitContext(random: Random, { fields }: CedarRecord): Split {
  const open = random.chance(0.3) ? undefined : new Set(random.some([...FIELDS.keys()], 0.5));
  return { context: new CedarRecord(new Map([...fields].filter(([name]) => open?.has(name) !== true))), openContext: open };
}

function completed({ context, openContext }: Split, from: CedarRecord): CedarRecord {
  const rest = [...from.fields].filter(([name]) => openContext?.has(name) === true);
  return new CedarRecord(new Map<string, Value>([...context.fields, ...rest]));
}

it(
  `what is left of ${String(CASES)} random expressions gives the same value, or fails as well, whatever the rest is`,
  { timeout: 600_000 },
  () => {
    let [decided, smaller] = [0, 0];
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom("any" as const, "bool" as const), (seed, type) => {
        const sample = sampleOf(seed, type);
        const { known, completions } = knownPart(sample);
        const residual = specialize(sample.expr, known);
        for (const request of completions) {
          const env = environmentOf(request, sample.entities);
          expect(outcomeIn(env, residual)).toBe(outcomeIn(env, sample.expr));
        }
        for (const name of ["principal", "action", "resource"] as const)
          if (known[name] !== undefined) expect(mentions(residual, name)).toBe(false);
        if (known.context !== undefined && known.openContext === undefined) expect(mentions(residual, "context")).toBe(false);
        if (residual.op === "value" || residual.op === "error") decided += 1;
        if (print(residual) !== print(sample.expr)) smaller += 1;
      }),
      { numRuns: CASES },
    );
    // Otherwise nothing was put in.
    expect(decided).toBeGreaterThan(CASES / 20);
    expect(smaller).toBeGreaterThan(CASES / 5);
  },
);

it("a compiled condition answers as the compiled expression, and fails where that is no bool", { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom("any" as const, "bool" as const), (seed, type) => {
      const { expr, requests, entities } = sampleOf(seed, type);
      const test = compileTest(expr);
      for (const request of requests) {
        const env = environmentOf(request, entities);
        const value = outcomeIn(env, expr);
        const truth = attempt(() => String(test(env)));
        expect(truth).toBe(value === "true" || value === "false" ? value : FAILS);
      }
    }),
    { numRuns: CASES },
  );
});

function attempt(work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (error instanceof EvaluationError) return FAILS;
    throw error;
  }
}

describe("putting in", () => {
  const env = environmentIn(WORLD);
  const principal = { uid: env.principal, entity: env.principalEntity };
  const action = { uid: env.action, entity: env.actionEntity };
  const resource = { uid: env.resource, entity: env.resourceEntity };
  const openContext = new Set(["n", "late"]);
  const { context } = env;
  const failure = print({ op: "error", message: "" });

  it.each<[string, Known, string]>([
    ["principal.age", { principal }, "30"],
    ["principal.age > resource.limit", { principal }, "30 > resource.limit"],
    ["principal has age && resource.x == 1", { principal }, "resource.x == 1"],
    ["principal has age && resource.open", { principal }, "true && resource.open"],
    ["principal has nothing && resource.open", { principal }, "false"],
    ["principal has nothing || resource.x == 1", { principal }, "resource.x == 1"],
    ["principal.nothing == 1 && resource.open", { principal }, failure],
    ["resource.open && principal.nothing == 1", { principal }, `resource.open && ${failure}`],
    ["principal.name && resource.open", { principal }, failure],
    ["true && resource.x", {}, "true && resource.x"],
    ["false || resource.x", {}, "false || resource.x"],
    ["true && resource.x == 1", {}, "resource.x == 1"],
    ["false || resource.x == 1", {}, "resource.x == 1"],
    ["if principal has age then resource.a else resource.b", { principal }, "resource.a"],
    ["if principal has nothing then resource.a else resource.b", { principal }, "resource.b"],
    ["if principal.age then resource.a else resource.b", { principal }, failure],
    ["if principal.nothing then resource.a else resource.b", { principal }, failure],
    ["if resource.x then principal.age else principal.name", { principal }, 'if resource.x then 30 else "Alice"'],
    ['principal in Group::"all" && !resource.open', { principal }, "!resource.open"],
    ['principal in [Group::"none", Group::"staff"]', { principal }, "true"],
    ['principal in Group::"none"', { principal }, "false"],
    ['principal in [Group::"none", 1]', { principal }, failure],
    ["principal in 1", { principal }, failure],
    ["principal in []", { principal }, "false"],
    ["principal in resource", { principal }, 'User::"alice" in resource'],
    [
      'resource in App::Folder::"top" || principal == resource',
      { principal },
      'resource in App::Folder::"top" || User::"alice" == resource',
    ],
    ['User::"bob" in Group::"all"', { principal }, 'User::"bob" in Group::"all"'],
    ['User::"bob" in [User::"bob", Group::"all"]', { principal }, "true"],
    ['User::"bob" in []', { principal }, "false"],
    ["principal.boss.age", { principal }, 'User::"bob".age'],
    ["principal.boss has age", { principal }, 'User::"bob" has age'],
    ['principal.boss.getTag("color")', { principal }, 'User::"bob".getTag("color")'],
    ['principal.getTag("color") == resource.color', { principal }, '"red" == resource.color'],
    ['principal.getTag("nothing") == resource.color', { principal }, failure],
    ['principal.hasTag("color") && !resource.open', { principal }, "!resource.open"],
    ["principal.hasTag(1)", { principal }, failure],
    ["principal.getTag(1)", { principal }, failure],
    ["principal is User && resource is App::Doc", { principal }, "resource is App::Doc"],
    ["principal is User && resource is App::Doc", { principal, resourceType: "App::Doc" }, "true"],
    ["resource is Group || !resource.open", { resourceType: "App::Doc" }, "!resource.open"],
    ["principal is User", { resourceType: "User" }, "principal is User"],
    ["resource.owner == principal", { principal, resource }, "true"],
    ['action in Action::"read" && !resource.open', { action }, "!resource.open"],
    ['context.n > 4 && context.s == "text"', { context }, "true"],
    ['context.n > 4 && context.s == "text"', { context, openContext }, "context.n > 4 && true"],
    ['context.s == "text" && context.n > 4', { context, openContext }, "context.n > 4"],
    ["context has s && context has n && context has nothing", { context, openContext }, "context has n && false"],
    ["context.nothing", { context, openContext }, failure],
    ["context.late", { context, openContext }, "context.late"],
    ["context has late", { context, openContext }, "context has late"],
    ["context.rec.x + context.n", { context, openContext }, "1 + context.n"],
    ["context == {}", { context, openContext }, "context == {}"],
    ["context.list.contains(context.n)", { context, openContext }, "[1, 2].contains(context.n)"],
    ["[context.s, resource.x]", { context }, '["text", resource.x]'],
    ["[context.n, context.nothing]", { context }, failure],
    ["{a: context.n}", { context }, '{"a": 5}'],
    ["1 + 2 * 3 == 7", {}, "true"],
    ["9223372036854775807 + 1", {}, failure],
    ['context.s like "t*"', { context }, "true"],
    ["ip(context.s).isIpv4() || true", { context }, failure],
    ["!principal.age", { principal }, failure],
    ["-principal.age", { principal }, "-30"],
  ])("into %s", (text, known, expected) => expect(print(specialize(exprOf(text), known))).toBe(expected));

  it("an entity that is known not to exist has nothing, and what is not known may", () => {
    const ghost = { uid: new Uid("User", "ghost"), entity: undefined };
    expect(print(specialize(exprOf('principal has age || principal in Group::"all"'), { principal: ghost }))).toBe("false");
    expect(print(specialize(exprOf("principal.age"), { principal: ghost }))).toBe(failure);
    expect(print(specialize(exprOf("resource.age"), { principal: ghost }))).toBe("resource.age");
  });
});

describe("a session", () => {
  it("answers as the whole decision does", { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = randomFrom(seed);
        const world = generateWorld(seed);
        // unsafe: the generators make the engine's forms
        const policies = compiled(policySetOf(world.policies) as PolicySet);
        for (const { entities: given, requests } of world.situations) {
          const plain: readonly unknown[] = given;
          // unsafe: the same
          const entities = readEntities(plain as Parameters<typeof readEntities>[0]);
          for (const one of requests) {
            const asked: unknown = one;
            // unsafe: the same
            const request = readRequest(asked as Parameters<typeof readRequest>[0]);
            const { principal, action, context } = request;
            const split = splitContext(random, context);
            const who = { principal, action, context: split.context, open: split.openContext ?? new Set<string>() };
            const session = openSession(policies, who, entities);
            expect(comparable(authorizeIn(session, request))).toEqual(comparable(authorize(policies, request, entities)));
          }
        }
      }),
      { numRuns: Math.ceil(CASES / 40) },
    );
  });

  it("takes the record that comes with the call, or the one it knows", () => {
    const policies = compiled({ staticPolicies: 'permit(principal, action, resource in App::Folder::"top") when { resource.open };' });
    const [entities, request] = [readEntities(WORLD.entities), readRequest(WORLD)];
    const { principal, action, context } = request;
    const session = openSession(policies, { principal, action, context, open: new Set() }, entities);
    const closed = readEntity({ uid: WORLD.resource, attrs: { open: false }, parents: [{ type: "App::Folder", id: "in" }] }, entities);
    const elsewhere = readEntity({ uid: WORLD.resource, attrs: { open: true }, parents: [] }, entities);
    expect(authorizeIn(session, request).decision).toBe("allow");
    expect(authorizeIn(session, request, closed).decision).toBe("deny");
    expect(authorizeIn(session, request, elsewhere).decision).toBe("deny");
    expect(authorizeIn(session, { ...request, resource: new Uid("App::Doc", "none") }).decision).toBe("deny");
  });
});

function comparable({ decision, reasons, errors }: Answer) {
  return { decision, reasons: reasons.toSorted(), errors: errors.map(({ policy }) => policy).toSorted() };
}
