import type { PersonConfig, Policy } from "@bailiwick/policy";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { resolveSession } from "../../../src/call/resolve-session.ts";
import { given, refused, type TokenAnswer } from "../support/answers.ts";
import { AGENT, companyWith, openCompany, openOAuthHouse, type OAuthHouse } from "../support/house.ts";
import { personClient, type PersonClient } from "../support/person-client.ts";

let house: OAuthHouse;
let client: PersonClient;
let token: TokenAnswer;

beforeAll(async () => {
  house = await openOAuthHouse();
  await house.register();
  client = await personClient(house);
});
afterAll(() => house.close());
beforeEach(async () => {
  house.policy = openCompany;
  token = await client.signIn();
});

function withAna(change: (ana: PersonConfig) => PersonConfig | undefined): Policy {
  return { ...openCompany, people: openCompany.people.flatMap((each) => (each.id === "ana" ? (change(each) ?? []) : [each])) };
}

const ends: readonly (readonly [string, () => Policy])[] = [
  ["was removed", () => withAna(() => undefined)],
  ["lost the role", () => withAna((ana) => ({ ...ana, roles: [] }))],
  ["became an auditor", () => withAna((ana) => ({ ...ana, roles: [...ana.roles, "auditor"] }))],
  ["left the tenant", () => withAna((ana) => ({ ...ana, tenants: ["globex"] }))],
  [
    "may not let this client act any more",
    () => companyWith('clients: { people: [support-lead], ids: ["https://other.example/client.json"] }'),
  ],
];

async function call(session: string): Promise<unknown> {
  return resolveSession({ ...house.store, policy: () => house.policy, now: () => new Date() }, { tenant: "acme", session });
}

async function active(): Promise<unknown> {
  return (await house.post("/oauth/introspect", { client_id: client.id, token: token.access_token })).json();
}

test.each(ends)("a session outlives its consent: the person %s, and the next call is refused", async (_, policy) => {
  expect(await call(token.session)).toMatchObject({ user: "ana", agent: AGENT });
  house.policy = policy();
  await expect(call(token.session)).rejects.toMatchObject({ code: "session_revoked" });
  expect(await active()).toEqual({ active: false });
});

test("a session outlives its consent: what was delegated from it ends too, and nothing more is", async () => {
  const exchange = async (): Promise<Response> => {
    const {
      user: _,
      task: __,
      ...form
    } = await house.form({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: token.access_token,
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
    });
    return house.token(form);
  };
  const child = await given(await exchange());
  expect(await call(child.session)).toMatchObject({ user: "ana" });
  house.policy = withAna(() => undefined);
  await expect(call(child.session)).rejects.toMatchObject({ code: "session_revoked" });
  await refused(await exchange(), 400, "invalid_grant");
});

test("the person's other role or another person's leaving changes nothing", async () => {
  house.policy = { ...openCompany, people: openCompany.people.filter(({ id }) => id === "ana") };
  expect(await call(token.session)).toMatchObject({ user: "ana" });
});
