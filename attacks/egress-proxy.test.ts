import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { registerAgent, tokenFor } from "../stories/agent.ts";
import { type Program, startProgram, temporaryFolder } from "../stories/program.ts";

const CRAWLER = "bailiwick://acme/dev/crawling/crawler";
const FOREIGN = "bailiwick://globex/dev/crawling/crawler";

const agentFile = (tenants: string): string => `agent: crawler
workflow: crawling
owner: otto
tenants: ${tenants}
environments: [dev]
roles: [crawler]
ceiling: { allow: ["network:*"] }
`;

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let program: Program;
let egress: URL;
let target: Server;
let port: number;
let arrived = 0;
let token: string;
let foreign: string;

const FILES: () => Readonly<Record<string, string>> = () => ({
  "bailiwick.yaml": `version: 1
tenants: [acme, globex]
environments: { dev: {} }
people:
  otto: { name: Otto, email: otto@acme.example, tenants: [acme, globex], roles: [owner] }
`,
  "tools/network.yaml": `tool: network
connect: { egress: { private: [localhost] } }
actions:
  connect: { is: "network:connect", effect: execute, args: { host: string, port: integer } }
`,
  "roles/crawler.yaml": `role: crawler
reason: one tenant's crawler reaches one port of one host; everything else is for the attacks
allow:
  - do: network:connect
    id: own-host
    when: principal.tenant == "acme" && context.args.host == "localhost" && context.args.port == ${port}
  - do: network:connect
    id: by-address
    when: principal.tenant == "acme" && context.args.host != "localhost" && !(context.args.host like "*.example")
`,
  "agents/crawler.yaml": agentFile("[acme, globex]"),
});

beforeAll(async () => {
  home = await temporaryFolder();
  target = createServer((socket) => {
    arrived += 1;
    socket.on("error", () => undefined);
    socket.end("hello from inside");
  });
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  const address = target.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  port = address.port;
  const policy = join(home.path, "policy");
  for (const [path, body] of Object.entries(FILES())) {
    await mkdir(dirname(join(policy, path)), { recursive: true });
    await writeFile(join(policy, path), body);
  }
  program = await startProgram({ policy, data: join(home.path, "data") }, { args: ["--egress-port", "0"] });
  const { egressUrl } = z
    .object({ egressUrl: z.string() })
    .parse(JSON.parse(await readFile(join(program.dataFolder, "broker.json"), "utf8")));
  egress = new URL(egressUrl);
  token = await tokenFor(program, CRAWLER, await registerAgent(program, CRAWLER));
  foreign = await tokenFor(program, FOREIGN, await registerAgent(program, FOREIGN));
});
afterAll(async () => {
  await program.stop();
  target.close();
  await home.remove();
});

async function say(lines: readonly string[]): Promise<string> {
  const socket = connect({ host: egress.hostname, port: Number(egress.port) });
  socket.on("error", () => undefined);
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const answer = await text(socket).catch(() => "");
  socket.destroy();
  return answer;
}

const basic = (value: string): string => `proxy-authorization: Basic ${Buffer.from(`session:${value}`).toString("base64")}`;
const tunnel = (to: string, as = token): Promise<string> => say([`CONNECT ${to} HTTP/1.1`, `host: ${to}`, basic(as)]);

test("what the policy allows goes through, so that the refusals below are no accident", async () => {
  expect(await tunnel(`localhost:${port}`)).toMatch(/^HTTP\/1\.1 200 [\s\S]*hello from inside$/u);
  expect(arrived).toBe(1);
});

test.each([
  "127.0.0.1",
  "[::1]",
  "[::ffff:127.0.0.1]",
  "2130706433",
  "0x7f.0.0.1",
  "0177.0.0.1",
  "127.1",
  "0",
  "169.254.169.254",
  "[fd00:ec2::254]",
  "10.0.0.1",
])(
  "an agent whose policy allows any address gets no line to %s: it is this machine, a cloud's metadata or a private network",
  async (host) => {
    const before = arrived;
    expect(await tunnel(`${host}:${port}`)).toMatch(/^HTTP\/1\.1 502 [\s\S]*private or special address/u);
    expect(await say([`GET http://${host}:${port}/ HTTP/1.1`, "host: x", basic(token), "connection: close"])).toMatch(/^HTTP\/1\.1 502 /u);
    expect(arrived).toBe(before);
  },
);

test.each([
  ["another port", () => tunnel("localhost:1")],
  ["another host", () => tunnel("elsewhere.example:443")],
  ["another tenant's host", () => tunnel(`localhost:${port}`, foreign)],
  [
    "a host named in the Host header only",
    () => say([`GET http://elsewhere.example/ HTTP/1.1`, `host: localhost:${port}`, basic(token), "connection: close"]),
  ],
])("%s is refused by policy", async (_, ask) => {
  const before = arrived;
  expect(await ask()).toMatch(/^HTTP\/1\.1 403 [\s\S]*"code":"no_grant"/u);
  expect(arrived).toBe(before);
});

test.each([
  ["no token", []],
  ["an empty one", ["proxy-authorization: Basic Og=="]],
  ["a made-up one", [basic("eyJhbGciOiJub25lIn0.e30.")]],
  ["the operator's key", async () => [basic((await readFile(join(program.dataFolder, "operator.key"), "utf8")).trim())]],
] as const)("%s opens nothing", async (_, headers) => {
  const shown = typeof headers === "function" ? await headers() : headers;
  expect(await say([`CONNECT localhost:${port} HTTP/1.1`, "host: x", ...shown])).toMatch(/^HTTP\/1\.1 407 /u);
});

test("a request with two ends is refused before it is decided", async () => {
  const before = arrived;
  const smuggled = ["content-length: 4", "transfer-encoding: chunked"];
  expect(await say([`POST http://localhost:${port}/ HTTP/1.1`, "host: x", basic(token), ...smuggled])).toMatch(/^HTTP\/1\.1 400 /u);
  expect(arrived).toBe(before);
});

test("over MCP the way out is neither listed nor open", async () => {
  const { connectAgent } = await import("../stories/agent.ts");
  const agent = await connectAgent(program, token);
  expect(await agent.tools()).not.toContain("connect");
  expect((await agent.call("connect", { host: "localhost", port })).isError).toBe(true);
});

test("each line and each refusal is in the log, and the token is nowhere", async () => {
  const records = await program.run("audit", "query", "--json", "--limit", "200");
  const { calls } = z
    .object({ calls: z.array(z.object({ tenant: z.string(), action: z.string(), status: z.string() })) })
    .parse(JSON.parse(records.stdout));
  const counted = (status: string, tenant = "acme"): number =>
    calls.filter((each) => each.status === status && each.tenant === tenant).length;
  // One line, three refusals of acme's and one of globex's, and each address that was tried both ways.
  expect([counted("succeeded"), counted("refused"), counted("refused", "globex"), counted("not_sent")]).toEqual([1, 3, 1, 23]);
  const spoken = [program.output(), records.stdout, ...(await allFiles(program.dataFolder))];
  for (const secret of [token, Buffer.from(`session:${token}`).toString("base64")])
    expect(spoken.filter((each) => each.includes(secret))).toEqual([]);
});

async function allFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(entries.filter((each) => each.isFile()).map((each) => readFile(join(each.parentPath, each.name), "latin1")));
}
