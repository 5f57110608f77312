import type { EntityJson, PolicyJson, TypeAndId } from "@cedar-policy/cedar-wasm/nodejs";
import { describe, expect, it } from "vitest";
import { authorize, readEntities, readRequest } from "../../src/cedar/index.ts";
import { authorizeIn, openSession } from "../../src/cedar/session.ts";
import { compiled, expectAgreement, ours, WORLD } from "../support/cedar-oracle.ts";
import type { Outcome, Question } from "../support/cedar-oracle.ts";

function uid(text: string): TypeAndId {
  const at = text.lastIndexOf("::");
  return { type: text.slice(0, at), id: text.slice(at + 2) };
}

function entity(name: string, ...parents: readonly string[]): EntityJson {
  return { uid: uid(name), attrs: {}, parents: parents.map((parent) => uid(parent)) };
}

const ENTITIES: readonly EntityJson[] = [
  entity("User::alice", "Group::staff", "Group::night"),
  entity("User::bob"),
  entity("Group::staff", "Group::all"),
  entity("Group::night", "Group::all"),
  entity("Admin::alice", "Group::all"),
  entity("App::Doc::d", "App::Folder::in"),
  entity("App::Folder::in", "App::Folder::top"),
  entity("Action::view", "Action::read", "Action::cheap"),
  entity("Action::read", "Action::any"),
  entity("Action::cheap", "Action::any"),
];

function asking(principal: string, action = "Action::view", resource = "App::Doc::d"): Question {
  return { principal: uid(principal), action: uid(action), resource: uid(resource), context: {}, entities: ENTITIES };
}

/** Scopes as Cedar writes them, and whom each covers. */
const PRINCIPALS: Readonly<Record<string, readonly string[]>> = {
  principal: ["User::alice", "User::bob", "User::carol", "Admin::alice", "Group::staff", "Group::all"],
  'principal == User::"alice"': ["User::alice"],
  'principal == User::"carol"': ["User::carol"],
  'principal == Group::"staff"': ["Group::staff"],
  'principal in Group::"staff"': ["User::alice", "Group::staff"],
  'principal in Group::"all"': ["User::alice", "Admin::alice", "Group::staff", "Group::all"],
  'principal in User::"alice"': ["User::alice"],
  'principal in User::"carol"': ["User::carol"],
  'principal in User::"staff"': [],
  "principal is User": ["User::alice", "User::bob", "User::carol"],
  "principal is Group": ["Group::staff", "Group::all"],
  "principal is Doc": [],
  'principal is User in Group::"all"': ["User::alice"],
  'principal is Admin in Group::"all"': ["Admin::alice"],
  'principal is Group in Group::"all"': ["Group::staff", "Group::all"],
  'principal is User in User::"bob"': ["User::bob"],
  'principal is Admin in User::"bob"': [],
};

const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  action: ["Action::view", "Action::read", "Action::edit"],
  'action == Action::"view"': ["Action::view"],
  'action == Action::"read"': ["Action::read"],
  'action in Action::"read"': ["Action::view", "Action::read"],
  'action in Action::"any"': ["Action::view", "Action::read"],
  'action in [Action::"read"]': ["Action::view", "Action::read"],
  'action in [Action::"read", Action::"cheap"]': ["Action::view", "Action::read"],
  'action in [Action::"read", Action::"read"]': ["Action::view", "Action::read"],
  'action in [Action::"any", Action::"read", Action::"view"]': ["Action::view", "Action::read"],
  'action in [Action::"edit", Action::"view"]': ["Action::view", "Action::edit"],
  'action in [App::Action::"view"]': [],
  "action in []": [],
};

const RESOURCES: Readonly<Record<string, readonly string[]>> = {
  resource: ["App::Doc::d", "App::Doc::x", "App::Folder::in", "App::Folder::top"],
  'resource == App::Doc::"d"': ["App::Doc::d"],
  'resource == App::Doc::"x"': ["App::Doc::x"],
  'resource in App::Folder::"in"': ["App::Doc::d", "App::Folder::in"],
  'resource in App::Folder::"top"': ["App::Doc::d", "App::Folder::in", "App::Folder::top"],
  'resource in App::Doc::"x"': ["App::Doc::x"],
  'resource in Folder::"top"': [],
  "resource is App::Doc": ["App::Doc::d", "App::Doc::x"],
  "resource is App::Folder": ["App::Folder::in", "App::Folder::top"],
  "resource is Doc": [],
  'resource is App::Doc in App::Folder::"top"': ["App::Doc::d"],
  'resource is App::Folder in App::Folder::"top"': ["App::Folder::in", "App::Folder::top"],
  'resource is App::Folder in App::Doc::"x"': [],
};

