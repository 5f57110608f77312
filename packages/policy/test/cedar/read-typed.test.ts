import type { Context, EntityJson } from "@cedar-policy/cedar-wasm/nodejs";
import * as official from "@cedar-policy/cedar-wasm/nodejs";
import { describe, expect, it } from "vitest";
import { authorize, readEntities, readRequest, readSchema } from "../../src/cedar/index.ts";
import { compiled, when, WORLD } from "../support/cedar-oracle.ts";
import type { Question } from "../support/cedar-oracle.ts";

const SCHEMA = `
  type Address = ipaddr;
  type Pair = { left: Long, right?: Address };
  entity Group;
  entity User in [Group] {
    boss?: User, net?: ipaddr, nets?: Set<ipaddr>, pair?: Pair, price?: decimal, at?: datetime, span?: duration,
    name?: String, friends?: Set<User>, deep?: { inner: Set<{ who: User }> },
  } tags Set<User>;
  entity Doc;
  entity Color enum ["red", "blue"];
  action "all";
  action "read" in ["all"];
  action "view" in ["read"] appliesTo { principal: User, resource: Doc, context: { ip?: ipaddr, who?: User, list?: Set<decimal>, color?: Color } };
  action "other" appliesTo { principal: User, resource: Doc, context: { ip?: String } };
  namespace App {
    entity Thing { owner?: User, next?: Thing, price?: __cedar::decimal };
    action "use" in [Action::"do"] appliesTo { principal: User, resource: Doc, context: { thing?: Thing } };
    action "do";
  }
`;
const TYPES = readSchema(SCHEMA);

function ask(text: string, question: Question) {
  const answer = authorize(compiled({ staticPolicies: when(text) }), readRequest(question, TYPES), readEntities(question.entities, TYPES));
  return [answer.decision, answer.errors.length];
}

function askOfficial(text: string, { entities, ...question }: Question) {
  const answer = official.isAuthorized({ ...question, entities: [...entities], schema: SCHEMA, policies: { staticPolicies: when(text) } });
  if (answer.type === "failure") throw new Error(answer.errors.map((error) => error.message).join("; "));
  return [answer.response.decision, answer.response.diagnostics.errors.length];
}

const BASE: Question = { ...WORLD, resource: { type: "Doc", id: "d" }, context: {}, entities: [] };
const bob = { type: "User", id: "bob" };

function expectAllowed(text: string, question: Question): void {
  expect(ask(text, question)).toEqual(["allow", 0]);
  expect(askOfficial(text, question)).toEqual(["allow", 0]);
}

describe("with a schema, an attribute is read by its declared type", () => {
  const user = (attrs: EntityJson["attrs"], more: Partial<EntityJson> = {}): EntityJson[] => [
    { uid: BASE.principal, attrs, parents: [], ...more },
  ];

  it.each<[EntityJson["attrs"], string]>([
    [{ boss: bob }, 'principal.boss == User::"bob"'],
    [{ boss: { __entity: bob } }, 'principal.boss == User::"bob"'],
    [{ net: "1.1.1.1" }, "principal.net.isIpv4()"],
    [{ net: { fn: "ip", arg: "1.1.1.1" } }, "principal.net.isIpv4()"],
    [{ net: { __extn: { fn: "ip", arg: "1.1.1.1" } } }, "principal.net.isIpv4()"],
    [{ nets: ["1.1.1.1", { fn: "ip", arg: "::1" }] }, 'principal.nets == [ip("::1"), ip("1.1.1.1")]'],
    [{ pair: { left: 1, right: "::1" } }, "principal.pair.right.isIpv6() && principal.pair.left == 1"],
    [{ price: "1.5" }, 'principal.price == decimal("1.5")'],
    [{ at: "2024-02-29" }, 'principal.at == datetime("2024-02-29")'],
    [{ span: "1h" }, 'principal.span == duration("1h")'],
    [{ name: "1.5" }, 'principal.name == "1.5"'],
    [{ friends: [bob] }, 'principal.friends == [User::"bob"]'],
    [{ deep: { inner: [{ who: bob }] } }, 'principal.deep.inner == [{who: User::"bob"}]'],
  ])("%j: %s", (attrs, text) => expectAllowed(text, { ...BASE, entities: user(attrs) }));

  it("tags as well", () => {
    expectAllowed('principal.getTag("t") == [User::"bob"]', { ...BASE, entities: user({}, { tags: { t: [bob] } }) });
  });

  it("entities of a namespace as well", () => {
    const attrs = { owner: bob, next: { type: "App::Thing", id: "y" }, price: "1.5" };
    const entities = [{ uid: { type: "App::Thing", id: "x" }, attrs, parents: [] }];
    expectAllowed('App::Thing::"x".owner == User::"bob"', { ...BASE, entities });
    expectAllowed('App::Thing::"x".next == App::Thing::"y"', { ...BASE, entities });
    expectAllowed('App::Thing::"x".price == decimal("1.5")', { ...BASE, entities });
  });

  it.each<[EntityJson["attrs"]]>([[{ net: "x" }], [{ boss: { type: "User" } }], [{ nets: [null] }], [{ price: "1.00001" }]])(
    "%j is bad data",
    (attrs) => {
      const question = { ...BASE, entities: user(attrs) };
      expect(() => ask("true", question)).toThrow(expect.objectContaining({ name: "BadData" }));
      expect(() => askOfficial("true", question)).toThrow();
    },
  );
});

describe("with a schema, the context is read by the action's type", () => {
  it.each<[Context, string]>([
    [{ ip: "1.1.1.1" }, "context.ip.isIpv4()"],
    [{ who: bob }, 'context.who == User::"bob"'],
    [{ list: ["1.5", { fn: "decimal", arg: "2.5" }] }, 'context.list == [decimal("2.5"), decimal("1.5")]'],
    [{ color: { type: "Color", id: "red" } }, 'context.color == Color::"red"'],
  ])("%j: %s", (context, text) => expectAllowed(text, { ...BASE, context }));

  it("of that action only", () => {
    const action = { type: "Action", id: "other" };
    expectAllowed('context.ip == "1.1.1.1"', { ...BASE, action, context: { ip: "1.1.1.1" } });
  });

  it("in a namespace as well", () => {
    const context = { thing: { type: "App::Thing", id: "x" } };
    expectAllowed('context.thing == App::Thing::"x"', { ...BASE, action: { type: "App::Action", id: "use" }, context });
  });
});

describe("the actions of a schema are entities", () => {
  it("with their groups, near and far", () => {
    expectAllowed('action in Action::"read" && action in Action::"all"', BASE);
    expectAllowed('!(action in Action::"other")', BASE);
  });

  it("of each namespace", () => {
    expectAllowed('action in App::Action::"do"', { ...BASE, action: { type: "App::Action", id: "use" } });
  });

  it("and may be given again as the schema has them", () => {
    const groups = ["read", "all"].map((id) => ({ type: "Action", id }));
    expectAllowed('action in Action::"all"', { ...BASE, entities: [{ uid: BASE.action, attrs: {}, parents: groups }] });
  });
});

it("a schema as JSON says the same as its text", () => {
  const json = official.schemaToJson(SCHEMA);
  if (json.type === "failure") throw new Error("the schema is well-formed");
  const types = readSchema(json.json);
  const question = { ...BASE, context: { ip: "1.1.1.1" } };
  const policies = compiled({ staticPolicies: when('context.ip.isIpv4() && action in Action::"all"') });
  expect(authorize(policies, readRequest(question, types), readEntities([], types)).decision).toBe("allow");
});
