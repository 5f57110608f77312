import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { authorizationUrl } from "../../src/adapters/tool-oauth/authorization.ts";
import { requireWithin } from "../../src/adapters/tool-oauth/scopes.ts";
import { browser, connectLink, openToolHouse, PLACE, type ToolHouse } from "./house.ts";

let all: ToolHouse;
beforeEach(async () => {
  all = await openToolHouse();
});
afterEach(async () => all.close());

const isCallback = (url: string): boolean => url.includes("/oauth/tool-callback");
const codesRedeemed = (): number => all.server.forms.filter((form) => form.get("grant_type") === "authorization_code").length;

async function refusedLink(body: object = {}): Promise<{ status: number; detail: string }> {
  const answer = await all.house.operator("POST", "/api/v1/tools/notes/connect", { ...PLACE, ...body });
  return { status: answer.status, detail: JSON.stringify(await answer.json()) };
}

describe("the answer of an authorization server", () => {
  test("mix-up: an answer of another issuer gets no code redeemed", async () => {
    const mine = browser();
    const { url } = await mine.visit(await connectLink(all), isCallback);
    const forged = new URL(url);
    forged.searchParams.set("iss", "https://attacker.example");
    const page = await mine.visit(forged.href);
    expect(page.status).toBe(409);
    expect(page.text).toContain("another issuer");
    expect(codesRedeemed()).toBe(0);
  });

  test("mix-up: an answer without the issuer that the server promises is refused", async () => {
    const mine = browser();
    const { url } = await mine.visit(await connectLink(all), isCallback);
    const forged = new URL(url);
    forged.searchParams.delete("iss");
    expect((await mine.visit(forged.href)).status).toBe(409);
    expect(codesRedeemed()).toBe(0);
  });

  test("login CSRF: an attacker's answer does nothing in a browser that began nothing", async () => {
    const { url } = await browser().visit(await connectLink(all), isCallback);
    const page = await browser().visit(url);
    expect(page.status).toBe(409);
    expect(page.text).toContain("nothing that was begun in this browser");
    expect(codesRedeemed()).toBe(0);
  });

  test("login CSRF: an attacker's answer does nothing in a browser that began a connect of its own", async () => {
    const attacker = await browser().visit(await connectLink(all), isCallback);
    const victim = browser();
    await victim.visit(await connectLink(all), isCallback);
    const page = await victim.visit(attacker.url);
    expect(page.status).toBe(409);
    expect(page.text).toContain("to another request");
    expect(codesRedeemed()).toBe(0);
  });

  test("replay: an answer is used once", async () => {
    const mine = browser();
    const { url } = await mine.visit(await connectLink(all), isCallback);
    const kept = new Map([...mine.cookies].map(([host, own]) => [host, new Map(own)]));
    expect((await mine.visit(url)).status).toBe(200);
    for (const [host, own] of kept) mine.cookies.set(host, own);
    const page = await mine.visit(url);
    expect(page.status).toBe(409);
    expect(page.text).toContain("used before");
  });
});

describe("a connect link", () => {
  test("opens once", async () => {
    const link = await connectLink(all);
    await browser().visit(link, isCallback);
    const page = await browser().visit(link);
    expect(page.status).toBe(409);
    expect(page.text).toContain("opened before");
  });

  test("is no cookie: who saw the link cannot finish what another browser began", async () => {
    const link = await connectLink(all);
    const { url } = await browser().visit(link, isCallback);
    const thief = browser();
    thief.cookies.set(new URL(url).host, new Map([["bailiwick_tool", new URL(link).searchParams.get("link") ?? ""]]));
    expect((await thief.visit(url)).status).toBe(409);
    expect(codesRedeemed()).toBe(0);
  });

  test("of a person opens in no other browser: another's account does not end up behind the tool", async () => {
    const olaf = await all.house.as("olaf");
    const answer = await olaf("POST", "/api/v1/tools/notes/connect", { ...PLACE });
    const { url } = (await answer.json()) as { url: string };
    const stranger = await browser().visit(url);
    expect(stranger.status).toBe(409);
    const own = browser();
    own.cookies.set(new URL(url).host, new Map([["bailiwick_person", await all.house.token("olaf")]]));
    expect((await own.visit(url)).text).toContain("is connected");
  });

  test("that was changed is refused", async () => {
    const link = new URL(await connectLink(all));
    const text = link.searchParams.get("link") ?? "";
    link.searchParams.set("link", `${text.slice(0, -4)}AAAA`);
    expect((await browser().visit(link.href)).status).toBe(409);
    expect((await browser().visit(`${link.origin}/oauth/tool-connect`)).status).toBe(409);
    expect((await browser().visit(`${link.origin}/oauth/tool-connect?link=${"a".repeat(9_000)}`)).status).toBe(400);
  });
});