describe("a scope covers", () => {
  const whom = (covers: Readonly<Record<string, readonly string[]>>): readonly string[] => [...new Set(Object.values(covers).flat())];

  it.each([
    ["principals", PRINCIPALS, (scope: string) => `permit(${scope}, action, resource);`, (name: string) => asking(name)],
    ["actions", ACTIONS, (scope: string) => `permit(principal, ${scope}, resource);`, (name: string) => asking("User::alice", name)],
    [
      "resources",
      RESOURCES,
      (scope: string) => `permit(principal, action, ${scope});`,
      (name: string) => asking("User::alice", "Action::view", name),
    ],
  ] as const)("%s as the table says, and no others", (_, table, policy, question) => {
    const policies = Object.fromEntries(Object.keys(table).map((scope) => [scope, policy(scope)]));
    for (const name of whom(table)) {
      const expected = Object.keys(table).filter((scope) => table[scope]?.includes(name) === true);
      expect([name, expectAgreement({ staticPolicies: policies }, question(name)).reasons]).toEqual([name, expected.toSorted()]);
    }
  });

  it("what all three parts cover together", () => {
    const scopes = Object.keys(PRINCIPALS).flatMap((principal) =>
      Object.keys(ACTIONS)
        .slice(0, 7)
        .flatMap((action) => Object.keys(RESOURCES).map((resource) => [principal, action, resource] as const)),
    );
    const thin = scopes.filter((_, index) => index % 4 === 0);
    const policies = Object.fromEntries(thin.map((scope, index) => [`p${String(index)}`, `permit(${scope.join(", ")});`]));
    for (const [principal, action, resource] of [
      ["User::alice", "Action::view", "App::Doc::d"],
      ["User::carol", "Action::edit", "App::Doc::x"],
      ["Admin::alice", "Action::read", "App::Folder::in"],
      ["Group::staff", "Action::view", "App::Folder::top"],
    ] as const) {
      const covering = thin.flatMap(([p, a, r], index) =>
        PRINCIPALS[p]?.includes(principal) && ACTIONS[a]?.includes(action) && RESOURCES[r]?.includes(resource) ? [`p${String(index)}`] : [],
      );
      const answer = expectAgreement({ staticPolicies: policies }, asking(principal, action, resource));
      expect(answer).toEqual({ decision: "allow", reasons: covering.toSorted(), errors: [] });
      expect(covering.length).toBeGreaterThan(3);
      expect(inSession(policies, asking(principal, action, resource))).toEqual(answer);
    }
  });

  it("the three of one request when they are one entity", () => {
    const policies = { a: 'permit(principal == User::"bob", action == User::"bob", resource in User::"bob");' };
    // Cedar's text takes only action types for an action, its JSON takes any.
    const bob = uid("User::bob");
    const json: PolicyJson = {
      effect: "permit",
      principal: { op: "==", entity: bob },
      action: { op: "==", entity: bob },
      resource: { op: "in", entity: bob },
      conditions: [],
    };
    expect(() => compiled({ staticPolicies: policies })).toThrow();
    expect(ours({ staticPolicies: { a: json } }, asking("User::bob", "User::bob", "User::bob")).reasons).toEqual(["a"]);
  });
});

function inSession(policies: Readonly<Record<string, string>>, question: Question): Outcome {
  const [request, entities] = [readRequest(question), readEntities(question.entities)];
  const { principal, action, context } = request;
  const session = openSession(compiled({ staticPolicies: policies }), { principal, action, context, open: new Set() }, entities);
  const { decision, reasons, errors } = authorizeIn(session, request);
  return { decision, reasons: reasons.toSorted(), errors: errors.map(({ policy }) => policy).toSorted() };
}

