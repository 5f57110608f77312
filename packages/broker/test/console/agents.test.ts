import { generateKeyPairSync } from "node:crypto";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Session } from "../../src/domain/session.ts";
import { liveSession, recordCall, SUPPORT_BOT } from "../people-support/rest.ts";
import { HOSTILE, policyOf, RIGHTS_FILES } from "./rights-house.ts";
import { accessibilityProblems, openConsole, type OpenedConsole, sidewaysPixels } from "./support.ts";

const BOT_PATH = "/agents/acme~prod~support~support-bot";
const policy = policyOf(RIGHTS_FILES);
let opened: OpenedConsole;
beforeAll(async () => {
  opened = await openConsole({ policy: () => policy });
}, 120_000);
afterEach(async () => {
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => opened.close());

async function stopOfBot(): Promise<unknown> {
  return (await opened.house.store.stops.list("acme")).find(({ kind, name }) => kind === "agent" && name === SUPPORT_BOT);
}

async function keysOfBot(): Promise<readonly { readonly thumbprint: string; readonly status: string }[]> {
  return (await opened.house.store.agentKeys.list("acme")).filter(({ agent }) => agent === SUPPORT_BOT);
}

async function sessionTree(): Promise<{ readonly own: Session; readonly below: Session }> {
  const own = liveSession({ user: "ana" });
  const below = liveSession({ agent: "bailiwick://acme/prod/support/helper", lineage: [own.id], actors: ["support-bot"] });
  await opened.house.store.sessions.create(own);
  await opened.house.store.sessions.create(below);
  return { own, below };
}

function session(page: Page, { id }: Session): ReturnType<Page["locator"]> {
  return page.getByRole("article", { name: `Session ${id}` });
}

test("the list says of each agent what it is and whether it may act, and leads to its page", async () => {
  const page = await opened.visit("lena", "/agents");
  const row = page.getByRole("row", { name: /acme\/prod\/support\/support-bot/u });
  expect(await row.innerText()).toMatch(/active/u);
  expect(await row.innerText()).toContain("ines");
  await row.getByRole("link").click();
  await page.getByRole("heading", { level: 1, name: "acme/prod/support/support-bot" }).waitFor();
  expect(new URL(page.url()).pathname).toBe(BOT_PATH);
  await page.getByText("Ines Owner (ines)").waitFor();
  expect(await page.getByRole("region", { name: "Rights for a time" }).innerText()).toContain(
    "may ask for cleaner, at most 2 h, answered by support-lead",
  );
});

test("an agent of another tenant has no page", async () => {
  const page = await opened.visit("greta", BOT_PATH);
  await page.getByRole("alert").getByText("there is no agent").waitFor();
  expect(await page.locator("main").innerText()).not.toContain("Ines Owner");
});

test("the rights tab says in words what the agent may do and what it may not", async () => {
  const page = await opened.visit("lena", `${BOT_PATH}?tab=rights`);
  await page.getByText("by support-lead within").waitFor();
  expect(await page.locator("main").innerText()).not.toContain("delete_ticket");
  await page.getByLabel("Show").selectOption("deny");
  await page.getByText("no grant").waitFor();
  expect(await page.getByRole("link", { name: "delete_ticket" }).getAttribute("href")).toContain("/matrix?");
});

test("the kill switch does nothing on a key pressed too early, asks for the reason, and stops the agent", async () => {
  const page = await opened.visit("olaf", BOT_PATH);
  await page.getByRole("button", { name: "Stop this agent…" }).waitFor();
  await page.keyboard.press("s");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  expect(await page.evaluate("document.activeElement?.textContent")).toBe("Leave it running");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  expect(await stopOfBot()).toBeUndefined();
  await page.keyboard.press("s");
  await dialog.getByRole("button", { name: "Stop the agent" }).click();
  await dialog.getByText("Say why").waitFor();
  expect(await stopOfBot()).toBeUndefined();
  await dialog.getByLabel("Reason").fill("it loops");
  await dialog.getByRole("button", { name: "Stop the agent" }).click();
  await page.getByText("Stopped. Nothing was under way.").waitFor();
  expect(await stopOfBot()).toMatchObject({ state: "suspended", by: "olaf", reason: "it loops" });
  await page.getByRole("button", { name: "Lift the stop…" }).click();
  await dialog.getByLabel("Reason").fill("it was mended");
  await dialog.getByRole("button", { name: "Lift the stop" }).click();
  await page.getByRole("button", { name: "Stop this agent…" }).waitFor();
  expect(await stopOfBot()).toBeUndefined();
});

test("who may not stop an agent is told so and sees no switch", async () => {
  for (const person of ["lena", "anke"]) {
    const page = await opened.visit(person, BOT_PATH);
    await page.getByText("stopping an agent takes the role operator or owner").waitFor();
    expect(await page.getByRole("button", { name: /Stop|Retire|Register/u }).count()).toBe(0);
  }
});

test("sessions stand below those they were delegated from, and the end of one ends them", async () => {
  const { own, below } = await sessionTree();
  const page = await opened.visit("olaf", `${BOT_PATH}?tab=sessions`);
  await session(page, own).waitFor();
  const nested = page
    .getByRole("listitem")
    .filter({ has: session(page, own) })
    .last()
    .getByRole("listitem");
  expect(await nested.filter({ has: session(page, below) }).count()).toBe(1);
  await session(page, own)
    .getByRole("button", { name: /^End the session/u })
    .click();
  await session(page, own).getByText("End it and 1 delegated from it?").waitFor();
  expect(await page.evaluate("document.activeElement?.textContent")).toBe("Keep it");
  await session(page, own).getByRole("button", { name: "End it" }).click();
  await page.getByText("Ended it and 1 delegated from it.").waitFor();
  await session(page, below).waitFor({ state: "detached" });
  for (const { id } of [own, below]) expect((await opened.house.store.sessions.find("acme", id))?.revokedAt, id).toBeDefined();
});

test("a public key is registered and retired; a private one does not leave the page", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const page = await opened.visit("olaf", BOT_PATH);
  const sent: string[] = [];
  page.on("request", (request) => sent.push(request.postData() ?? ""));
  await page.getByText("Register a key").click();
  await page.getByLabel("Public key (JWK, P-256)").fill(JSON.stringify(privateKey.export({ format: "jwk" })));
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByText("This is a private key.").waitFor();
  expect(sent.join()).not.toContain(String(privateKey.export({ format: "jwk" }).d));
  expect(await keysOfBot()).toEqual([]);
  await page.getByLabel("Public key (JWK, P-256)").fill(JSON.stringify(publicKey.export({ format: "jwk" })));
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByRole("button", { name: /^Retire the key/u }).click();
  await page.getByRole("button", { name: "Retire it" }).click();
  await page.getByText("retired", { exact: true }).waitFor();
  expect((await keysOfBot()).map(({ status }) => status)).toEqual(["retired"]);
});

