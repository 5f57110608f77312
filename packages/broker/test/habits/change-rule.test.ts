import { decide } from "@bailiwick/policy";
import { expect, test } from "vitest";
import { forbid, spare } from "../../src/insight/habits/change-rule.ts";
import { loaded, ONE, requestOf, shopFiles, TWO } from "./support.ts";

const GRANT = { kind: "grant", id: "refunds", at: { file: "roles/clerk.yaml", line: 1 }, reason: "" } as const;
const GATE = { kind: "gate", id: "notices", at: { file: "gates.yaml", line: 1 }, reason: "" } as const;
const ORDER = 'context.args.order == "O-1"';

test("a grant is written again as a whole, at the line where it stands, with what spared it before", () => {
  const change = spare(shopFiles, GRANT, ORDER);
  expect(change).toMatchObject({ file: "roles/clerk.yaml", line: 6 });
  expect(change?.yaml).toMatch(/^- do: shop:refund\n {2}id: refunds\n {2}approve:\n {4}by: \[ lead \]\n {4}unless: \|-\n {6}\(context/u);
  const policy = loaded(change?.files ?? []);
  const ask = (order: string, amount: number): string => decide(policy, requestOf(ONE, "refund", { order, amount })).verdict;
  expect([ask("O-1", 50), ask("O-2", 50), ask("O-2", 1)]).toEqual(["allow", "ask", "allow"]);
});

test("comments of the file stay", () => {
  expect(spare(shopFiles, GRANT, ORDER)?.files.find(({ path }) => path === "roles/clerk.yaml")?.text).toContain(
    "# The desk said so in March.",
  );
});

test("a gate is spared by its own condition", () => {
  const change = spare(shopFiles, GATE, 'context.args.to.domain == "acme.example"');
  expect(change).toMatchObject({ file: "gates.yaml", line: 2 });
  const policy = loaded(change?.files ?? []);
  const ask = (to: string): string => decide(policy, requestOf(ONE, "notify", { to, body: "" })).verdict;
  expect([ask("a@acme.example"), ask("a@other.example")]).toEqual(["allow", "ask"]);
});

test("a gate that has a condition keeps it", () => {
  const files = shopFiles.map((file) =>
    file.path === "gates.yaml"
      ? { ...file, text: file.text.replace("    require:", '    when: principal.tenant == "acme"\n    require:') }
      : file,
  );
  const policy = loaded(spare(files, GATE, 'context.args.to.domain == "acme.example"')?.files ?? []);
  const ask = (agent: string, to: string): string => decide(policy, requestOf(agent, "notify", { to, body: "" })).verdict;
  const globex = ONE.replace("acme", "globex");
  expect([ask(ONE, "a@x.example"), ask(ONE, "a@acme.example"), ask(globex, "a@x.example")]).toEqual(["ask", "allow", "allow"]);
});

test("a rule that ships with the broker, or is in no file, is not changed", () => {
  expect(spare(shopFiles, { ...GATE, at: { file: "defaults/gates.yaml", line: 1 } }, ORDER)).toBeUndefined();
  expect(spare(shopFiles, { ...GRANT, id: "gone" }, ORDER)).toBeUndefined();
});

test("a deny stands in the role of the grant, and for a gate in a role of the agent", () => {
  const deny = { scope: "shop:refund", roles: ["clerk"], condition: ORDER, reason: "people said no" };
  const change = forbid(shopFiles, GRANT, deny);
  expect(change).toMatchObject({ file: "roles/clerk.yaml", line: 1 });
  expect(change?.yaml).toContain("do: shop:refund");
  const policy = loaded(change?.files ?? []);
  const ask = (agent: string, order: string): string => decide(policy, requestOf(agent, "refund", { order, amount: 50 })).verdict;
  expect([ask(ONE, "O-1"), ask(TWO, "O-1"), ask(ONE, "O-2")]).toEqual(["deny", "deny", "ask"]);
  const gate = forbid(shopFiles, GATE, { ...deny, scope: "shop:notify", condition: undefined });
  expect(gate?.file).toBe("roles/clerk.yaml");
  expect(decide(loaded(gate?.files ?? []), requestOf(ONE, "notify", { to: "a@acme.example", body: "" })).verdict).toBe("deny");
  expect(forbid(shopFiles, GATE, { ...deny, roles: ["nobody"] })).toBeUndefined();
});

test("a second deny joins the first", () => {
  const once = forbid(shopFiles, GRANT, { scope: "shop:refund", roles: [], condition: ORDER, reason: "a" });
  const twice = forbid(once?.files ?? [], GRANT, { scope: "shop:notify", roles: [], condition: undefined, reason: "b" });
  const policy = loaded(twice?.files ?? []);
  expect(decide(policy, requestOf(ONE, "refund", { order: "O-1", amount: 50 })).verdict).toBe("deny");
  expect(decide(policy, requestOf(ONE, "notify", { to: "a@acme.example", body: "" })).verdict).toBe("deny");
});
