import { load } from "@bailiwick/policy";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { PolicyFolder } from "../../src/domain/policy-folder.ts";
import { SUPPORT_BOT } from "../people-support/rest.ts";
import { HOSTILE, policyOf, RIGHTS_FILES } from "./rights-house.ts";
import { accessibilityProblems, openConsole, type OpenedConsole, sidewaysPixels } from "./support.ts";

const policy = policyOf(RIGHTS_FILES);
const IN_FORCE: PolicyFolder = { files: RIGHTS_FILES };
let folder = IN_FORCE;
let opened: OpenedConsole;
beforeAll(async () => {
  opened = await openConsole({ policy: () => policy, policyFolder: () => folder });
}, 120_000);
afterEach(async () => {
  folder = IN_FORCE;
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => opened.close());

/** The folder after somebody wrote a scope that does not exist, and something to be looked at. */
function broken(): PolicyFolder {
  const files = RIGHTS_FILES.map(({ path, text }) =>
    path === "roles/support.yaml"
      ? { path, text: `${text.replace("tickets:update", "tickets:updat")}# ${HOSTILE}\u202e\n` }
      : { path, text },
  );
  const result = load(files);
  if (result.ok) throw new Error("the broken folder loads");
  return { files: RIGHTS_FILES, rejected: { files, diagnostics: result.diagnostics } };
}

function tryPath(action: string): string {
  return `/policy?view=try&agent=${encodeURIComponent(SUPPORT_BOT)}&action=${action}`;
}

async function verdictOf(page: Page): Promise<string> {
  await page.getByRole("button", { name: "Decide" }).click();
  const verdict = page.getByRole("region", { name: "The verdict" });
  await verdict.waitFor();
  return verdict.innerText();
}

test("an address with a line shows that line of the file, and a line leads to its address", async () => {
  const page = await opened.visit("ines", "/policy?file=roles/support.yaml#L5");
  await page.locator("#L5").waitFor();
  expect(await page.locator("#L5").innerText()).toMatch(/^5\s+- do: tickets:update/u);
  expect(await page.locator('[aria-current="true"]').getAttribute("id")).toBe("L5");
  await page.getByRole("link", { name: "line 4" }).click();
  await page.waitForFunction("document.querySelector('#L4')?.getAttribute('aria-current') === 'true'");
  expect(new URL(page.url()).hash).toBe("#L4");
  await page.getByRole("link", { name: "agents/support.yaml" }).click();
  await page.getByRole("region", { name: "Lines of agents/support.yaml" }).waitFor();
});

test("what is wrong in a folder that does not load stands at its line, beside what to write", async () => {
  folder = broken();
  const page = await opened.visit("ines", "/policy");
  await page.getByText("The folder was changed and does not load").waitFor();
  await page.getByRole("alert").getByRole("link", { name: "roles/support.yaml:5" }).first().click();
  const lines = page.getByRole("region", { name: "Lines of roles/support.yaml" });
  await lines.getByText("error:").first().waitFor();
  expect(await lines.innerText()).toMatch(/do: tickets:updat\n[^]*error: [^\n]*tickets:updat[^]*\nwrite /u);
  expect(await page.getByRole("heading", { name: /roles\/support\.yaml/u }).innerText()).toContain("not in force");
});

test("markup and hidden characters in a file stay text", async () => {
  folder = broken();
  const page = await opened.visit("ines", "/policy?file=roles/support.yaml");
  await page.getByText("onerror").first().waitFor();
  expect(await page.locator("main").innerText()).toContain("\\u{202E}");
  expect(await page.locator("main img, main script").count()).toBe(0);
  expect(await page.title()).not.toBe("owned");
});

test("who may not read the folder is told why and what they can do", async () => {
  const page = await opened.visit("rudi", "/policy");
  await page.getByRole("alert").getByText("the policy folder speaks of tenants that are not yours").waitFor();
  expect(await page.locator("main").innerText()).toContain("the matrix");
});

test("a call is tried with fields made from the catalog, and the answer names the rules", async () => {
  const page = await opened.visit("lena", tryPath("tickets.update_ticket"));
  await page.getByRole("group", { name: "Arguments" }).getByLabel("id", { exact: true }).fill("T-1");
  const verdict = await verdictOf(page);
  expect(verdict).toMatch(/^The verdict\s+▲ ask/u);
  expect(verdict).toContain("approval by support-lead within");
  expect(await page.getByRole("list", { name: "Rules that decided" }).getByRole("link", { name: "roles/support.yaml:5" }).count()).toBe(1);
});

test("a call without what it needs is refused by the policy, and says so", async () => {
  const page = await opened.visit("lena", tryPath("tickets.get_ticket"));
  expect(await verdictOf(page)).toContain("argument `id` is required");
});

test("what cannot be read is said at its field and nothing is asked", async () => {
  const page = await opened.visit("lena", tryPath("tickets.delete_ticket"));
  let asked = 0;
  page.on("request", (request) => (asked += request.url().endsWith("/policy/try") ? 1 : 0));
  await page.getByLabel(/^count/u).fill("many");
  await page.getByLabel(/^tags/u).fill("[a");
  await page.getByRole("button", { name: "Decide" }).click();
  await page.getByText("Write a whole number").waitFor();
  await page.getByText("This is no JSON.").waitFor();
  expect(asked).toBe(0);
  expect(await page.getByLabel(/^count/u).getAttribute("aria-invalid")).toBe("true");
  await page.getByLabel(/^count/u).fill("3");
  await page.getByLabel(/^tags/u).fill('["a"]');
  await page.getByLabel(/^really/u).selectOption("true");
  await page.getByRole("group", { name: "Arguments" }).getByLabel("id", { exact: true }).fill("T-1");
  expect(await verdictOf(page)).toMatch(/^The verdict\s+■ deny/u);
  await page.getByText("The arguments as they were decided").click();
  expect(JSON.parse(await page.getByRole("region", { name: "Arguments" }).innerText())).toEqual({
    id: "T-1",
    count: 3,
    really: true,
    tags: ["a"],
  });
});

test("a call can be tried as if a right for a time had been given", async () => {
  const page = await opened.visit("lena", tryPath("tickets.delete_ticket"));
  await page.getByRole("group", { name: "Arguments" }).getByLabel("id", { exact: true }).fill("T-1");
  await page.getByLabel("As if it had been given").selectOption("cleaner");
  const verdict = await verdictOf(page);
  expect(verdict).toMatch(/^The verdict\s+▲ ask/u);
  expect(verdict).toContain("Without rights for a time it would be refused");
});

for (const theme of ["light", "dark"] as const)
  for (const width of [1280, 320])
    test(`the policy page is accessible: ${theme}, ${width} px`, async () => {
      folder = broken();
      const page = await opened.visit("ines", "/policy?file=roles/support.yaml#L5", { theme, width });
      await page.getByText("error:").first().waitFor();
      expect([await accessibilityProblems(page), await sidewaysPixels(page)]).toEqual([[], 0]);
      await page.goto(`${opened.origin}${tryPath("tickets.update_ticket")}`);
      await page.getByRole("group", { name: "Arguments" }).getByLabel("id", { exact: true }).fill("T-1");
      await verdictOf(page);
      expect([await accessibilityProblems(page), await sidewaysPixels(page)]).toEqual([[], 0]);
    });
