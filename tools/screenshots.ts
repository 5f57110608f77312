import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openBrowser } from "../packages/broker/test/console/browser.ts";
import { PAGES, type Photographed } from "./screenshots/pages.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "packages/broker/bin/bailiwick.js");
const FOLDER = join(ROOT, "screenshots");
const LOOKS = (["light", "dark"] as const).flatMap((theme) => [1280, 320].map((width) => ({ theme, width })));
/** Who looks, unless a page says otherwise. */
const PERSON = "dana";
/** Live answers arrive after the page. */
const REST_MS = 700;

type Browser = Awaited<ReturnType<typeof openBrowser>>["browser"];
type Page = Awaited<ReturnType<Browser["newPage"]>>;

/** A picture of every page of the running demo, in both themes, wide and narrow, in `screenshots/`. */
const data = await mkdtemp(join(tmpdir(), "bailiwick-screenshots-"));
const demo = spawn(process.execPath, [BIN, "demo", "--port", "0", "--data", data], { stdio: ["ignore", "pipe", "inherit"] });
try {
  const screen = await firstScreen();
  const origin = `http://localhost:${/people\s+http:\/\/127\.0\.0\.1:(\d+)/u.exec(screen)?.[1] ?? ""}`;
  const approval = /approvals approve (apr_[\w-]+)/u.exec(screen)?.[1] ?? "";
  await mkdir(FOLDER, { recursive: true });
  const { browser, close } = await openBrowser();
  try {
    for (const look of LOOKS) await photographAll(browser, { origin, approval }, look);
  } finally {
    await close();
  }
} finally {
  demo.kill("SIGINT");
  await once(demo, "close");
  await rm(data, { recursive: true, force: true });
}

/** What the demo has written once its agent waits for a person. */
async function firstScreen(): Promise<string> {
  let screen = "";
  demo.stdout.on("data", (chunk: Buffer) => (screen += chunk.toString()));
  while (!/approvals approve apr_\S+ --as/u.test(screen)) {
    if (demo.exitCode !== null) throw new Error(`the demo ended with ${demo.exitCode}`);
    await setTimeout(100);
  }
  return screen;
}

async function photographAll(
  browser: Browser,
  { origin, approval }: { readonly origin: string; readonly approval: string },
  { theme, width }: (typeof LOOKS)[number],
): Promise<void> {
  for (const person of new Set(PAGES.map(({ as = PERSON }) => as))) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme, reducedMotion: "reduce" });
    const page = await context.newPage();
    await page.goto(await signInLink(person));
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`${origin}/`);
    const call = String(
      await page.evaluate(`fetch("/api/v1/approvals/${approval}").then((answer) => answer.json()).then((found) => found.callId)`),
    );
    for (const one of PAGES.filter(({ as = PERSON }) => as === person))
      await photograph(page, one, `${origin}${one.path({ approval, call })}`, `${one.name}-${theme}-${width}.png`);
    await context.close();
  }
}

async function photograph(page: Page, { keys = [], shows, name }: Photographed, url: string, file: string): Promise<void> {
  const answer = await page.goto(url);
  if (answer?.ok() !== true) throw new Error(`there is no page \`${name}\` at ${url}`);
  await page.locator("h1").first().waitFor();
  await setTimeout(REST_MS);
  for (const key of keys) await page.keyboard.press(key);
  await page.getByText(shows).first().waitFor({ state: "attached" });
  await setTimeout(REST_MS);
  await page.screenshot({ path: join(FOLDER, file), fullPage: keys.length === 0 });
  process.stdout.write(`screenshots/${file}\n`);
}

async function signInLink(person: string): Promise<string> {
  const child = spawn(process.execPath, [BIN, "login", person, "--data", data], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await once(child, "close");
  const link = /http:\/\/\S+code=[A-Za-z0-9_-]{43}/u.exec(said)?.[0];
  if (link === undefined) throw new Error(`no sign-in link: ${said}`);
  return link;
}
