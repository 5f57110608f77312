import { sha256 } from "@bailiwick/ledger";
import type { PolicyFile } from "@bailiwick/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomId } from "../../src/adapters/system/random.ts";
import { Fault } from "../../src/domain/fault.ts";
import { type PolicyText, recordPolicy } from "../../src/domain/policy-record.ts";
import { saidBy } from "../support/said.ts";
import { testStore, type TestStore } from "../support/store.ts";

let opened: TestStore;
beforeAll(async () => {
  opened = await testStore();
});
afterAll(async () => opened.close());

const text = (version: string, tenants: readonly string[], files: Readonly<Record<string, string>>): PolicyText => ({
  policy: { version, tenants: [...tenants] },
  files: Object.entries(files).map(([path, each]): PolicyFile => ({ path, text: each })),
});
const first = text("sha256:1", ["acme", "globex"], { "bailiwick.yaml": "one", "roles/a.yaml": "a", "roles/b.yaml": "b" });
const second = text("sha256:2", ["acme", "initech"], { "bailiwick.yaml": "two", "roles/a.yaml": "a", "roles/c.yaml": "c" });

async function activate(next: PolicyText, before: PolicyText | undefined): Promise<void> {
  await recordPolicy({ log: opened.store.log, brokerId: "brk_1", now: () => new Date(), newId: randomId }, next, before);
}

async function newest(tenant: string): Promise<{ said: unknown; facts: unknown }> {
  const [record] = await opened.store.log.query(tenant, { kind: "admin", limit: 1 });
  return { said: saidBy(record), facts: await opened.store.log.facts(tenant, record?.callId ?? "") };
}

test("the first version is recorded in every tenant's log, with the digest of each file sealed beside", async () => {
  await activate(first, undefined);
  for (const tenant of ["acme", "globex"]) {
    const { said, facts } = await newest(tenant);
    expect(said).toMatchObject({ event: "policy.activate", by: "broker", broker: "brk_1", policyVersion: "sha256:1", files: 3 });
    expect(said).not.toHaveProperty("before");
    expect(facts).toEqual({
      digests: { "bailiwick.yaml": sha256("one"), "roles/a.yaml": sha256("a"), "roles/b.yaml": sha256("b") },
      added: [],
      changed: [],
      removed: [],
    });
  }
});

test("a change says which files it added, changed and removed, also to a tenant that it removes", async () => {
  await activate(second, first);
  for (const tenant of ["acme", "globex", "initech"]) {
    const { said, facts } = await newest(tenant);
    expect(said).toMatchObject({ before: "sha256:1", policyVersion: "sha256:2", files: 3, added: 1, changed: 1, removed: 1 });
    expect(facts).toMatchObject({ added: ["roles/c.yaml"], changed: ["bailiwick.yaml"], removed: ["roles/b.yaml"] });
    expect(JSON.stringify(said)).not.toContain("roles/");
  }
});

test("a version that cannot be recorded is a fault", async () => {
  const log = { append: async () => Promise.reject(new Fault("log_unavailable", "the disk is full; free some space")) };
  const ports = { log, brokerId: "brk_1", now: () => new Date(), newId: randomId };
  await expect(recordPolicy(ports, second, first)).rejects.toMatchObject({ code: "log_unavailable" });
});
