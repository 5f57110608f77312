import { randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { importJWK, type JWK, SignJWT } from "jose";
import { Agent, request } from "undici";
import { registerAgent } from "../../stories/agent.ts";
import { startProgram, temporaryFolder } from "../../stories/program.ts";
import { cpuSeconds } from "../gateway/cpu.ts";

export interface TokenRate {
  readonly perSecond: number;
  /** CPU of the broker's process for one token; the database's own is not in it. */
  readonly cpuUs: number;
}

const AGENT = "bailiwick://acme/prod/bench/caller";
const CALLERS = 16;

/** Session tokens from a started broker: `client_credentials` with an assertion each, made beforehand; each token is a durable session. */
export async function measureTokens(count: number, rounds: number): Promise<readonly TokenRate[]> {
  const home = await temporaryFolder();
  const folders = { policy: join(home.path, "policy"), data: join(home.path, "data") };
  await writePolicy(folders.policy);
  const program = await startProgram(folders);
  const { pid = 0 } = program.process;
  const dispatcher = new Agent({ connections: CALLERS });
  try {
    const key = JSON.parse(await readFile(await registerAgent(program, AGENT), "utf8")) as JWK; // unsafe: the file is a key that the command line just wrote
    const endpoint = `${program.url}/oauth/token`;
    await batch(dispatcher, endpoint, await assertions(key, endpoint, Math.ceil(count / 4)), pid);
    const rates: TokenRate[] = [];
    for (let round = 0; round < rounds; round += 1)
      rates.push(await batch(dispatcher, endpoint, await assertions(key, endpoint, count), pid));
    return rates;
  } finally {
    await dispatcher.close();
    await program.stop();
    await home.remove();
  }
}

async function assertions(key: JWK, endpoint: string, count: number): Promise<string[]> {
  const privateKey = await importJWK(key, "ES256");
  const sign = (): Promise<string> =>
    new SignJWT()
      .setProtectedHeader({ alg: "ES256" })
      .setIssuer(AGENT)
      .setSubject(AGENT)
      .setAudience(endpoint)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime("60s")
      .sign(privateKey);
  return Promise.all(Array.from({ length: count }, sign));
}

async function batch(dispatcher: Agent, endpoint: string, left: string[], pid: number): Promise<TokenRate> {
  const count = left.length;
  const cpu = cpuSeconds(pid);
  const started = performance.now();
  const caller = async (): Promise<void> => {
    for (let assertion = left.pop(); assertion !== undefined; assertion = left.pop()) {
      const body = new URLSearchParams({
        grant_type: "client_credentials",
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion: assertion,
        user: "ana",
        task: "T-17",
      });
      const answer = await request(endpoint, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: body.toString(),
        dispatcher,
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`no token: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  const seconds = (performance.now() - started) / 1_000;
  return { perSecond: count / seconds, cpuUs: ((cpuSeconds(pid) - cpu) * 1_000_000) / count };
}

async function writePolicy(folder: string): Promise<void> {
  const files: Readonly<Record<string, string>> = {
    "bailiwick.yaml": `version: 1
tenants: [acme]
environments: { prod: {} }
people:
  ada: { name: Ada, email: ada@acme.example, tenants: [acme], roles: [operator] }
`,
    "tools/echo.yaml": `tool: echo
connect: { mcp: { command: [unused] } }
actions:
  echo: { is: "echo:read", effect: read, args: { text: string }, reviewed: "sha256:${"0".repeat(64)}" }
`,
    "roles/caller.yaml": "role: caller\nreason: asks for tokens in the benchmark\nallow:\n  - do: echo:read\n",
    "agents/bench.yaml":
      'agent: caller\nworkflow: bench\nowner: ada\ntenants: [acme]\nenvironments: [prod]\nroles: [caller]\nceiling: { allow: ["echo:*"] }\n',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}
