import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CRM } from "../insight/openapi/crm.ts";
import { type Ran, runIn } from "./run-in.ts";

let folder: string;
let server: Server;
let address: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bailiwick-openapi-"));
  await mkdir(join(folder, "policy", "tools"), { recursive: true });
  await writeFile(join(folder, "policy", "bailiwick.yaml"), "version: 1\ntenants: [acme]\nenvironments: { prod: {} }\n");
  await writeFile(join(folder, "desk.json"), JSON.stringify(CRM));
  server = createServer((req, res) => {
    if (req.url === "/endless") {
      const more = (): void => {
        while (res.write(Buffer.alloc(64 * 1024, "a")));
      };
      res.on("drain", more);
      return more();
    }
    if (req.url !== "/desk.json") return void res.writeHead(404).end();
    res.end(JSON.stringify({ ...CRM, servers: [{ url: "/v3" }] }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no port");
  address = `http://127.0.0.1:${bound.port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

const run = (...args: readonly string[]): Promise<Ran> => runIn(folder, join(folder, "data"), args);

test("tools add --openapi shows a whole file, and says what it could not propose and why", async () => {
  const { code, out, err } = await run("tools", "add", "desk", "--openapi", "desk.json");
  expect(code).toBe(0);
  expect(out).toMatch(/^tool: desk\nconnect:\n {2}http:\n {4}url: https:\/\/desk\.example\/api\/v2\n/u);
  expect(err).toContain("not proposed: HEAD /tickets/{ticketId}: HEAD is no method of an http tool");
});

test("--write makes the file, which the check of the folder accepts; written again it changes nothing", async () => {
  const first = await run("tools", "add", "desk", "--openapi", "desk.json", "--write");
  expect(first.out).toMatch(/^added 10 actions to policy\/tools\/desk\.yaml\n$/u);
  expect(await run("check", "policy")).toMatchObject({ code: 0 });
  const file = join(folder, "policy", "tools", "desk.yaml");
  const written = await readFile(file, "utf8");
  expect(written).toContain("# REVIEW: from its method");
  expect((await run("tools", "add", "desk", "--openapi", "desk.json", "--write")).out).toMatch(/^added 0 actions/u);
  expect(await readFile(file, "utf8")).toBe(written);
});

test("a document is fetched from its address, and its servers are relative to it", async () => {
  const { code, out } = await run("tools", "add", "desk", "--openapi", `${address}/desk.json`);
  expect(code).toBe(0);
  // Only an encrypted address is written down; another is the operator's to name.
  expect(out).toContain("url: ${env:DESK_URL}");
});

test.each([
  ["a file that is not there", "gone.json", 2],
  ["a document that is none", "policy/bailiwick.yaml", 1],
  ["an address that answers with an error", "/gone", 1],
  ["an address that does not end", "/endless", 1],
])("%s is an error that says what to do", async (_, source, code) => {
  const ran = await run("tools", "add", "desk", "--openapi", source.startsWith("/") ? `${address}${source}` : source);
  expect(ran.code).toBe(code);
  expect(ran.err).not.toBe("");
  expect(ran.out).toBe("");
});

test("a name that leads out of the folder is no name of a tool", async () => {
  expect(await run("tools", "add", "../x", "--openapi", "desk.json", "--write")).toMatchObject({ code: 2 });
});
