import { once } from "node:events";
import { createServer } from "node:http";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { recordCall } from "../people-support/rest.ts";
import { card, emptyInbox, held, press } from "./inbox-support.ts";
import { openConsole, type OpenedConsole } from "./support.ts";

const PAYLOADS = [
  `<img src=x onerror="document.title='owned'">`,
  `<script>document.title='owned'</script>`,
  `"><svg onload=document.title='owned'>`,
  `javascript:document.title='owned'`,
  `{{constructor.constructor("document.title='owned'")()}}`,
];
const HOSTILE = PAYLOADS.join(" ");

let opened: OpenedConsole;
beforeAll(async () => {
  opened = await openConsole();
}, 120_000);
beforeEach(async () => {
  await emptyInbox(opened.house);
});
afterEach(async () => {
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => {
  await opened.close();
});

async function inert(page: Page): Promise<void> {
  expect(await page.title()).not.toContain("owned");
  expect(await page.locator("main img, main script, main svg, dialog img, dialog script, dialog svg").count()).toBe(0);
  expect(await page.locator("a[href^='javascript:' i], a[href^='data:' i]").count()).toBe(0);
}

test("markup in anything an agent, its user or a tool wrote stays text: in the list, on the card, in every dialog", async () => {
  await recordCall(opened.house, "call_hostile", "refusal", { run: HOSTILE, action: HOSTILE, code: HOSTILE, verdict: HOSTILE });
  const approval = await held(opened.house, {
    agent: `bailiwick://acme/prod/support/${HOSTILE}`,
    user: HOSTILE,
    task: HOSTILE,
    run: HOSTILE,
    session: HOSTILE,
    statedReason: HOSTILE,
    args: { [HOSTILE]: HOSTILE, list: [HOSTILE, { [HOSTILE]: HOSTILE }] },
    diff: [{ path: HOSTILE, before: HOSTILE, after: { html: HOSTILE } }],
    resource: { type: HOSTILE, id: HOSTILE, digest: "d" },
    rules: [{ kind: "gate", id: HOSTILE, at: { file: HOSTILE, line: 1 }, reason: HOSTILE }],
    origins: [{ argument: HOSTILE, from: "result", callId: HOSTILE, action: HOSTILE, untrusted: true }],
    reach: { records: 1, destinations: [{ argument: HOSTILE, value: HOSTILE, external: true }] },
    supersedes: { id: HOSTILE, because: ["record"], changes: [{ path: HOSTILE, before: HOSTILE, after: HOSTILE }] },
    terms: { count: 1, also: [], stepUp: false, bounded: { uses: 5, forMs: 3_600_000 } },
  });
  const page = await opened.visit("lena");
  await card(page, approval).getByText("Earlier in this run").waitFor();
  await card(page, approval).getByText("The whole run").waitFor();
  expect(await card(page, approval).locator("blockquote").textContent()).toBe(HOSTILE);
  await inert(page);
  for (const key of ["a", "e", "b", "d", "?"]) {
    await press(page, key);
    await page.getByRole("dialog").waitFor();
    await inert(page);
    await press(page, "Escape");
  }
  await press(page, "Control+k");
  await page.getByPlaceholder("Type a page").fill(HOSTILE);
  await inert(page);
});

test("characters that hide or turn text round are written out", async () => {
  const approval = await held(opened.house, { statedReason: "pay \u202Eelpmaxe.live\u202C now\u200B\u0007 \u{E0041}" });
  const page = await opened.visit("lena");
  await card(page, approval).waitFor();
  expect(await card(page, approval).locator("blockquote").innerText()).toBe(
    String.raw`pay \u{202E}elpmaxe.live\u{202C} now\u{200B}\u{7} \u{E0041}`,
  );
});

test("no page can be framed, run inline script, load from elsewhere, or turn a string into markup", async () => {
  for (const path of ["/", "/approvals/apr_x", "/calls", "/sign-in", "/account"]) {
    const { headers } = await fetch(`${opened.house.url}${path}`);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("style-src 'self';");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("cache-control")).toBe("no-store");
  }
  const framing = createServer((_request, response) => {
    response.setHeader("content-type", "text/html").end(`<iframe src="${opened.origin}/"></iframe>`);
  }).listen(0, "127.0.0.1");
  await once(framing, "listening");
  const address = framing.address();
  if (address === null || typeof address === "string") throw new Error("the framing server has no port");
  const page = await opened.blank();
  // The same site, so that a person's cookies would travel along, and another origin.
  const [blocked] = await Promise.all([page.waitForEvent("requestfailed"), page.goto(`http://localhost:${address.port}/`)]);
  expect([blocked.url(), blocked.failure()?.errorText]).toEqual([`${opened.origin}/`, "net::ERR_BLOCKED_BY_RESPONSE"]);
  // The browser complains of the frame, as it should.
  await opened.closePages();
  framing.closeAllConnections();
  framing.close();
});

test("what the document loads is kept for good under a name that changes with it; an unknown address is a problem, not the console", async () => {
  const document = await (await fetch(opened.house.url)).text();
  const assets = [...document.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/gu)].map(([, path]) => path ?? "");
  expect(assets.length).toBeGreaterThan(1);
  for (const path of assets) {
    const { headers, status } = await fetch(`${opened.house.url}${path}`);
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(headers.get("content-encoding")).toBe("gzip");
    expect(headers.get("vary")).toBe("accept-encoding");
  }
  const plain = await fetch(`${opened.house.url}${assets[0] ?? ""}`, { headers: { "accept-encoding": "identity, gzip;q=0" } });
  expect(plain.headers.get("content-encoding")).toBeNull();
  for (const path of ["/assets/none.js", "/assets/..%2fpackage.json", "/nowhere", "/approvals", "/index.html"]) {
    const answer = await fetch(`${opened.house.url}${path}`);
    expect([path, answer.status, answer.headers.get("content-type")]).toEqual([path, 404, "application/problem+json"]);
  }
});

test("the first page loads at most 250 kB of script, compressed", async () => {
  const page = await opened.blank();
  let bytes = 0;
  page.on("response", (response) => {
    if (!response.url().endsWith(".js")) return;
    bytes += Number(response.headers()["content-length"] ?? 0);
  });
  await page.goto(`${opened.origin}/login?code=${await opened.house.code("lena")}`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("No call waits for a person").waitFor();
  process.stderr.write(`script of the first page: ${Math.round(bytes / 1000)} kB compressed\n`);
  expect(bytes).toBeGreaterThan(20_000);
  expect(bytes).toBeLessThan(250_000);
});
