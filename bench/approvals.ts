import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { z } from "zod";
import { openConsoleWindow } from "../packages/broker/test/console/support.ts";
import { type ApprovalsWorld, openApprovalsWorld } from "./approvals/world.ts";
import type { Bench, BenchReport } from "./bench.ts";
import { median, quantile } from "./statistics.ts";

const PENDING = 10_000;
const QUICK_PENDING = 300;
const ASKED = 200;
const LOADS = 25;
const REQUESTS = 60;
const QUICK_SHARE = 0.1;
/** The person who answers in this world. */
const PERSON = "ada";

const INBOX_P95_MS = 200;
const CARD_P95_MS = 500;
const FIRST_LOAD_BYTES = 250_000;

/** What a person waits for: the inbox with many questions in it, and a new one to appear. */
export const approvals: Bench = {
  name: "approvals",
  about: `the inbox in a real browser with ${PENDING} questions waiting: loading it, a new request until it is on screen, JavaScript shipped`,
  aim: `inbox p95 under ${INBOX_P95_MS} ms; a request on screen within ${CARD_P95_MS} ms at p95; first load at most ${FIRST_LOAD_BYTES / 1_000} kB of JavaScript, gzip`,
  async run({ quick, progress }): Promise<BenchReport> {
    const folder = await mkdtemp(join(tmpdir(), "bailiwick-bench-"));
    try {
      const world = await openApprovalsWorld(folder);
      try {
        return report(await measure(world, quick, progress));
      } finally {
        await world.close();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

interface Figures {
  readonly pending: number;
  /** The same with one question waiting, in the same run. */
  readonly few: Inbox;
  readonly many: Inbox;
  readonly cards: readonly number[];
  readonly firstLoad: readonly { readonly file: string; readonly bytes: number }[];
}

interface Inbox {
  readonly answers: readonly number[];
  readonly loads: readonly number[];
}

async function measure(world: ApprovalsWorld, quick: boolean, progress: (line: string) => void): Promise<Figures> {
  const share = quick ? QUICK_SHARE : 1;
  const pending = quick ? QUICK_PENDING : PENDING;
  const window = await openConsoleWindow({
    origin: world.program.url.replace("127.0.0.1", "localhost"),
    code: (person) => codeFor(world, person),
  });
  try {
    await ask(world, 0);
    const page = await window.visit(PERSON);
    const few = await inbox(world, page, share);
    progress("one question: done");
    await world.seed(pending);
    progress(`${pending} questions wait`);
    const many = await inbox(world, page, share);
    const scripts = await firstLoad(page);
    progress("inbox: done");
    const cards = await newCards(world, page, Math.ceil(REQUESTS * share));
    return { pending, few, many, cards, firstLoad: scripts };
  } finally {
    await window.close();
  }
}

async function codeFor(world: ApprovalsWorld, person: string): Promise<string> {
  const login = await world.program.run("login", person);
  const code = /code=([\w-]+)/u.exec(login.stdout)?.[1];
  if (code === undefined) throw new Error(`no sign-in for ${person}: ${login.stdout}${login.stderr}`);
  return code;
}

/** The agent asks for a note that nobody asked for before, and does not wait. Returns its ticket. */
async function ask(world: ApprovalsWorld, number: number): Promise<string> {
  const answer = await world.agent.rpc("tools/call", {
    name: "add_note",
    arguments: { text: `fresh note ${number}` },
    _meta: { "bailiwick/waitMs": 0 },
  });
  const ticket = /apr_[\w-]{22}/u.exec(JSON.stringify(answer))?.[0];
  if (ticket === undefined) throw new Error(`the call was not held: ${JSON.stringify(answer)}`);
  return ticket;
}

async function inbox(world: ApprovalsWorld, page: Page, share: number): Promise<Inbox> {
  const answers: number[] = [];
  for (let at = 0; at < Math.ceil(ASKED * share); at += 1) {
    const before = performance.now();
    await world.program.get("/approvals?state=pending&order=soonest&limit=50");
    answers.push(performance.now() - before);
  }
  const loads: number[] = [];
  for (let at = 0; at < Math.ceil(LOADS * share) + 1; at += 1) {
    await page.goto("about:blank");
    await page.goto(`${world.program.url.replace("127.0.0.1", "localhost")}/`, { waitUntil: "commit" });
    const ms = await onceTrue(page, "document.querySelector('li[data-approval]') !== null && performance.now()");
    // The first fills the browser's cache.
    if (at > 0) loads.push(ms);
  }
  return { answers, loads };
}

/** The number that an expression of the page comes to, looked at with each frame. The page's policy allows no `eval`, which Playwright's own wait takes. */
async function onceTrue(page: Page, expression: string): Promise<number> {
  return Number(
    await page.evaluate(`new Promise((settle) => {
      const look = () => { const value = ${expression}; if (value) settle(value); else requestAnimationFrame(look); };
      look();
    })`),
  );
}

/** From the moment the agent sends its request until the browser has drawn its row: in milliseconds of the machine's clock. */
async function newCards(world: ApprovalsWorld, page: Page, count: number): Promise<readonly number[]> {
  await page.evaluate(`
    window.seenAt = {};
    const look = () => {
      for (const row of document.querySelectorAll("li[data-approval]")) window.seenAt[row.dataset.approval] ??= performance.timeOrigin + performance.now();
      requestAnimationFrame(look);
    };
    look();`);
  const times: number[] = [];
  for (let at = 1; at <= count; at += 1) {
    const sentAt = Date.now();
    const ticket = await ask(world, at);
    times.push((await onceTrue(page, `window.seenAt[${JSON.stringify(ticket)}]`)) - sentAt);
    // Answered, so that the next one finds its place where the page looks.
    await page.evaluate(`fetch("/api/v1/approvals/${ticket}/deny", {
      method: "POST", headers: { "content-type": "application/json", "x-bailiwick-client": "bench" }, body: '{"reason":"seen"}'
    }).then(({ ok }) => { if (!ok) throw new Error("not denied"); })`);
    // People ask neither in step with each other nor with the page.
    await page.waitForTimeout((at * 137) % 700);
  }
  return times;
}

/** Scripts that the browser fetched until the inbox showed its first row. */
async function firstLoad(page: Page): Promise<Figures["firstLoad"]> {
  const named = z
    .array(z.string())
    .parse(await page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.endsWith('.js'))"));
  return Promise.all(
    named.map(async (url) => {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(`the page loads ${url}, which is not served`);
      return { file: url.slice(url.lastIndexOf("/") + 1), bytes: gzipSync(Buffer.from(await answer.arrayBuffer())).byteLength };
    }),
  );
}

function report({ pending, few, many, cards, firstLoad: scripts }: Figures): BenchReport {
  const bytes = scripts.reduce((sum, each) => sum + each.bytes, 0);
  const worst = Math.max(quantile(many.answers, 0.95), quantile(many.loads, 0.95));
  const card = quantile(cards, 0.95);
  return {
    tables: [
      {
        title: `inbox with ${pending} questions waiting, against one question in the same run (ms)`,
        rows: [
          row("GET /approvals, first page", few.answers, many.answers),
          row("browser: from opening the page to the first row", few.loads, many.loads),
        ],
      },
      {
        title: "a request of an agent until its row is on screen (ms)",
        rows: [{ requests: cards.length, p50: median(cards), p95: card, slowest: Math.max(...cards) }],
      },
      { title: "JavaScript of the first load of the inbox, gzip", rows: [{ files: scripts.length, bytes }] },
    ],
    headline: `inbox p95 ${worst.toFixed(0)} ms with ${pending} waiting; a request on screen p95 ${card.toFixed(0)} ms; first load ${(bytes / 1_000).toFixed(0)} kB`,
    holds: worst < INBOX_P95_MS && card < CARD_P95_MS && bytes <= FIRST_LOAD_BYTES,
  };
}

function row(what: string, few: readonly number[], many: readonly number[]): Readonly<Record<string, string | number>> {
  return {
    what,
    "one p50": median(few),
    "one p95": quantile(few, 0.95),
    "many p50": median(many),
    "many p95": quantile(many, 0.95),
    "times one": median(many) / median(few),
  };
}
