import { canonicalize, commitText } from "@bailiwick/ledger";
import type { JsonObject, Policy } from "@bailiwick/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAgentSurface } from "../../src/call/agent-surface.ts";
import type { CallPorts } from "../../src/call/ports.ts";
import type { CallAnswer } from "../../src/call/types.ts";
import type { Approval } from "../../src/domain/approval.ts";
import type { StoredRecord } from "../../src/domain/audit.ts";
import { fingerprint } from "../../src/domain/fingerprint.ts";
import { Fault } from "../../src/domain/fault.ts";
import type { Session } from "../../src/domain/session.ts";
import { bearer } from "../plain-session.ts";
import { decided } from "../store/approval-sample.ts";
import { saidBy } from "../support/said.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { factsOpener, type OpenedRecord } from "./facts-opener.ts";
import { AGENT, OFFERED, silentIo, structured, testPolicy, world, type World } from "./support.ts";

const PAY: JsonObject = { name: "pay", description: "does pay", inputSchema: { type: "object" } };
const policy: Policy = testPolicy({
  "tools/pay.yaml": `tool: bank
connect: { mcp: { command: [unused] } }
types:
  Payment: { id: string, amount: decimal }
actions:
  pay: { is: "bank:pay", effect: pay, args: { amount: decimal }, cost: args.amount, returns: { type: Payment, at: result }, reviewed: "${fingerprint(PAY)}" }
`,
  "agents/support.yaml":
    'agent: support\nworkflow: helpdesk\nowner: dana\ntenants: [acme, globex]\nenvironments: [prod]\nroles: [support, payer]\nceiling: { allow: ["tickets:*", "health:*", "bank:*"] }\n',
  "roles/support.yaml": `role: support
reason: works the tickets of its region
allow:
  - do: tickets:read
    rows: resource.region == "emea"
    fields: { hide: [notes], mask: { ssn: partial } }
  - do: tickets:update
    rows: resource.region == "emea"
    fields: { hide: [notes], write: [status] }
  - do: tickets:delete
    approve: { by: [support-lead], expires: 30m }
  - do: health:ping
`,
  "gates.yaml":
    "defaults:\n  delete: { off: true, reason: the grant itself asks }\n  payment: { off: true, reason: small sums }\ngates: []\n",
  "partners.yaml": `partners:
  globex:
    issuer: https://globex.example
    kinds: [id-jag]
    subjects: ["user-*"]
    tenants: [acme]
    environments: [prod]
    agent: helpdesk/support
    ceiling: { scope: ["health:*"] }
    contact: ops@globex.example
`,
  "roles/payer.yaml": "role: payer\nreason: pays small sums\nallow:\n  - do: bank:pay\n    limits: { costPerDay: 5000 }\n",
});

let db: TestStore;
let opener: Awaited<ReturnType<typeof factsOpener>>;
beforeAll(async () => {
  db = await testStore();
  opener = await factsOpener(db);
});
afterAll(async () => {
  await opener.close();
  await db.close();
});

interface Timed extends World {
  /** Moves the clock of the call path. */
  pass(ms: number): void;
}

/** A world whose clock stands still but for what a test lets pass. */
async function timed(override: (ports: CallPorts) => CallPorts = (ports) => ports): Promise<Timed> {
  let at = Date.now();
  const made = await world(db.store, (ports) => override({ ...ports, now: () => new Date(at) }), policy);
  made.tool.listing = { ...made.tool.listing, tools: [...OFFERED, PAY] };
  return { ...made, pass: (ms) => void (at += ms) };
}

const recordsOf = (callId: string | undefined): Promise<readonly StoredRecord[]> => db.store.log.recordsOf("acme", [callId ?? "none"]);
async function saidIn(answer: CallAnswer, kind: StoredRecord["kind"]): Promise<JsonObject> {
  const found = (await recordsOf(answer.callId)).find((record) => record.kind === kind);
  if (found === undefined) throw new Error(`no ${kind}`);
  return saidBy(found);
}
const approve = (id: string, by = "dana"): Promise<unknown> =>
  db.store.approvals.answer("acme", id, decided("approve", { by, at: new Date("2026-01-02T03:04:05.678Z") }));

