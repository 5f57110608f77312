import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { writeBrokerFile } from "../../src/config/data-folder.ts";
import type { Approval } from "../../src/domain/approval.ts";
import { keyThumbprint } from "../../src/domain/receipt.ts";
import { receiptFileSchema } from "../../src/rest-contract/receipts.ts";
import { signedReceipt } from "../domain/signed-receipt.ts";
import { askedCall } from "../people-support/answering.ts";
import { heldApproval, OPERATOR_KEY } from "../people-support/rest.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";
import { answerOf, PLAIN_TERMS } from "../store/approval-sample.ts";
import { type Ran, runIn } from "./run-in.ts";

const BOUNDED = { ...PLAIN_TERMS, bounded: { uses: 20, forMs: 8 * 3_600_000 } };

let house: ServedHouse;
let folder: string;
const run = (...args: readonly string[]): Promise<Ran> => runIn(folder, join(folder, ".bailiwick"), args);
beforeAll(async () => {
  house = await serveRestHouse();
  folder = await mkdtemp(join(tmpdir(), "bailiwick-cli-"));
  const data = join(folder, ".bailiwick");
  await mkdir(data);
  await writeFile(join(data, "operator.key"), OPERATOR_KEY, { mode: 0o600 });
  await writeBrokerFile(data, { url: house.url, pid: process.pid, version: "0.1.0", policy: folder, startedAt: new Date().toISOString() });
});
afterAll(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

async function held(overrides: Partial<Approval> = {}): Promise<string> {
  const approval = heldApproval(overrides);
  await house.store.approvals.create(approval);
  return approval.id;
}

test("a yes to several calls is given with its bounds, listed with what is left of it, and withdrawn", async () => {
  const { id } = await askedCall(house, { terms: BOUNDED });
  const approved = await run(
    "approvals",
    "approve",
    id,
    "--as",
    "lena",
    "--uses",
    "10",
    "--for",
    "2h",
    "--bound",
    'status=in:["closed","open"]',
  );
  expect(approved).toMatchObject({ code: 0, err: expect.stringMatching(/^10 such calls may run until 20/u) });
  expect((await house.store.approvals.find("acme", id))?.answers[0]?.bounds).toMatchObject({
    uses: 10,
    within: "task",
    args: { status: { in: ["closed", "open"] } },
  });
  expect((await run("approvals", "bounded")).out).toMatch(new RegExp(`^${id} +9 of 10 +in 2 h +lena `, "mu"));
  expect(await run("approvals", "revoke", id, "--as", "lena")).toMatchObject({ code: 0, out: `withdrawn: ${id}\n` });
  expect((await run("approvals", "bounded")).out).toMatch(new RegExp(`^${id} +withdrawn `, "mu"));
  expect((await run("approvals", "revoke", id, "--as", "lena")).code).toBe(1);
});

test.each([
  [["--uses", "0", "--for", "1h"], "`--uses` says how many calls"],
  [["--uses", "3"], "`--for` says how long"],
  [["--uses", "3", "--for", "1h", "--within", "week"], "neither `session` nor `task`"],
  [["--uses", "3", "--for", "1h", "--bound", "amount<5"], "is no bound of an argument"],
])("bounds that nobody can mean (%j) are wrong usage and give nothing", async (options, says) => {
  const { id } = await askedCall(house, { terms: BOUNDED });
  const wrong = await run("approvals", "approve", id, "--as", "lena", ...options);
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining(says) });
  expect((await house.store.approvals.find("acme", id))?.state).toBe("pending");
});

test("a yes of several says who else must say so", async () => {
  const id = await held({ terms: { ...PLAIN_TERMS, also: [{ by: ["operator"], count: 1 }] } });
  expect(await run("approvals", "approve", id, "--as", "lena")).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^yes by lena: /u),
    err: expect.stringContaining("1 more of operator must say yes"),
  });
  expect((await run("approvals", "show", id)).out).toMatch(/^answered by +support-lead; yes from lena\n +operator$/mu);
});

test("stop refuses the call and suspends its agent, and says what ends that", async () => {
  const agent = "bailiwick://acme/prod/support/support-bot";
  const stopped = await run("approvals", "stop", await held(), "--as", "lena", "--reason", "it writes to strangers");
  expect(stopped).toMatchObject({ code: 0, err: expect.stringContaining(`bailiwick resume agent ${agent}`) });
  expect((await run("stops")).out).toContain("it writes to strangers");
  await run("resume", "agent", agent, "--reason", "was a test");
});

/** An approval that a person signed, as a broker would have kept it. */
async function signed(): Promise<{ readonly id: string; readonly key: string }> {
  const approval = heldApproval();
  const { receipt, expected } = signedReceipt({
    type: "bailiwick.approval.v1",
    verdict: "approve",
    approval: approval.id,
    scope: approval.scope,
    agent: approval.agent,
    user: approval.user,
    args: approval.args,
    policyVersion: approval.policyVersion,
    person: "lena",
  });
  const answer = answerOf("approve", { by: "lena", receipt });
  await house.store.approvals.create(approval);
  await house.store.approvals.answer("acme", approval.id, { answer, seen: 0, state: "approved" });
  return { id: approval.id, key: keyThumbprint(expected.publicKey) };
}

test("a receipt is written to a file and proves offline, with the person's key, what they said yes to", async () => {
  const { id, key } = await signed();
  expect((await run("approvals", "receipt", id, "--out", "receipt.json")).out).toBe("receipt.json\n");
  const origin = z.array(receiptFileSchema).parse(JSON.parse(await readFile(join(folder, "receipt.json"), "utf8")))[0]?.receipt;
  expect(origin?.document["approval"]).toBe(id);
  const proven = await run("approvals", "verify", "receipt.json", "--key", key, "--origin", "https://broker.example");
  expect(proven.out).toMatch(/^proven\n {2}person +lena\n {2}said +approve to `tickets:update` by bailiwick:\/\/acme/u);
  expect(proven.code).toBe(0);
});

test("a receipt proves nothing without a key that is known, with another key, or after a change", async () => {
  const { id, key } = await signed();
  await run("approvals", "receipt", id, "--out", "receipt.json");
  const at = ["--origin", "https://broker.example"];
  expect(await run("approvals", "verify", "receipt.json", ...at)).toMatchObject({
    code: 1,
    out: expect.stringContaining("was not checked"),
  });
  expect(await run("approvals", "verify", "receipt.json", ...at, "--key", "other")).toMatchObject({
    code: 1,
    out: expect.stringContaining("none of the keys given"),
  });
  const text = await readFile(join(folder, "receipt.json"), "utf8");
  await writeFile(join(folder, "receipt.json"), text.replace('"closed"', '"open"'));
  expect(await run("approvals", "verify", "receipt.json", ...at, "--key", key)).toMatchObject({
    code: 1,
    out: expect.stringContaining("another document was signed"),
  });
});

test("what is no receipt, and an approval that nobody signed, are said to be so", async () => {
  await writeFile(join(folder, "nothing.json"), "{}");
  expect(await run("approvals", "verify", "nothing.json")).toMatchObject({ code: 2, err: expect.stringContaining("holds no receipt") });
  expect(await run("approvals", "receipt", await held())).toMatchObject({ code: 1, err: expect.stringContaining("nobody signed") });
});