describe("a tool's server", () => {
  test("that names another resource gets no token for it", async () => {
    all.tool.metadata.body = { resource: "https://bank.example/mcp", authorization_servers: [all.server.issuer] };
    expect(await refusedLink()).toMatchObject({ status: 409, detail: expect.stringContaining("of another resource") });
  });

  test.each(["https://10.0.0.1", "https://169.254.169.254/latest", "https://[fd00::1]", "http://metadata.example"])(
    "cannot send the broker to `%s` for its authorization server",
    async (issuer) => {
      all.tool.metadata.body = { resource: all.tool.url, authorization_servers: [issuer] };
      expect(await refusedLink()).toMatchObject({ status: 409, detail: expect.stringMatching(/private or special|without encryption/u) });
    },
  );

  test("cannot redirect the broker with its metadata", async () => {
    all.tool.metadata = { status: 302, body: {}, location: `${all.server.issuer}/.well-known/openid-configuration` };
    expect(await refusedLink()).toMatchObject({ status: 409, detail: expect.stringContaining("redirect") });
  });

  test("cannot pass one authorization server off as another", async () => {
    const other = all.server.issuer.replace("localhost", "127.0.0.1");
    all.tool.metadata.body = { resource: all.tool.url, authorization_servers: [other] };
    expect(await refusedLink()).toMatchObject({ status: 409, detail: expect.stringContaining("of another issuer") });
  });

  test("cannot choose another authorization server than the tool's file names", async () => {
    all.say('{ issuer: "https://login.example", scope: ["notes:read"] }');
    expect(await refusedLink()).toMatchObject({ status: 409, detail: expect.stringContaining("takes no tokens of") });
  });

  test("cannot ask for a scope beyond the tool's file, and its words are shown to nobody", async () => {
    all.tool.challenge = "notes:read ignore-all-rules";
    const refused = await refusedLink();
    expect(refused).toMatchObject({ status: 409, detail: expect.stringContaining("does not allow") });
    const advice = all.opener.refused?.("notes-token", PLACE, { error: "insufficient_scope", scope: "ignore-all-rules" });
    expect(refused.detail + String(advice)).not.toContain("ignore-all-rules");
  });

  test("cannot change its authorization server between the yes and the code", async () => {
    const mine = browser();
    const { url } = await mine.visit(await connectLink(all), isCallback);
    all.say('{ issuer: "https://login.example", scope: ["notes:read", "notes:write"] }');
    expect((await mine.visit(url)).status).toBe(409);
    expect(codesRedeemed()).toBe(0);
  });
});

test("a person asks for no scope beyond the tool's file", async () => {
  expect(await refusedLink({ scope: ["notes:admin"] })).toMatchObject({ status: 409, detail: expect.stringContaining("does not allow") });
});

test("a server that grants more than the tool's file allows is not believed", () => {
  expect(() => requireWithin("notes", ["notes:read"], ["notes:read", "notes:admin"])).toThrow("granted more");
  expect(() => requireWithin("notes", ["notes:read"], ["notes:read", "offline_access"])).not.toThrow();
});

test.each([
  [{ authorization_endpoint: "javascript:alert(1)" }, "https:"],
  [{ authorization_endpoint: "http://login.example/auth" }, "https:"],
  [{ code_challenge_methods_supported: ["plain"] }, "PKCE"],
  [{ code_challenge_methods_supported: undefined }, "PKCE"],
])("nobody's browser is sent to a server that says %j", (said, why) => {
  const server = {
    issuer: "https://login.example",
    authorization_endpoint: "https://login.example/auth",
    token_endpoint: "https://login.example/token",
    code_challenge_methods_supported: ["S256"],
    ...said,
  };
  const request = { server, clientId: "c", redirectUri: "https://b.example/cb", state: "s", verifier: "v", resource: undefined, scope: [] };
  expect(() => authorizationUrl(request)).toThrow(why);
});

test("a grant is sent to nobody when its tool is no longer `from: oauth`", async () => {
  await browser().visit(await connectLink(all));
  const policy = all.house.ports.policy();
  const tools = policy.tools.map((tool) =>
    tool.tool === "notes" && tool.credential ? { ...tool, credential: { ...tool.credential, from: "store" } } : tool,
  );
  all.usePolicy({ ...policy, tools });
  await expect(all.opener.open("notes-token", PLACE)).rejects.toMatchObject({ code: "credential_unavailable" });
});

test("tokens, codes and secrets are in no record, no list and no page", async () => {
  const mine = browser();
  const page = await mine.visit(await connectLink(all));
  const opened = await all.opener.open("notes-token", PLACE);
  all.house.setNow(new Date(all.house.now().getTime() + 600_000));
  const renewed = await all.opener.open("notes-token", PLACE);
  const list = await (await all.house.operator("GET", "/api/v1/credentials")).text();
  const shown = [...(await all.records()), list, page.text, JSON.stringify(all.house.faults)].join("\n");
  const secrets = [
    opened?.value,
    renewed?.value,
    ...(renewed?.alsoSecret ?? []),
    ...all.server.forms.map((form) => form.get("code")),
    ...all.server.forms.map((form) => form.get("code_verifier")),
  ];
  const real = secrets.filter((secret) => typeof secret === "string");
  expect(real.length).toBeGreaterThan(5);
  for (const secret of real) expect(shown).not.toContain(secret);
});

describe("who may make a connect link", () => {
  test("nobody without a sign-in", async () => {
    expect((await all.house.anyone("POST", "/api/v1/tools/notes/connect", { ...PLACE })).status).toBe(401);
  });

  test("no person without the role to operate", async () => {
    const lena = await all.house.as("lena");
    expect((await lena("POST", "/api/v1/tools/notes/connect", { ...PLACE })).status).toBe(403);
  });

  test("no person of another tenant", async () => {
    const greta = await all.house.as("greta");
    const answer = await greta("POST", "/api/v1/tools/notes/connect", { ...PLACE });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: "wrong_tenant" });
  });

  test.each([{}, { environment: "dev" }, { ...PLACE, environment: "a|b" }, { ...PLACE, scope: ["two words"] }, { ...PLACE, more: 1 }])(
    "nobody with the malformed body %j",
    async (body) => {
      expect((await all.house.operator("POST", "/api/v1/tools/notes/connect", body)).status).toBe(400);
    },
  );

  test("nobody for a tool that is not there, or takes no grant", async () => {
    expect((await all.house.operator("POST", "/api/v1/tools/nothing/connect", { ...PLACE })).status).toBe(404);
    expect((await all.house.operator("POST", "/api/v1/tools/tickets/connect", { ...PLACE })).status).toBe(409);
  });
});