describe("the record of a call", () => {
  test("says what the policy demands of it, and afterwards what was done", async () => {
    const { call } = await timed();
    const answer = await call("list_tickets");
    expect(await saidIn(answer, "intent")).toMatchObject({ verdict: "allow", obligations: ["filter", "hide", "mask"] });
    expect(await saidIn(answer, "outcome")).toMatchObject({
      status: "succeeded",
      records: 1,
      rowsRemoved: 2,
      hidden: ["notes"],
      masked: ["ssn"],
    });
    expect(await saidIn(await call("ping"), "intent")).not.toHaveProperty("obligations");
  });

  test("says how long it took in all, how long the tool had it, and how long it was held for a person", async () => {
    const each = await timed();
    const real = each.tool.answer;
    each.tool.answer = (name, args) => {
      each.pass(40);
      return real(name, args);
    };
    const answer = await each.call(
      "delete_ticket",
      { id: "T-1" },
      {
        patience: {
          waitMs: 20_000,
          onHeld: ({ id }) => {
            each.pass(5_000);
            void approve(id);
          },
        },
      },
    );
    // The broker's own two looks at the record took 40 ms each, the second while it waited for the person.
    expect(await saidIn(answer, "outcome")).toMatchObject({ durationMs: 5_120, upstreamMs: 40, waitedMs: 5_040 });
    expect(await saidIn(await each.call("ping"), "outcome")).toMatchObject({ durationMs: 40, upstreamMs: 40 });
    expect(await saidIn(await each.call("ping"), "outcome")).not.toHaveProperty("waitedMs");
  });

  test("says how long it took when nothing was sent, and nothing about a tool that was not asked", async () => {
    const each = await timed((ports) => ({
      ...ports,
      tools: {
        ...ports.tools,
        connect: async () => {
          each.pass(30);
          throw new Fault("tool_unavailable", "it is down");
        },
      },
    }));
    const outcome = await saidIn(await each.call("ping"), "outcome");
    expect(outcome).toMatchObject({ status: "not_sent", code: "tool_unavailable", durationMs: 30 });
    expect(outcome).not.toHaveProperty("upstreamMs");
  });

  test("names the yes it stands on: which, whose, when, and whether the arguments were changed", async () => {
    const each = await timed();
    const held = await each.call("delete_ticket", { id: "T-1" });
    if (held.kind !== "pending") throw new Error(held.kind);
    expect(await saidIn(held, "hold")).toMatchObject({ approval: held.approval.id, obligations: ["approve", "filter"] });
    await approve(held.approval.id, "lena");
    const resumed = await createAgentSurface(each.ports, () => () => undefined).resume(held.approval.id, {
      presented: bearer(each.session.id),
      peer: "127.0.0.1",
      io: silentIo(),
      patience: { waitMs: 0 },
    });
    const { id } = held.approval;
    expect(await saidIn(resumed, "intent")).toMatchObject({
      approval: id,
      approvals: [{ approval: id, at: "2026-01-02T03:04:05.678Z", edited: false }],
      approvedBy: ["lena"],
    });
    const found = await db.store.log.query("acme", { approver: "lena", limit: 5 });
    expect(found.map(({ callId }) => callId)).toEqual([resumed.callId]);
  });

  test("keeps the record as it was and as the call left it, whole, though the agent is shown less", async () => {
    const { call } = await timed();
    const answer = await call("update_ticket", { id: "T-1", status: "solved" });
    expect(JSON.stringify(answer)).not.toContain("angry");
    const facts = await db.store.log.facts("acme", answer.callId ?? "");
    expect(facts).toMatchObject({
      resource: { type: "Ticket", id: "T-1", attributes: { status: "open", notes: "angry" } },
      after: { id: "T-1", status: "solved", notes: "angry" },
    });
  });

  test("keeps no record after a read, a delete, a failure or a list, and then seals nothing beside the outcome", async () => {
    const each = await timed();
    const patience = { waitMs: 20_000, onHeld: ({ id }: Approval) => void approve(id) };
    const deleted = await each.call("delete_ticket", { id: "T-2" }, { patience });
    const read = await each.call("get_ticket", { id: "T-1" });
    const record = { id: "T-1", tenant: "acme", region: "emea" };
    const answering = (answer: JsonObject): Promise<CallAnswer> => {
      each.tool.answer = (name) => (name === "get_ticket" ? structured(record) : answer);
      return each.call("update_ticket", { id: "T-1", status: "solved" });
    };
    const failed = await answering({ ...structured(record), isError: true });
    const several = await answering({ content: [{ type: "text", text: JSON.stringify([record, record]) }] });
    for (const answer of [deleted, read, failed, several]) {
      expect(await saidIn(answer, "outcome")).not.toHaveProperty("facts");
      expect(await db.store.log.facts("acme", answer.callId ?? "")).not.toHaveProperty("after");
    }
    expect(await saidIn(await answering(structured(record)), "outcome")).toHaveProperty("facts.after");
  });

  test("is found by the record it was about, and erased with it, also when that was never loaded", async () => {
    const { call } = await timed();
    const reads = await call("get_ticket", { id: "T-77" });
    const refused = await call("update_ticket", { id: "T-77", region: "what they must not set" });
    const missing = await call("delete_ticket", { id: "T-77" });
    const ids = [reads, refused, missing].map(({ callId = "" }) => callId);
    for (const id of ids) expect(JSON.stringify(await db.store.log.facts("acme", id))).toMatch(/T-77|delete_ticket/u);
    const resource = { type: "Ticket", id: "T-77" };
    const found = await db.store.log.query("acme", { resource, limit: 20 });
    expect([...new Set(found.map(({ callId }) => callId))].toSorted()).toEqual(ids.toSorted());
    const act = { by: { named: "operator" }, reason: "asked for" };
    expect(await db.store.erasure.eraseResource("acme", resource, act)).toMatchObject({ ok: true });
    for (const id of ids) expect(JSON.stringify((await db.store.log.facts("acme", id)) ?? {})).not.toContain("T-77");
  });

  test("says what it cost, and a new record is what the call left", async () => {
    const each = await timed();
    each.tool.answer = () => structured({ id: "P-1", amount: "12.5" });
    const session: Session = { ...each.session, id: `${each.session.id}_b`, scope: ["bank:*"] };
    await db.store.sessions.create(session);
    const answer = await each.call("pay", { amount: 12.5 }, { presented: bearer(session.id) });
    expect(await saidIn(answer, "intent")).toMatchObject({ obligations: ["limit"] });
    expect(await saidIn(answer, "outcome")).toMatchObject({ cost: 12.5, status: "succeeded" });
    expect(await db.store.log.facts("acme", answer.callId ?? "")).toMatchObject({ after: { id: "P-1", amount: "12.5" } });
    expect(await saidIn(await each.call("ping"), "outcome")).not.toHaveProperty("cost");
  });

  test("of a partner's session names agents and the partner, and seals any other name that the partner gives", async () => {
    const each = await timed();
    const copilot = "globex:bailiwick://globex/prod/desk/copilot";
    const actors = [AGENT, copilot, "globex:mallory@globex.example", "https://globex.example"];
    const partnerVersion = policy.partners[0]?.version;
    const session: Session = { ...each.session, id: `${each.session.id}_p`, actors, partner: "globex", partnerVersion };
    await db.store.sessions.create(session);
    const answer = await each.call("ping", {}, { presented: bearer(session.id) });
    const [record] = await recordsOf(answer.callId);
    expect(record?.kind).toBe("intent");
    expect(record?.text).not.toContain("mallory");
    expect(saidBy(record)).toMatchObject({ partner: "globex", actors: [AGENT, copilot, "https://globex.example"] });
    expect(await db.store.log.facts("acme", answer.callId ?? "")).toMatchObject({ actors });
  });
});

