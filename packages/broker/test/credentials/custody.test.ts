import { load, type Policy } from "@bailiwick/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openCustody } from "../../src/custody.ts";
import { testStore, type TestStore } from "../support/store.ts";

const at = { tenant: "acme", environment: "prod", workflow: "helpdesk" };
let opened: TestStore;
beforeAll(async () => {
  opened = await testStore();
});
afterAll(async () => opened.close());

function policy(): Policy {
  const tool = (name: string, credential: string) => ({
    path: `tools/${name}.yaml`,
    text: `tool: ${name}\nconnect: { mcp: { command: [unused] } }\ncredential: ${credential}\n`,
  });
  const loaded = load([
    { path: "bailiwick.yaml", text: "version: 1\ntenants: [acme]\nenvironments: { prod: {} }\n" },
    tool("crm", "{ name: crm-key, inject: { environment: KEY }, rotate: { every: 30d } }"),
    tool("pager", "{ name: pager-key, inject: { environment: KEY }, from: env:PAGER_KEY }"),
  ]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  return loaded.policy;
}

function parts(environment: Readonly<Record<string, string>>, now: () => Date = () => new Date()): Parameters<typeof openCustody>[0] {
  const loaded = policy();
  return { store: opened.store, policy: () => loaded, environment: (name) => environment[name], now, complain: () => undefined };
}

test("calls get each credential from where the policy says that it is kept", async () => {
  const custody = await openCustody(parts({ PAGER_KEY: "value-of-the-pager" }));
  await opened.store.credentials.put("crm-key", { ...at, hosts: [] }, "value-of-the-crm");
  // A stored value of the same name is not what the policy asks for.
  await opened.store.credentials.put("pager-key", { ...at, hosts: [] }, "stored-value-of-the-pager");
  expect((await custody.opener.open("crm-key", at))?.value).toBe("value-of-the-crm");
  expect((await custody.opener.open("pager-key", at))?.value).toBe("value-of-the-pager");
  await custody.close();
});

test("the metric counts what is overdue", async () => {
  await opened.store.credentials.put("crm-key", { ...at, hosts: [] }, "value-of-the-crm");
  const later = await openCustody(parts({}, () => new Date(Date.now() + 31 * 86_400_000)));
  const today = await openCustody(parts({}));
  expect(await later.overdue()).toBe(1);
  expect(await today.overdue()).toBe(0);
  await Promise.all([later.close(), today.close()]);
});

test("a broker does not start with a vault it would have to ask in the clear", async () => {
  const unsafe = { BAILIWICK_VAULT_ADDR: "http://vault.example:8200", BAILIWICK_VAULT_TOKEN_FILE: "/nowhere" };
  await expect(openCustody(parts(unsafe))).rejects.toMatchObject({ code: "credential_unavailable" });
});
