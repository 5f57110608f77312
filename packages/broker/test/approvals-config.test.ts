import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "@bailiwick/policy";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readApprovalsConfig } from "../src/approvals-config.ts";
import { companyFiles } from "./people-support/company.ts";

const KNOWN = { tenants: ["acme"], roles: ["support-lead"] };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "approvals-config-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function read(text: string): Promise<unknown> {
  await writeFile(join(folder, "approvals.yaml"), text);
  return readApprovalsConfig(folder, KNOWN);
}

test("without a file no drills are sown", async () => {
  expect(await readApprovalsConfig(folder, KNOWN)).toEqual({});
});

test("the file says where, how often and for whom drills are sown", async () => {
  expect(await read("drills: { tenants: [acme], perDay: 2, roles: [support-lead], domains: [mail.example.net] }")).toEqual({
    drills: { tenants: ["acme"], perDay: 2, roles: ["support-lead"], domains: ["mail.example.net"] },
  });
});

test.each([
  ["drills: { tenants: [acme], perDay: 2, roles: [support-lead], surprise: 1 }", /surprise/u],
  ["surprise: 1", /surprise/u],
  ["drills: { tenants: [acme], perDay: 0, roles: [support-lead] }", /perDay/u],
  ["drills: { tenants: [acme], perDay: 11, roles: [support-lead] }", /perDay/u],
  ["drills: { tenants: [], perDay: 1, roles: [support-lead] }", /tenants/u],
  ["drills: { tenants: [globex], perDay: 1, roles: [support-lead] }", /tenant `globex`, which the policy does not have/u],
  ["drills: { tenants: [acme], perDay: 1, roles: [finance] }", /role `finance`, which no person has/u],
  ["drills: { tenants: [acme], perDay: 1, roles: [support-lead], domains: ['a b'] }", /a domain is written like/u],
  ["drills: [", /is no YAML/u],
])("%j is refused", async (text, message) => {
  await expect(read(text)).rejects.toThrow(message);
});

test("the file has a place in a policy folder", () => {
  const result = load([...companyFiles, { path: "approvals.yaml", text: "drills: {}" }]);
  expect(result.ok ? [] : result.diagnostics.map(({ code }) => code)).toEqual([]);
});
