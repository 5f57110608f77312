import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";
import { z } from "zod";
import { type Program, startProgram, temporaryFolder } from "../../../../stories/program.ts";
import { effects, writeNotesCompany } from "../../../../stories/world/notes-policy.ts";
import { openBrowser } from "../console/browser.ts";
import { CALLBACK } from "./memory-provider.ts";

/** A started broker whose operator Ada may let clients act as the drafting agent, and Ada's browser. */
export interface ConsentCompany {
  readonly program: Program;
  /** Ada opens what a client sent her to and allows it. Resolves with the address of the client that she was sent back to. */
  allow(authorization: string | URL): Promise<URL>;
  effects(): ReturnType<typeof effects>;
  close(): Promise<void>;
}

const SECRET = "nts-consent-00000000000000000001";

export async function startConsentCompany(): Promise<ConsentCompany> {
  const home = await temporaryFolder();
  const policy = join(home.path, "policy");
  const notes = join(home.path, "notes");
  await writeNotesCompany(policy, notes);
  const agents = join(policy, "agents/drafting.yaml");
  await writeFile(agents, (await readFile(agents, "utf8")).replace("roles:", "clients: { people: [operator] }\nroles:"));
  const program = await startProgram({ policy, data: join(home.path, "data") });
  const stored = await program.runWithInput(`${SECRET}\n`, "secrets", "put", "notes-account", "--tenant", "acme");
  if (stored.code !== 0) throw new Error(`no credential: ${stored.stderr}`);
  const { browser, close } = await openBrowser();
  const context = await browser.newContext();
  await signIn(program, context);
  return {
    program,
    allow: (authorization) => allow(context, String(authorization)),
    effects: () => effects(notes),
    async close() {
      await close();
      await program.stop();
      await home.remove();
    },
  };
}

/** Ada follows a sign-in link, as `bailiwick login` prints it. */
async function signIn(program: Program, context: BrowserContext): Promise<void> {
  const made = await program.run("login", "ada", "--json");
  const { url } = z.object({ url: z.string() }).parse(JSON.parse(made.stdout));
  const page = await context.newPage();
  await page.goto(url);
  await page.getByRole("button").click();
  await page.waitForURL((at) => at.pathname === "/");
  await page.close();
}

async function allow(context: BrowserContext, authorization: string): Promise<URL> {
  const page = await context.newPage();
  // Programs on the person's machine listen for this; those that do not are answered here.
  await page.route(`${CALLBACK}*`, (route) => route.fulfill({ body: "you may close this page" }));
  const back = page.waitForRequest((request) => new URL(request.url()).searchParams.has("code"));
  await page.goto(authorization);
  await page.getByRole("button", { name: "Allow" }).click();
  const url = new URL((await back).url());
  await page.waitForLoadState();
  await page.close();
  return url;
}
