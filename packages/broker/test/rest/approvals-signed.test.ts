import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "@bailiwick/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { needsPython } from "../../../../tools/needs.ts";
import { receiptFileSchema } from "../../src/rest-contract/receipts.ts";
import type { Approval } from "../../src/domain/approval.ts";
import { verifyReceipt } from "../../src/domain/receipt.ts";
import { askedCall, showing } from "../people-support/answering.ts";
import { askingPolicy } from "../people-support/asking-policy.ts";
import type { Authenticator } from "../people-support/authenticator.ts";
import { enrol, PEOPLE_URL, type PeopleBrowser } from "../people-support/browser.ts";
import { type Ask, openRestHouse, type RestHouse } from "../people-support/rest.ts";
import { PLAIN_TERMS } from "../store/approval-sample.ts";

const SIGNED = { ...PLAIN_TERMS, stepUp: true, bounded: { uses: 5, forMs: 3_600_000 } };
const SCRIPT = fileURLToPath(new URL("../domain/verify_receipt.py", import.meta.url));

interface Signer {
  readonly browser: PeopleBrowser;
  readonly passkey: Authenticator;
}

let house: RestHouse;
let lena: Signer;
let leo: Signer;
let petra: Signer;
/** Reads cards; signed in without a passkey. */
let reader: Ask;
const policy = askingPolicy();
beforeAll(async () => {
  house = await openRestHouse({ policy: () => policy });
  [lena, leo, petra] = [await enrol(house, "lena"), await enrol(house, "leo"), await enrol(house, "petra")];
  reader = await house.as("petra");
});
afterAll(() => house.close());

const toSign = z.object({ document: z.record(z.string(), z.json()), options: z.record(z.string(), z.unknown()) });

async function held(overrides: Partial<Approval> = {}): Promise<Approval> {
  return askedCall(house, { policyVersion: policy.version, terms: SIGNED, ...overrides });
}

async function sign(
  { browser, passkey }: Signer,
  { id }: Approval,
  what: JsonObject = {},
): Promise<{ document: JsonObject; assertion: ReturnType<Authenticator["assert"]> }> {
  const { document, options } = toSign.parse(await browser.done(`/approvals/${id}/step-up`, what));
  return { document, assertion: passkey.assert(options) };
}

/** Status, or status and code. */
async function approve({ browser }: Signer, { id }: Approval, more: Record<string, unknown>): Promise<unknown> {
  const answer = await browser.post(`/approvals/${id}/approve`, { showing: await showing(reader, id), ...more });
  return answer.status === 200 ? 200 : [answer.status, z.looseObject({ code: z.string() }).parse(await answer.json()).code];
}
const stateOf = async ({ id }: Approval): Promise<string | undefined> => (await house.store.approvals.find("acme", id))?.state;

