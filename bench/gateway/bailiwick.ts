import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fingerprint } from "../../packages/broker/src/domain/fingerprint.ts";
import { registerAgent, tokenFor } from "../../stories/agent.ts";
import { startProgram, temporaryFolder } from "../../stories/program.ts";
import { measured } from "./contenders.ts";
import type { Contender, EchoServers } from "./contenders.ts";
import { ECHO_TOOL } from "./echo.ts";

const AGENT = "bailiwick://acme/prod/bench/caller";

/** Tokens live five minutes; a run takes longer. */
const RENEW_AFTER_MS = 4 * 60_000;

/**
 * Bailiwick as a user starts it, with everything on: decision, a limit drawn in the intent's transaction, durable intent and outcome in
 * its embedded PostgreSQL, a masked and a hidden field in every result.
 */
export async function bailiwick(echo: EchoServers, upstream: "http" | "stdio"): Promise<Contender> {
  const home = await temporaryFolder();
  const folders = { policy: join(home.path, "policy"), data: join(home.path, "data") };
  await writePolicy(folders.policy, upstream === "http" ? { url: echo.httpUrl } : { command: echo.stdioCommand });
  const program = await startProgram(folders);
  const keyFile = await registerAgent(program, AGENT);
  const renew = (): Promise<string> => tokenFor(program, AGENT, keyFile);
  let token = await renew();
  const timer = setInterval(() => void renew().then((fresh) => (token = fresh)), RENEW_AFTER_MS);
  return {
    name: `bailiwick, ${upstream}`,
    upstream,
    url: `${program.url}/mcp`,
    tool: "echo",
    headers: () => ({ authorization: `Bearer ${token}` }),
    ...measured(program.process.pid),
    stop: async () => {
      clearInterval(timer);
      await program.stop();
      await home.remove();
    },
  };
}

async function writePolicy(folder: string, mcp: { readonly url: string } | { readonly command: readonly string[] }): Promise<void> {
  const files: Readonly<Record<string, string>> = {
    "bailiwick.yaml": `version: 1
tenants: [acme]
environments: { prod: {} }
people:
  ada: { name: Ada, email: ada@acme.example, tenants: [acme], roles: [operator] }
`,
    "tools/echo.yaml": `tool: echo
connect: { mcp: ${JSON.stringify(mcp)} }
types:
  Customer: { id: string, name: string, email: email, tier: integer, region: string, text: string }
actions:
  echo:
    is: echo:read
    effect: read
    args: { text: string }
    returns: { type: Customer, at: result }
    reviewed: ${fingerprint(ECHO_TOOL)}
`,
    "roles/caller.yaml": `role: caller
reason: calls the echo tool in the benchmark
allow:
  - do: echo:read
    when: context.args.text != "forbidden"
    rows: resource.tier == 1
    fields: { hide: [region], mask: { email: partial } }
    limits: { perMinute: 1000000 }
`,
    "agents/bench.yaml": `agent: caller
workflow: bench
owner: ada
tenants: [acme]
environments: [prod]
roles: [caller]
ceiling: { allow: ["echo:*"], effects: [read] }
`,
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}
