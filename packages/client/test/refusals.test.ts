import { readFile } from "node:fs/promises";
import { chmod } from "node:fs/promises";
import { expect, expectTypeOf, test } from "vitest";
import type { CallOutcome, NextStep, RefusalCode } from "../src/index.ts";
import { connect, loadAgentKey, needsApproval, retryAfter } from "../src/index.ts";
import { outcomeOf } from "../src/outcome.ts";
import { REFUSAL_CODES } from "../src/refusal.ts";
import { codeHeadings, tableRows } from "../../../tools/architecture/markdown.ts";
import { transfer } from "../../broker/test/mcp/support/operations.ts";
import { startBroker } from "./support/broker.ts";

const PAGE = await readFile(new URL("../../../docs/spec/refusals.md", import.meta.url), "utf8");

test("the codes are those of docs/spec/refusals.md, no more and no less", () => {
  expect(REFUSAL_CODES.toSorted()).toEqual([...codeHeadings(PAGE, 3)].toSorted());
});

/** One of each, with exactly the fields that the page's table names. */
const STEPS: { readonly [K in Exclude<NextStep["kind"], "other">]: Extract<NextStep, { kind: K }> } = {
  request_approval: { kind: "request_approval", ticket: "apr_1", url: "https://broker.example/approvals/apr_1" },
  request_elevation: { kind: "request_elevation", scope: "tickets:close" },
  narrow: { kind: "narrow", field: "limit", allowed: [10] },
  retry_after: { kind: "retry_after", ms: 1500 },
  use_instead: { kind: "use_instead", action: "archive_table" },
  reauthenticate: { kind: "reauthenticate" },
  ask_owner: { kind: "ask_owner", owner: "lena", text: "grant it" },
};

test("the next steps are those of the page's table, field by field", () => {
  const table = tableRows(PAGE)
    .map(({ row }) => [...row.matchAll(/`([a-z_]+)`/gu)].map(([, name = ""]) => name))
    .filter(([kind = ""]) => kind in STEPS);
  expect(table.map(([kind = "", ...fields]) => [kind, fields])).toEqual(
    Object.values(STEPS).map(({ kind, ...fields }) => [kind, expect.arrayContaining(Object.keys(fields))]),
  );
});

function refused(facts: object): CallOutcome {
  const data = { code: "denied_by_rule", rules: [], next: [], ...facts };
  return outcomeOf({ jsonrpc: "2.0", id: 1, error: { code: -32050, message: "no (denied_by_rule)", data } });
}

test.each(Object.values(STEPS))("the step $kind arrives typed", (step) => {
  expect(refused({ next: [step] })).toMatchObject({ kind: "refused", code: "denied_by_rule", next: [step] });
});

test("what a newer broker says is kept, and told apart from what is known", () => {
  const step = { kind: "dance", steps: 3 };
  expect(refused({ code: "not_yet_invented", next: [step, { kind: "narrow" }] })).toMatchObject({
    code: "unlisted",
    next: [
      { kind: "other", step },
      { kind: "other", step: { kind: "narrow" } },
    ],
  });
});

test("codes and steps are closed unions for the compiler", () => {
  expectTypeOf<"row_not_permitted">().toExtend<RefusalCode>();
  expectTypeOf<"no_such_code">().not.toExtend<RefusalCode>();
  expectTypeOf<Extract<NextStep, { kind: "retry_after" }>["ms"]>().toEqualTypeOf<number>();
});

test("how long to wait and whom to ask can be read off any outcome", () => {
  expect(retryAfter(refused({ code: "rate_limited", next: [STEPS.retry_after] }))).toBe(1500);
  expect(retryAfter(refused({}))).toBeUndefined();
  expect(needsApproval(refused({ next: [STEPS.request_approval] }))).toEqual({ ticket: "apr_1", url: STEPS.request_approval.url });
  expect(needsApproval(refused({}))).toBeUndefined();
  const pending: CallOutcome = { kind: "pending", ticket: "apr_2", approvalUrl: "https://broker.example/2", retryAfterMs: 700 };
  expect(retryAfter(pending)).toBe(700);
  expect(needsApproval(pending)).toEqual({ ticket: "apr_2", url: "https://broker.example/2" });
});

test("waiting for a person ends at the time the caller gives, and the approval stays open", async () => {
  const broker = await startBroker([transfer]);
  const line = await connect({ url: broker.url, key: await loadAgentKey(broker.keyFile), user: "ada", task: "T-1" });
  const { ticket } = needsApproval(await line.call("transfer", { to: "bob" })) ?? { ticket: "" };
  expect(await line.waitForApproval(ticket, { timeoutMs: 100 })).toMatchObject({ kind: "pending", ticket });
  broker.surface.answer(ticket, "approved");
  expect(await line.waitForApproval(ticket, { timeoutMs: 10_000 })).toMatchObject({ kind: "result" });
  await line.close();
});

test("a key file that other users can read is not used", async () => {
  const broker = await startBroker([]);
  await chmod(broker.keyFile, 0o644);
  await expect(loadAgentKey(broker.keyFile)).rejects.toMatchObject({ code: "key_unusable", next: expect.stringContaining("chmod 600") });
  await chmod(broker.keyFile, 0o600);
  await expect(loadAgentKey(broker.keyFile)).resolves.toMatchObject({ kid: expect.any(String) });
});