test("its newest calls lead to each call, and looking at them is recorded", async () => {
  await recordCall(opened.house, "call_rights", "intent");
  await recordCall(opened.house, "call_rights", "outcome", { status: "succeeded" });
  const page = await opened.visit("rudi", `${BOT_PATH}?tab=calls`);
  const link = page.getByRole("link", { name: "tickets:read" }).first();
  await link.waitFor();
  expect(await link.getAttribute("href")).toBe("/calls/call_rights");
  const records = await opened.house.store.log.read("acme", 0, 1_000);
  expect(records.map(({ text }) => text).filter((text) => text.includes('"log.read"') && text.includes('"calls"')).length).toBeGreaterThan(
    0,
  );
});

test("markup in what an agent, its user or a person wrote stays text", async () => {
  const own = liveSession({ user: HOSTILE, task: HOSTILE });
  await opened.house.store.sessions.create(own);
  await opened.house.store.stops.put({
    tenant: "acme",
    kind: "agent",
    name: SUPPORT_BOT,
    state: "suspended",
    by: HOSTILE,
    reason: `${HOSTILE}\u202e`,
    at: new Date(),
  });
  const page = await opened.visit("lena", `${BOT_PATH}?tab=identity`);
  await page.getByText("onerror").first().waitFor();
  expect(await page.locator("main").innerText()).toContain("\\u{202E}");
  await page.goto(`${opened.origin}/agents`);
  await page.getByText("onerror").first().waitFor();
  await opened.house.store.stops.lift("acme", "agent", SUPPORT_BOT);
  expect(await page.locator("main img, main script").count()).toBe(0);
  expect(await page.title()).not.toBe("owned");
});

for (const theme of ["light", "dark"] as const)
  for (const width of [1280, 320])
    test(`the pages of agents are accessible: ${theme}, ${width} px`, async () => {
      await sessionTree();
      const page = await opened.visit("olaf", "/agents", { theme, width });
      await page.getByRole("link", { name: "acme/prod/support/support-bot" }).waitFor();
      expect([await accessibilityProblems(page), await sidewaysPixels(page)]).toEqual([[], 0]);
      for (const [tab, shown] of [
        ["identity", "written in"],
        ["rights", "get_ticket"],
        ["sessions", "delegated from it"],
      ] as const) {
        await page.goto(`${opened.origin}${BOT_PATH}?tab=${tab}`);
        await page.getByText(shown).first().waitFor();
        expect([await accessibilityProblems(page), await sidewaysPixels(page)], tab).toEqual([[], 0]);
      }
      await page.getByRole("button", { name: "Stop this agent…" }).click();
      await page.getByRole("dialog").waitFor();
      expect(await accessibilityProblems(page)).toEqual([]);
    });
