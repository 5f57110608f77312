import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import type { ElevationWish } from "../../src/domain/ask-elevation.ts";
import type { Elevation } from "../../src/domain/elevation.ts";
import { verifyReceipt } from "../../src/domain/receipt.ts";
import { receiptFileSchema } from "../../src/rest-contract/receipts.ts";
import { askedByAgent, companyWithRefunds } from "../people-support/elevations.ts";
import { onServer } from "../support/server-statement.ts";
import { addAuthenticator } from "./passkey-page.ts";
import { accessibilityProblems, openConsole, type OpenedConsole, sidewaysPixels } from "./support.ts";

const PLAIN = companyWithRefunds();
const SIGNED = companyWithRefunds(
  "eligible:\n  - role: refunds\n    most: 4h\n    reason: refunds while billing is down\n    approve: { by: [support-lead], stepUp: true, expires: 30m }\n",
);

let opened: OpenedConsole;
let policy = PLAIN;

beforeAll(async () => {
  opened = await openConsole({ policy: () => policy });
}, 120_000);
beforeEach(async () => {
  policy = PLAIN;
  await onServer(opened.house.databaseUrl, "truncate bailiwick.elevations");
});
afterEach(async () => {
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => {
  await opened.close();
});

async function asked(wish: Partial<ElevationWish> = {}): Promise<Elevation> {
  const kept = await opened.house.store.elevations.ask(askedByAgent(policy, { task: "T-1", ...wish }));
  if (!kept.ok) throw new Error("too many wait");
  return kept.elevation;
}
const stored = async ({ id }: Elevation): Promise<Elevation | undefined> => opened.house.store.elevations.find("acme", id);

test("an empty page says what makes the first one appear, and a policy without eligible roles says where they are listed", async () => {
  const page = await opened.visit("lena", "/elevations");
  await page.getByText("Nobody has asked for a right.").waitFor();
  expect(await page.locator("main").innerText()).toContain("bailiwick elevations ask <agent>");
  policy = companyWithRefunds("eligible: []\n");
  await page.reload();
  await page.getByText("No agent may ask for anything.").waitFor();
});

test("a person asks with the keyboard, another one gives less, and it is taken back with a reason", async () => {
  const page = await opened.visit("lena", "/elevations");
  await page.getByRole("button", { name: "Ask for a right" }).waitFor();
  await page.keyboard.press("n");
  const form = page.getByRole("dialog");
  await form.getByLabel("billing:refund").check();
  await form.getByLabel("Minutes").fill("90");
  await form.getByRole("button", { name: "Ask", exact: true }).click();
  await form.getByText("Say why it is needed.").waitFor();
  await form.getByLabel("Reason").fill("a rush of refunds");
  await form.getByRole("button", { name: "Ask", exact: true }).click();
  await page.getByRole("region", { name: "Waiting for an answer" }).getByRole("link").click();
  await page.getByText("lena asked for this, so someone else must answer.").waitFor();
  expect(await page.getByRole("button", { name: "Give the right" }).count()).toBe(0);

  const other = await opened.visit("ana", new URL(page.url()).pathname);
  await other.getByLabel("Minutes").fill("20");
  await other.getByRole("button", { name: "Give the right" }).click();
  await other.getByText("in force", { exact: true }).waitFor();
  await page.getByText("in force", { exact: true }).waitFor();
  const [elevation] = await opened.house.store.elevations.active("acme", undefined, new Date());
  expect(elevation?.given?.scope).toEqual(["billing:refund"]);
  expect((elevation?.given?.until.getTime() ?? 0) - Date.now()).toBeLessThanOrEqual(1_200_000);

  await other.getByRole("button", { name: "Take it back" }).click();
  const dialog = other.getByRole("dialog");
  expect(await other.evaluate("document.activeElement.textContent")).toBe("Leave it");
  await dialog.getByRole("button", { name: "Take it back" }).click();
  await dialog.getByText("Say why.").waitFor();
  await dialog.getByLabel("Reason").fill("it is over");
  await dialog.getByRole("button", { name: "Take it back" }).click();
  await other.getByText("taken back", { exact: true }).first().waitFor();
});

test("an agent's words are shown as such, inert and with hidden characters written out, and a no needs a reason", async () => {
  const elevation = await asked({ reason: '<img src=x onerror="document.title=1">\u202Enevig eb tsum' });
  const page = await opened.visit("lena", `/elevations/${elevation.id}`);
  await page.getByText("The agent's reason (untrusted)").waitFor();
  expect(await page.locator("main img").count()).toBe(0);
  expect(await page.locator("main").innerText()).toContain("\\u{202E}");
  await page.getByRole("button", { name: "Deny" }).click();
  await page.getByText("Say why not.").waitFor();
  expect((await stored(elevation))?.state).toBe("pending");
  await page.getByLabel("Reason").fill("not like this");
  await page.getByRole("button", { name: "Deny" }).click();
  await page.getByText("denied", { exact: true }).waitFor();
  expect((await stored(elevation))?.answers[0]).toMatchObject({ by: "lena", verdict: "deny", reason: "not like this" });
});

test("where the policy wants it, the yes is signed over exactly what is shown, and the receipt verifies offline", async () => {
  policy = SIGNED;
  const page = await opened.blank();
  await addAuthenticator(page);
  const invited = await opened.house.operator("POST", "/api/v1/people/lena/invite", {});
  await page.goto(z.object({ url: z.string() }).parse(await invited.json()).url);
  await page.getByRole("button", { name: "Create a passkey" }).click();
  await page.getByText("You are enrolled and signed in").waitFor();

  const elevation = await asked({ forMs: 3_600_000 });
  await page.goto(`${opened.origin}/elevations/${elevation.id}`);
  await page.getByLabel("Minutes").fill("30");
  await page.getByRole("button", { name: "Show what I sign" }).click();
  const shown = page.getByText("You sign exactly this:").locator("..");
  await shown.waitFor();
  expect(await shown.innerText()).toContain("bailiwick.elevation.v1");
  expect(await shown.innerText()).toMatch(/minutes\s+30/u);
  // Whoever changes what is given looks at it again before it is signed.
  await page.getByLabel("Minutes").fill("15");
  await page.getByRole("button", { name: "Show what I sign" }).click();
  await page.getByRole("button", { name: "Sign with a passkey" }).click();
  await page.getByText("in force", { exact: true }).waitFor();
  const lena = await opened.house.as("lena");
  const files = await (await lena("GET", `/api/v1/elevations/${elevation.id}/receipts`)).json();
  const [file] = z.object({ receipts: z.array(receiptFileSchema) }).parse(files).receipts;
  if (file === undefined) throw new Error("no receipt");
  const { receipt, rpId, origin } = file;
  expect(receipt.document).toMatchObject({ elevation: elevation.id, role: "refunds", minutes: 15, person: "lena" });
  expect(verifyReceipt(receipt, { rpId, origin: opened.origin, publicKey: receipt.publicKey })).toEqual({ ok: true });
  const changed = { ...receipt, document: { ...receipt.document, minutes: 240 } };
  expect(verifyReceipt(changed, { rpId, origin, publicKey: receipt.publicKey }).ok).toBe(false);
});

test("an unsigned yes, and a signature over other bounds or for another question, give nothing", async () => {
  policy = SIGNED;
  const [elevation, other] = [await asked(), await asked({ task: "T-2" })];
  const lena = await opened.house.as("lena");
  const code = async (id: string, body: object): Promise<string> =>
    z.object({ code: z.string() }).parse(await (await lena("POST", `/api/v1/elevations/${id}/approve`, body)).json()).code;
  expect(await code(elevation.id, {})).toBe("step_up_required");
  const begun = await lena("POST", `/api/v1/elevations/${elevation.id}/step-up`, { minutes: 5 });
  const { document } = z.object({ document: z.record(z.string(), z.json()) }).parse(await begun.json());
  const part = "AAAA";
  const assertion = {
    id: part,
    rawId: part,
    type: "public-key",
    response: { clientDataJSON: part, authenticatorData: part, signature: part },
  };
  expect(await code(elevation.id, { minutes: 60, stepUp: { document, assertion } })).toBe("step_up_mismatch");
  expect(await code(other.id, { minutes: 5, stepUp: { document, assertion } })).toBe("step_up_mismatch");
  expect(await code(elevation.id, { minutes: 5, stepUp: { document: { ...document, minutes: 60 }, assertion } })).toBe("step_up_mismatch");
  expect(["ceremony_refused", "step_up_mismatch"]).toContain(await code(elevation.id, { minutes: 5, stepUp: { document, assertion } }));
  expect([(await stored(elevation))?.state, (await stored(other))?.state]).toEqual(["pending", "pending"]);
});

test.each([
  ["light", 1280],
  ["dark", 320],
  ["light", 320],
  ["dark", 1280],
] as const)("in %s at %i px both pages are accessible and nothing is cut off", async (theme, width) => {
  const elevation = await asked({ scope: ["billing:refund"] });
  const page = await opened.visit("lena", "/elevations", { theme, width });
  await page.getByRole("region", { name: "Waiting for an answer" }).waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  expect(await sidewaysPixels(page)).toBe(0);
  await page.goto(`${opened.origin}/elevations/${elevation.id}`);
  await page.getByRole("button", { name: "Give the right" }).waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  expect(await sidewaysPixels(page)).toBe(0);
});
