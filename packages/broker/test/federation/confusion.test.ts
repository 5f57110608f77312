import { afterAll, beforeAll, expect, test } from "vitest";
import { authenticatePartner } from "../../src/adapters/federation/partner-client.ts";
import { OAuthError } from "../../src/adapters/oauth/oauth-error.ts";
import type { FederatedClient } from "../../src/adapters/oauth/grants/jwt-bearer.ts";
import { name } from "./company.ts";
import { entry, type InboundHouse, ISSUER, openInboundHouse, TOKEN_ENDPOINT } from "./inbound-house.ts";
import { signed } from "./partner-server.ts";

let house: InboundHouse;

beforeAll(async () => {
  house = await openInboundHouse((issuer) =>
    entry("globex-corp", issuer, {
      kinds: "[id-jag, identity-chaining, workload]",
      subjects: `["user-*", "${issuer}"]`,
      tenants: "[acme, globex]",
      environments: "[dev, prod]",
    }),
  );
});
afterAll(() => house.close());

async function refused(work: Promise<unknown>): Promise<OAuthError> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof OAuthError) return failure;
  throw new Error(`expected a refusal, got ${String(failure)}`);
}

function authenticate(assertion: string): Promise<unknown> {
  const [partner] = house.policy().partners;
  if (partner === undefined) throw new Error("no partner");
  return authenticatePartner(house.ports, partner, assertion);
}

/** What the partner's server signs to prove itself. */
function clientClaims(more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  const { iss, jti, exp } = house.claims();
  return { iss, sub: iss, aud: TOKEN_ENDPOINT, jti, exp, ...more };
}

function desk(tenant: string, environment = "prod"): FederatedClient {
  const agent = house.policy().agents.find((each) => each.name === name("desk", tenant, environment));
  if (agent === undefined) throw new Error("no desk");
  return { kind: "agent", agent };
}

test("attack: one assertion opens a session by a client, and a second one as a workload's own", async () => {
  const assertion = await signed(house.key, { claims: house.claims({ client_id: undefined, aud_tenant: "acme/prod" }) });
  await house.ask(assertion);
  expect((await refused(house.ask(assertion, { client: undefined }))).message).toContain("used before");
});

test("attack: a copied client assertion of the partner is handed in as an assertion", async () => {
  const assertion = await signed(house.key, { typ: "JWT", claims: clientClaims({ aud_tenant: "acme/prod" }) });
  await authenticate(assertion);
  expect((await refused(house.ask(assertion, { client: undefined }))).message).toContain("used before");
});

test("attack: a copied ID-JAG about the partner's server itself authenticates as that server", async () => {
  const idJag = await signed(house.key, { typ: "oauth-id-jag+jwt", claims: clientClaims({ aud: ISSUER }) });
  expect(await refused(authenticate(idJag))).toMatchObject({ code: "invalid_client" });
});

test.each(["at+jwt", "logout+jwt", "secevent+jwt"])("attack: a JWT of the type %s authenticates as the partner's server", async (typ) => {
  expect(await refused(authenticate(await signed(house.key, { typ, claims: clientClaims() })))).toMatchObject({ code: "invalid_client" });
});

test.each([undefined, "JWT", "client-authentication+jwt"])("a client assertion of the type %s is taken", async (typ) => {
  expect(await authenticate(await signed(house.key, { typ, claims: clientClaims() }))).toMatchObject({ name: "globex-corp" });
});

test.each(["acme/prod", "acme", "globex/dev", "globex/prod/more"])(
  "attack: an agent of globex/prod hands in an assertion that is meant for %s",
  async (meant) => {
    const assertion = await house.idJag({ client_id: name("desk", "globex"), aud_tenant: meant });
    expect(await refused(house.ask(assertion, { client: desk("globex") }))).toMatchObject({ code: "invalid_target" });
  },
);

test.each(["globex/prod", "globex", undefined])("an agent hands in an assertion that is meant for its own place (%s)", async (meant) => {
  const assertion = await house.idJag({ client_id: name("desk", "globex"), aud_tenant: meant });
  expect(await house.ask(assertion, { client: desk("globex") })).toMatchObject({ tenant: "globex", environment: "prod" });
});

test("attack: made-up key ids while the partner's key server is down make us forget its good keys", async () => {
  const down = await openInboundHouse((issuer) => entry("globex-corp", issuer));
  await down.ask(await down.idJag());
  const [good, next] = [await down.idJag(), await down.idJag()];
  await down.partner.close();
  for (const assertion of [good, next]) {
    down.moveKeysClock(11_000);
    await refused(down.ask(await down.idJag({}, { header: { kid: "made-up" } })));
    expect(await down.ask(assertion)).toMatchObject({ partner: "globex-corp" });
  }
  await down.opened.close();
});
