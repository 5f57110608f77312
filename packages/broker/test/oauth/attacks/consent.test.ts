import { afterAll, beforeAll, expect, test } from "vitest";
import { AGENT, companyWith, openCompany, openOAuthHouse, type OAuthHouse } from "../support/house.ts";
import { personClient, type PersonClient, visit } from "../support/person-client.ts";

let house: OAuthHouse;
let client: PersonClient;

beforeAll(async () => {
  house = await openOAuthHouse();
  client = await personClient(house);
});
afterAll(async () => house.close());

const allow = (csrf: string): Record<string, string> => ({ csrf, answer: "allow", agent: AGENT, task: "T-17" });

test.each([
  ["no origin", { origin: "" }],
  ["another site's origin", { origin: "https://evil.example" }],
  ["a hidden origin", { origin: "null" }],
])("consent CSRF: an answer with %s is refused", async (_, headers) => {
  const page = await client.authorize();
  expect((await page.answer(allow(page.csrf), headers)).status).toBe(403);
});

test("consent CSRF: an answer without the page's secret, or with another page's, is refused", async () => {
  const page = await client.authorize();
  const other = await client.authorize();
  expect((await page.answer(allow("guess"))).status).toBe(403);
  expect((await page.answer(allow(other.csrf))).status).toBe(403);
});

test("consent CSRF: the secret of another person's page is refused", async () => {
  const lena = await personClient(house, "lena", client.id);
  const theirs = await lena.authorize();
  const page = await client.authorize();
  expect((await page.answer(allow(theirs.csrf))).status).toBe(403);
});

test("login CSRF: an interaction begun in the attacker's browser is not shown in the victim's", async () => {
  const attackers = await client.authorize();
  const victims = await visit(house, attackers.url, await house.cookieOf("lena"));
  expect(victims.response.status).toBe(400);
  expect(victims.html).not.toContain('value="allow"');
});

test("login CSRF: the attacker's resumption does not finish in the victim's browser", async () => {
  const page = await client.authorize();
  const sent = await page.answer(allow(page.csrf));
  const resume = sent.headers.get("location") ?? "";
  expect(resume).toContain("/oauth/auth/");
  const victims = await visit(house, resume, await house.cookieOf("lena"));
  expect(victims.response.headers.get("location")).toBeNull();
  expect(victims.response.status).toBe(400);
});

test("an answered page cannot be answered again", async () => {
  const page = await client.authorize();
  await page.follow(await page.answer(allow(page.csrf)));
  expect((await page.answer(allow(page.csrf))).status).toBe(400);
});

test("an agent that the person may not give is refused, whatever the form says", async () => {
  const page = await client.authorize();
  const sent = await page.answer({ ...allow(page.csrf), agent: "bailiwick://globex/prod/support/support-bot" });
  expect(sent.status).toBe(400);
  expect(await sent.text()).toContain("Choose one of the agents");
});

test("a request with prompt=none never passes without the person", async () => {
  const { response } = await client.authorize({ prompt: "none" });
  const location = new URL(response.headers.get("location") ?? "about:blank");
  expect(location.searchParams.get("code")).toBeNull();
  expect(location.searchParams.get("error")).toBe("consent_required");
});

test("consent by invisible characters: what narrows the session is shown with each character that cannot be seen", async () => {
  const rows = { Ticket: { id: ["T-1\u202e7-T", "T-\u200b2"] } };
  const { html } = await client.authorize({ authorization_details: JSON.stringify([{ type: "bailiwick_task", rows }]) });
  expect(html).toContain("T-1\\u{202e}7-T");
  expect(html).toContain("T-\\u{200b}2");
  expect(html).not.toMatch(/\p{Cf}/u);
});

test("consent to something else: an answer to a page from before the policy changed asks again, and gives nothing", async () => {
  const page = await client.authorize({ scope: undefined });
  house.policy = companyWith("clients: { people: [support-lead, owner] }");
  const again = await page.answer(allow(page.csrf));
  house.policy = openCompany;
  expect(again.status).toBe(400);
  expect(await again.text()).toContain("The policy has changed");
  expect((await page.answer(allow(page.csrf))).status).toBe(303);
});
