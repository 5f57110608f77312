import { afterAll, beforeAll, expect, test } from "vitest";
import { probeOf, tryHttpCredential } from "../../src/adapters/http-tool/probe.ts";
import { tryVersion } from "../../src/adapters/rotation/try-version.ts";
import { action, type Api, crm, json, KEY, serveApi } from "./support.ts";
import { load } from "@bailiwick/policy";

let api: Api;
beforeAll(async () => {
  api = await serveApi();
  api.answer = (req, res) => json({ ok: true }, req.headers["x-key"] === "right" ? 200 : 401)(req, res);
});
afterAll(() => api.close());

const READ = action("get", { query: { q: "args.q" } }, { args: { "q?": "string" } });
const using = (value: string) => ({ headers: { "x-key": value }, environment: {} });
const trying = (tool: ReturnType<typeof crm>, value: string): Promise<void> =>
  tryHttpCredential(KEY, tool, { url: `http://127.0.0.1:${api.port}` }, using(value));

test("a credential is tried with a read that needs no argument", async () => {
  await trying(crm([READ]), "right");
  await expect(trying(crm([READ]), "wrong")).rejects.toMatchObject({ code: "tool_unavailable" });
  expect(api.seen.map(({ method, url }) => [method, url])).toEqual([
    ["GET", "/get"],
    ["GET", "/get"],
  ]);
});

test.each([
  ["a write", action("put", { method: "POST" }, { effect: "write" })],
  ["a read that is a POST", action("search", { method: "POST" })],
  ["a read of one record", action("one", { path: "/{id}", params: { id: "args.id" } }, { args: { id: "string" } })],
  ["a read of a tenant", action("mine", {}, { force: { t: "principal.tenant" } })],
])("%s is nothing to try a credential with, and nothing is sent", async (_, only) => {
  const before = api.seen.length;
  expect(probeOf(crm([only]))).toBeUndefined();
  await expect(trying(crm([only]), "right")).rejects.toMatchObject({ code: "tool_unavailable" });
  expect(api.seen).toHaveLength(before);
});

test("where there is none, the trial says that it is not possible", async () => {
  const loaded = load([
    { path: "bailiwick.yaml", text: "version: 1\ntenants: [acme]\nenvironments: { prod: {} }\n" },
    {
      path: "tools/crm.yaml",
      text: "tool: crm\nconnect: { http: { url: https://crm.example } }\ncredential: { name: crm-key, inject: { header: x-key } }\n",
    },
  ]);
  if (!loaded.ok) throw new Error("the policy does not load");
  const opened = {
    name: "crm-key",
    version: 1,
    tenant: "acme",
    environment: "prod",
    workflow: "desk",
    hosts: ["crm.example"],
    value: "v",
    alsoSecret: [],
  };
  expect(await tryVersion(loaded.policy, () => Promise.resolve(), opened as never)).toMatchObject({ outcome: "impossible" });
});