describe("a yes that a rule wants signed", () => {
  test("is refused without a signature, and stored with its receipt when it has one", async () => {
    const approval = await held();
    expect(await approve(lena, approval, {})).toEqual([403, "step_up_required"]);
    expect(await approve(lena, approval, { stepUp: await sign(lena, approval) })).toBe(200);
    const [answer] = (await house.store.approvals.find("acme", approval.id))?.answers ?? [];
    expect(answer).toMatchObject({ by: "lena", receipt: { document: { approval: approval.id, person: "lena", args: approval.args } } });
  });

  test("leaves a receipt that names all that runs, and that others verify without this broker", async (context) => {
    const approval = await held({ args: { id: "T-17", status: "closed" } });
    await approve(lena, approval, { stepUp: await sign(lena, approval) });
    const answer: unknown = await (await reader("GET", `/api/v1/approvals/${approval.id}/receipts`)).json();
    const [file] = z.object({ receipts: z.array(receiptFileSchema) }).parse(answer).receipts;
    if (file === undefined) throw new Error("there is no receipt");
    const { receipt, rpId, origin, person } = file;
    expect([person, rpId, origin]).toEqual(["lena", "localhost", PEOPLE_URL]);
    expect(receipt.document).toMatchObject({
      type: "bailiwick.approval.v1",
      verdict: "approve",
      tenant: "acme",
      environment: "prod",
      agent: approval.agent,
      user: "ana",
      task: "T-17",
      operation: approval.operation,
      args: approval.args,
      argsDigest: approval.argsDigest,
      fingerprint: approval.fingerprint,
      policyVersion: policy.version,
      record: { type: "Ticket", id: "T-17", digest: "d" },
    });
    const expected = { rpId, origin, publicKey: receipt.publicKey };
    expect(verifyReceipt(receipt, expected)).toEqual({ ok: true });
    const other = { ...receipt, document: { ...receipt.document, args: { id: "T-17", status: "open" } } };
    expect(verifyReceipt(other, expected).ok).toBe(false);
    const python = needsPython(context, "fido2", "python3-fido2");
    const verdicts = [receipt, other].map((each) =>
      spawnSync(python, [SCRIPT], { input: JSON.stringify({ receipt: each, ...expected }), encoding: "utf8" }).stdout.trim(),
    );
    expect(verdicts).toEqual(["ok", "another document"]);
  });

  test("cannot be sent twice, for the same question or for another", async () => {
    const [one, two] = [await held({ terms: { ...SIGNED, count: 2 } }), await held()];
    const stepUp = await sign(lena, one);
    expect(await approve(lena, one, { stepUp })).toBe(200);
    expect(await approve(lena, one, { stepUp })).toEqual([409, "already_answered"]);
    expect(await approve(lena, two, { stepUp })).toEqual([403, "step_up_mismatch"]);
    // Its own words are in order, the signature was used: a database that forgot the answer does not help.
    const again = await held();
    const used = await sign(lena, again);
    expect(await approve(lena, again, { showing: "stale", stepUp: used })).toEqual([409, "approval_changed"]);
    expect(await approve(lena, again, { stepUp: used })).toBe(200);
    expect(await stateOf(two)).toBe("pending");
  });

  test.each<[string, (document: JsonObject) => JsonObject]>([
    ["other arguments", (document) => ({ ...document, args: { id: "T-17", status: "open" } })],
    ["another question", (document) => ({ ...document, approval: "apr_other" })],
    ["another person", (document) => ({ ...document, person: "leo" })],
    ["another tenant", (document) => ({ ...document, tenant: "globex" })],
    ["another nonce", (document) => ({ ...document, nonce: "A".repeat(43) })],
    ["a nonce that has no canonical form", (document) => ({ ...document, nonce: "\ud800" })],
    ["a later end", (document) => ({ ...document, expiresAt: "2099-01-01T00:00:00.000Z" })],
    ["one member more", (document) => ({ ...document, also: true })],
    ["nothing", () => ({})],
  ])("is refused over a document with %s", async (_, change) => {
    const approval = await held();
    const { document, assertion } = await sign(lena, approval);
    expect(await approve(lena, approval, { stepUp: { document: change(document), assertion } })).toEqual([403, "step_up_mismatch"]);
    expect(await stateOf(approval)).toBe("pending");
  });

  test("is refused when what is sent along is not what was signed: arguments, bounds", async () => {
    const approval = await held();
    const bounds = { uses: 2, until: new Date(Date.now() + 60_000).toISOString(), within: "session", args: {} };
    const plain = await sign(lena, approval);
    expect(await approve(lena, approval, { stepUp: plain, args: { id: "T-17", status: "parked" } })).toEqual([403, "step_up_mismatch"]);
    expect(await approve(lena, approval, { stepUp: plain, bounds })).toEqual([403, "step_up_mismatch"]);
    const several = await sign(lena, approval, { bounds });
    expect(await approve(lena, approval, { stepUp: several, bounds: { ...bounds, uses: 3 } })).toEqual([403, "step_up_mismatch"]);
    expect(await approve(lena, approval, { stepUp: several })).toEqual([403, "step_up_mismatch"]);
    expect(await stateOf(approval)).toBe("pending");
    expect(await approve(lena, approval, { stepUp: several, bounds })).toBe(200);
  });

  test("is refused when another person signed it", async () => {
    const approval = await held();
    expect(await approve(lena, approval, { stepUp: await sign(leo, approval) })).toEqual([403, "step_up_mismatch"]);
    const { document } = await sign(lena, approval);
    const { assertion } = await sign(leo, approval);
    expect(await approve(lena, approval, { stepUp: { document, assertion } })).toEqual([403, expect.any(String)]);
    expect(await stateOf(approval)).toBe("pending");
  });

  test("is refused when the passkey did not see the person, or the page was another's", async () => {
    for (const twist of [{ verified: false }, { origin: "https://evil.example" }]) {
      const approval = await held();
      const { document, options } = toSign.parse(await lena.browser.done(`/approvals/${approval.id}/step-up`, {}));
      const refused = await approve(lena, approval, { stepUp: { document, assertion: lena.passkey.assert(options, twist) } });
      expect(refused, JSON.stringify(twist)).toEqual([403, expect.any(String)]);
      expect(await stateOf(approval)).toBe("pending");
    }
  });

  test("is to what was looked at: after another's answer the signature of before is worth nothing", async () => {
    const approval = await held({ terms: { ...SIGNED, count: 2 } });
    const early = await sign(leo, approval, { args: { id: "T-17", status: "closed" } });
    const args = { id: "T-17", status: "parked" };
    expect(await approve(lena, approval, { args, stepUp: await sign(lena, approval, { args }) })).toBe(200);
    expect(await approve(leo, approval, { stepUp: early })).toEqual([403, "step_up_mismatch"]);
    expect(await approve(leo, approval, { stepUp: await sign(leo, approval) })).toBe(200);
    const found = await house.store.approvals.find("acme", approval.id);
    expect([found?.state, found?.answers.map(({ receipt }) => receipt?.document["args"])]).toEqual(["approved", [args, args]]);
  });

  test("cannot be asked for by who has no passkey, may not answer, or is of another tenant", async () => {
    const approval = await held();
    const code = async (person: string): Promise<unknown> => {
      const ask = await house.as(person);
      const answer = await ask("POST", `/api/v1/approvals/${approval.id}/step-up`, {});
      return z.looseObject({ code: z.string() }).parse(await answer.json()).code;
    };
    expect(await Promise.all(["sam", "ana", "olaf", "rudi", "greta"].map(code))).toEqual([
      "role_required",
      "separation_of_duties",
      "role_required",
      "role_required",
      "not_found",
    ]);
    // A lead like the others, who never registered one.
    const asked = await held({ user: "nobody" });
    const answer = await (await house.as("ana"))("POST", `/api/v1/approvals/${asked.id}/step-up`, {});
    expect(await answer.json()).toMatchObject({ code: "passkey_required" });
  });
});

test("a yes that no rule wants signed may be signed all the same", async () => {
  const approval = await held({ terms: PLAIN_TERMS });
  expect(await approve(petra, approval, { stepUp: await sign(petra, approval) })).toBe(200);
  expect((await house.store.approvals.find("acme", approval.id))?.answers[0]?.receipt).toBeDefined();
});