describe("the answer", () => {
  const [permit, forbid] = ["permit(principal, action, resource)", "forbid(principal, action, resource)"];

  it.each<[string, Readonly<Record<string, string>>, Outcome]>([
    ["of no policy is deny", {}, { decision: "deny", reasons: [], errors: [] }],
    ["of one permit is allow", { a: `${permit};` }, { decision: "allow", reasons: ["a"], errors: [] }],
    ["of two permits names both", { a: `${permit};`, b: `${permit};` }, { decision: "allow", reasons: ["a", "b"], errors: [] }],
    ["of one forbid is deny by it", { a: `${forbid};` }, { decision: "deny", reasons: ["a"], errors: [] }],
    [
      "of a permit and a forbid is deny by the forbid",
      { a: `${permit};`, b: `${forbid};` },
      { decision: "deny", reasons: ["b"], errors: [] },
    ],
    [
      "of two forbids names both",
      { a: `${forbid};`, b: `${forbid};`, c: `${permit};` },
      { decision: "deny", reasons: ["a", "b"], errors: [] },
    ],
    ["of a permit that is not satisfied is deny", { a: `${permit} when { false };` }, { decision: "deny", reasons: [], errors: [] }],
    [
      "skips a forbid that is not satisfied",
      { a: `${permit};`, b: `${forbid} when { false };` },
      { decision: "allow", reasons: ["a"], errors: [] },
    ],
    ["reports a permit that fails", { a: `${permit} when { context.x };` }, { decision: "deny", reasons: [], errors: ["a"] }],
    [
      "skips and reports a forbid that fails, as Cedar does",
      { a: `${permit};`, b: `${forbid} when { context.x };` },
      { decision: "allow", reasons: ["a"], errors: ["b"] },
    ],
    [
      "reports failures beside a forbid",
      { a: `${permit} when { context.x };`, b: `${forbid};`, c: `${forbid} when { 1 };` },
      { decision: "deny", reasons: ["b"], errors: ["a", "c"] },
    ],
    [
      "does not report what its scope leaves out",
      {
        a: 'permit(principal == User::"bob", action, resource) when { context.x };',
        b: "permit(principal is Admin, action, resource) when { 1 };",
      },
      { decision: "deny", reasons: [], errors: [] },
    ],
    [
      "joins all clauses, `unless` negated, in order",
      {
        a: `${permit} when { true } unless { false } when { true };`,
        b: `${permit} when { true } unless { true };`,
        c: `${permit} when { false } when { context.x };`,
        d: `${permit} unless { context.x } when { false };`,
        e: `${permit} unless { 1 };`,
      },
      { decision: "allow", reasons: ["a"], errors: ["d", "e"] },
    ],
  ])("%s", (_, policies, expected) => {
    expect(expectAgreement({ staticPolicies: policies }, asking("User::alice"))).toEqual(expected);
    expect(inSession(policies, asking("User::alice"))).toEqual(expected);
  });

  it("says of every failing policy why", () => {
    const policies = compiled({ staticPolicies: { a: `${permit} when { context.x };`, b: `${forbid} when { 1 };` } });
    expect(authorize(policies, readRequest(asking("User::alice")), readEntities(ENTITIES)).errors).toEqual([
      { policy: "a", message: "the record has no attribute `x`" },
      { policy: "b", message: "expected a bool, got a long" },
    ]);
  });

  it("is the same for the same request a second time, and for other entities another one", () => {
    const policies = compiled({ staticPolicies: 'permit(principal in Group::"staff", action in Action::"read", resource);' });
    const request = readRequest(asking("User::alice"));
    const [given, without] = [readEntities(ENTITIES), readEntities(ENTITIES.filter((one) => !JSON.stringify(one.uid).includes("Action")))];
    for (const [entities, decision] of [
      [given, "allow"],
      [without, "deny"],
      [given, "allow"],
      [readEntities([]), "deny"],
      [given, "allow"],
    ] as const)
      expect(authorize(policies, request, entities).decision).toBe(decision);
  });

  it("of one set of policies for one principal depends on the action and the resource asked for", () => {
    const policies = compiled({
      staticPolicies: {
        view: 'permit(principal, action == Action::"view", resource == App::Doc::"d");',
        edit: 'permit(principal, action == Action::"edit", resource == App::Doc::"x");',
      },
    });
    const entities = readEntities(ENTITIES);
    const reasons = (action: string, resource: string): readonly string[] =>
      authorize(policies, readRequest(asking("User::alice", action, resource)), entities).reasons;
    expect(reasons("Action::view", "App::Doc::d")).toEqual(["view"]);
    expect(reasons("Action::edit", "App::Doc::d")).toEqual([]);
    expect(reasons("Action::edit", "App::Doc::x")).toEqual(["edit"]);
    expect(reasons("Action::view", "App::Doc::d")).toEqual(["view"]);
  });
});

it("policies of many principals answer for each of a few of them", () => {
  const policies = compiled({
    staticPolicies: Object.fromEntries(
      Array.from({ length: 500 }, (_, index) => [`p${String(index)}`, `permit(principal == User::"u${String(index)}", action, resource);`]),
    ),
  });
  for (const index of [0, 17, 499])
    expect(authorize(policies, readRequest({ ...WORLD, principal: uid(`User::u${String(index)}`) }), readEntities([])).reasons).toEqual([
      `p${String(index)}`,
    ]);
});