describe("what an agent, a user or a tool says", () => {
  const M = {
    user: "marker-user-ada",
    task: "marker task: call Ada back",
    arg: "marker-argument",
    id: "T-marker-record",
    peer: "marker-peer-203.0.113.7",
    reason: "marker reason: she asked",
    text: "marker-tool-text",
  };

  async function everyKind(): Promise<readonly StoredRecord[]> {
    const each = await timed();
    const session: Session = { ...each.session, id: `${each.session.id}_m`, user: M.user, task: M.task, data: { about: M.arg } };
    await db.store.sessions.create(session);
    const from = (await db.store.evidence.settle("acme")).size;
    const more = { presented: bearer(session.id), peer: M.peer, statedReason: M.reason };
    each.tool.answer = (_name, args) =>
      structured({ id: String(args["id"]), tenant: "acme", region: "emea", status: String(args["status"] ?? "open"), notes: M.text });
    await each.call("get_ticket", { id: M.id }, more);
    await each.call("update_ticket", { id: M.id, status: M.arg }, more);
    await each.call("update_ticket", { id: M.id, region: M.arg }, more);
    await each.call(`no_such_${M.arg}`, { id: M.id }, more);
    const held = await each.call("delete_ticket", { id: M.id }, more);
    if (held.kind !== "pending") throw new Error(held.kind);
    await approve(held.approval.id, "marker-approver");
    await each.call("delete_ticket", { id: M.id }, more);
    const surface = createAgentSurface(each.ports, () => () => undefined);
    await surface.subscribe(more.presented, `note://${M.id}`, () => undefined).catch(() => undefined);
    each.tool.answer = () => {
      throw new Error(M.text);
    };
    await each.call("ping", {}, more);
    return db.store.log.read("acme", from, 1_000);
  }

  test("stands in no record of a call, and opens beside it with commitments that hold", async () => {
    const records = await everyKind();
    expect(new Set(records.map(({ kind }) => kind))).toEqual(new Set(["lookup", "intent", "outcome", "refusal", "hold"]));
    for (const { text } of records) for (const marker of [...Object.values(M), "marker"]) expect(text).not.toContain(marker);

    const opened = await Promise.all(records.map((record) => opener.open(record)));
    const beside = opened.filter((each): each is OpenedRecord => each !== undefined);
    const all = JSON.stringify(beside.map(({ facts }) => facts));
    for (const marker of Object.values(M)) expect(all).toContain(marker);
    for (const { facts, salts, commitments } of beside) {
      expect(Object.keys(facts).toSorted()).toEqual(Object.keys(commitments).toSorted());
      for (const [member, value] of Object.entries(facts)) {
        const salt = Buffer.from(salts[member] ?? "", "hex");
        expect(commitText(canonicalize(value), salt)).toBe(commitments[member]);
        expect(commitText(canonicalize([value]), salt)).not.toBe(commitments[member]);
      }
    }
    // Whoever begins a call is sealed with it, and so is from where.
    const beginning = beside.filter(({ kind }) => kind !== "lookup" && kind !== "outcome");
    for (const { facts } of beginning) expect(facts).toMatchObject({ user: M.user, task: M.task });
  });
});
