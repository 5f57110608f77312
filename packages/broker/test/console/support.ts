import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { z } from "zod";
import type { RestPorts } from "../../src/adapters/rest/ports.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";
import { buildConsole, openBrowser } from "./browser.ts";

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly theme?: "light" | "dark";
}

/** A real Chromium at pages of a broker's interface. Whatever its pages complain about is kept. */
export interface ConsoleWindow {
  readonly browser: Browser;
  /** Signs a person in with a link and goes to a path. Each call is a browser of its own, with no memory of others. */
  visit(person: string, path?: string, look?: Look): Promise<Page>;
  /** A page that is not signed in. */
  blank(look?: Look): Promise<Page>;
  /** Closes the pages of a test and returns what they complained about: errors of scripts, of the console, breaches of the security policy. */
  closePages(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface OpenedConsole extends ConsoleWindow {
  readonly house: ServedHouse;
  /** Where people open the console: `localhost`, so that passkeys work. */
  readonly origin: string;
}

/** The console over the real REST app and a real store. Call `closePages()` in `afterEach` and expect it to be empty. */
export async function openConsole(overrides: Partial<RestPorts> = {}): Promise<OpenedConsole> {
  const house = await serveRestHouse(overrides);
  const origin = house.url.replace("127.0.0.1", "localhost");
  const opened = await openConsoleWindow({ origin, code: house.code });
  return {
    ...opened,
    house,
    origin,
    close: async () => {
      await opened.close();
      await house.close();
    },
  };
}

/** The same for a broker that runs already: `code` makes a one-time sign-in code for a person. */
export async function openConsoleWindow(broker: {
  readonly origin: string;
  code(person: string): Promise<string>;
}): Promise<ConsoleWindow> {
  const { browser, close } = await openBrowser();
  await untilBuilt(broker.origin);
  let contexts: BrowserContext[] = [];
  let complaints: string[] = [];
  const blank = async ({ width = 1280, height = 900, theme = "light" }: Look = {}): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: "reduce" });
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on("pageerror", (error) => complaints.push(`script: ${error.message}`));
    page.on("console", (message) => {
      // A refusal by the broker is shown on the page; the browser says it once more.
      if (message.type() === "error" && !/the server responded with a status of 4\d\d/u.test(message.text()))
        complaints.push(message.text());
    });
    return page;
  };
  return {
    browser,
    blank,
    visit: async (person, path = "/", look = {}) => {
      const page = await blank(look);
      await page.goto(`${broker.origin}/login?code=${await broker.code(person)}`);
      await Promise.all([page.waitForURL(`${broker.origin}/`), page.getByRole("button", { name: "Sign in" }).click()]);
      if (path !== "/") await page.goto(`${broker.origin}${path}`);
      return page;
    },
    closePages: async () => {
      const heard = complaints;
      for (const context of contexts) await context.close();
      contexts = [];
      complaints = [];
      return heard;
    },
    close,
  };
}

/** Somebody who saves a file of the console right now has made the build old again. */
async function untilBuilt(origin: string): Promise<void> {
  const MAX_TRIES = 5;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const answer = await fetch(origin);
    await answer.arrayBuffer();
    if (answer.ok) return;
    await buildConsole();
  }
  throw new Error(`the console cannot be had at ${origin}`);
}

const axeResult = z.object({
  violations: z.array(z.object({ id: z.string(), help: z.string(), nodes: z.array(z.object({ html: z.string() })) })),
});

/** What axe-core finds wrong by WCAG 2.0 to 2.2, levels A and AA, and its best practices. Empty when nothing. */
export async function accessibilityProblems(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const found = axeResult.parse(
    await page.evaluate(
      "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] })",
    ),
  );
  return found.violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 200)}`));
}

/** How far the page is wider than the window, in pixels; 0 when nothing has to be scrolled sideways (WCAG 2.2, 1.4.10). */
export async function sidewaysPixels(page: Page): Promise<number> {
  const [content, window] = z
    .tuple([z.number(), z.number()])
    .parse(await page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]"));
  return Math.max(0, content - window);
}

/** Waits until nothing on the page says that it loads. */
export async function settled(page: Page): Promise<void> {
  for (const loading of await page.getByRole("status", { name: /^Loading/u }).all()) await loading.waitFor({ state: "detached" });
}
