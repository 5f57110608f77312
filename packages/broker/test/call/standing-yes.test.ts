import type { JsonObject, Policy } from "@bailiwick/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { handleCall } from "../../src/call/handle-call.ts";
import type { CallAnswer } from "../../src/call/types.ts";
import type { Approval, ApprovalBounds } from "../../src/domain/approval.ts";
import { fingerprint } from "../../src/domain/fingerprint.ts";
import type { Session } from "../../src/domain/session.ts";
import { bearer } from "../plain-session.ts";
import { decided } from "../store/approval-sample.ts";
import { saidBy } from "../support/said.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { incoming, OFFERED, structured, testPolicy, world, type World } from "./support.ts";

const PAY: JsonObject = { name: "pay", description: "does pay", inputSchema: { type: "object" } };
/** A payment asks; one above 1000 asks somebody else as well, and each time. */
const policy = (reason = "pays with a yes"): Policy =>
  testPolicy({
    "bailiwick.yaml": `version: 1
tenants: [acme, globex]
environments: { prod: {} }
people:
  dana: { name: Dana, email: dana@acme.example, tenants: [acme], roles: [support-lead] }
  fiona: { name: Fiona, email: fiona@acme.example, tenants: [acme], roles: [finance] }
`,
    "tools/bank.yaml": `tool: bank
connect: { mcp: { command: [unused] } }
types:
  Payment: { id: string }
actions:
  pay:
    is: bank:pay
    effect: pay
    args: { amount: decimal, to: string, "memo?": string }
    cost: args.amount
    force: { tenant: principal.tenant }
    destination: [args.to]
    returns: { type: Payment, at: result }
    reviewed: "${fingerprint(PAY)}"
`,
    "agents/support.yaml":
      'agent: support\nworkflow: helpdesk\nowner: dana\ntenants: [acme, globex]\nenvironments: [prod]\nroles: [payer]\nceiling: { allow: ["bank:*"] }\n',
    "roles/payer.yaml": `role: payer
reason: ${reason}
allow:
  - do: bank:pay
    approve: { by: [support-lead], bounded: { uses: 10, for: 1h }, expires: 30m }
`,
    "roles/support.yaml": "role: support\nreason: unused\nallow:\n  - do: health:ping\n",
    "gates.yaml": `defaults:
  delete: { off: true, reason: none here }
  payment: { off: true, reason: the grant itself asks }
gates:
  - gate: large-sums
    reason: large sums
    on: { do: [bank:pay] }
    when: context.cost.greaterThan(decimal("1000.0"))
    require: { approve: { by: [support-lead], also: [{ by: [finance], count: 1 }], bounded: false } }
`,
  });

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

async function bank(of: Policy | (() => Policy) = policy()): Promise<World> {
  const made = await world(db.store, (ports) => ({ ...ports, policy: typeof of === "function" ? of : () => of }));
  const session: Session = { ...made.session, id: `${made.session.id}_bank`, scope: ["bank:*"] };
  await db.store.sessions.create(session);
  made.tool.listing = { ...made.tool.listing, tools: [...OFFERED, PAY] };
  made.tool.answer = () => structured({ id: "p-1" });
  return { ...made, session, call: (name, args, more) => made.call(name, args, { presented: bearer(session.id), ...more }) };
}

const held = (answer: CallAnswer): Approval => {
  if (answer.kind !== "pending") throw new Error(`expected a held call, got ${JSON.stringify(answer)}`);
  return answer.approval;
};
const pay = ({ call }: World, amount: number, more: JsonObject = {}) => call("pay", { amount, to: "acct-1", ...more });
const payments = ({ tool }: World) => tool.effects.filter(({ name }) => name === "pay");

/** Asks for one payment and has it approved for several, and made. */
async function standing(each: World, more: Partial<ApprovalBounds> = {}): Promise<Approval> {
  const approval = held(await pay(each, 50));
  const bounds: ApprovalBounds = {
    uses: 4,
    until: new Date(Date.now() + 3_600_000),
    within: "session",
    args: { amount: { max: 100 } },
    ...more,
  };
  await db.store.approvals.answer("acme", approval.id, decided("approve", { bounds }));
  expect((await pay(each, 50)).kind).toBe("result");
  return approval;
}

describe("a yes to several calls", () => {
  test("lets further calls within its bounds go without asking, as many as it says, and the record names it", async () => {
    const each = await bank();
    const approval = await standing(each);
    const answers = [await pay(each, 100), await pay(each, 0), await pay(each, 50)];
    expect(answers.map(({ kind }) => kind)).toEqual(["result", "result", "result"]);
    expect(held(await pay(each, 50)).id).not.toBe(approval.id);
    expect(payments(each)).toHaveLength(4);
    const [intent] = await db.store.log.query("acme", { callId: answers[0]?.callId ?? "", kind: "intent", limit: 1 });
    expect(intent === undefined ? undefined : saidBy(intent)).toMatchObject({
      approval: approval.id,
      bounded: true,
      approvedBy: ["dana"],
    });
  });

  test("runs out exactly, when many calls come at the same moment", async () => {
    const each = await bank();
    await standing(each);
    const answers = await Promise.all(Array.from({ length: 12 }, (_, at) => pay(each, at)));
    // A call that lost the last use is refused or asks: it does not run.
    expect(answers.filter(({ kind }) => kind === "result")).toHaveLength(3);
    expect(payments(each)).toHaveLength(4);
  });

  test.each<[string, JsonObject]>([
    ["a higher amount", { amount: 100.5 }],
    ["another destination", { amount: 50, to: "acct-2" }],
    ["an argument more", { amount: 50, memo: "for Mallory" }],
  ])("does not cover %s", async (_, args) => {
    const each = await bank();
    const approval = await standing(each);
    expect(held(await each.call("pay", { to: "acct-1", ...args })).id).not.toBe(approval.id);
    expect(payments(each)).toHaveLength(1);
  });

  test("does not cover a call that another rule asks about, though its range would", async () => {
    const each = await bank();
    await standing(each, { args: { amount: { max: 5_000 } } });
    const asked = held(await pay(each, 2_000));
    expect(asked.terms.also).toEqual([{ by: ["finance"], count: 1 }]);
    expect(asked.terms.bounded).toBeUndefined();
    expect((await pay(each, 1_000)).kind).toBe("result");
    expect(payments(each)).toHaveLength(2);
  });

  test("for a session covers no other session of the same agent, user and task, and one for a task does", async () => {
    for (const within of ["session", "task"] as const) {
      const each = await bank();
      const approval = await standing(each, { within });
      const renewed: Session = { ...each.session, id: `${each.session.id}_renewed` };
      const elsewhere: Session = { ...each.session, id: `${each.session.id}_elsewhere`, task: `${each.session.task}-2` };
      for (const session of [renewed, elsewhere]) await db.store.sessions.create(session);
      const again = await each.call("pay", { amount: 60, to: "acct-1" }, { presented: bearer(renewed.id) });
      expect(again.kind, within).toBe(within === "task" ? "result" : "pending");
      expect(held(await each.call("pay", { amount: 60, to: "acct-1" }, { presented: bearer(elsewhere.id) })).id).not.toBe(approval.id);
    }
  });

  test("does not cover a delegate's calls or those of another client, who were not shown to whoever said yes", async () => {
    const each = await bank();
    await standing(each, { within: "task" });
    const lent: Session = { ...each.session, id: `${each.session.id}_client`, grant: "authorization_code", client: "https://x.example/c" };
    await db.store.sessions.create(lent);
    const answer = await each.call("pay", { amount: 60, to: "acct-1" }, { presented: bearer(lent.id) });
    expect(answer.kind).not.toBe("result");
    expect(payments(each)).toHaveLength(1);
  });

  test("is worth nothing once it is taken back", async () => {
    const each = await bank();
    const approval = await standing(each);
    expect(await db.store.approvals.revokeBounded("acme", approval.id, new Date())).toBe(true);
    held(await pay(each, 60));
    expect(payments(each)).toHaveLength(1);
  });

  test("that is taken back between the decision and the intent lets nothing run", async () => {
    const each = await bank();
    const approval = await standing(each);
    const { ports } = each;
    const racing: World = {
      ...each,
      call: async (name, args, more) => {
        const approvals = {
          ...ports.approvals,
          bounded: async (key: Parameters<typeof ports.approvals.bounded>[0]) => {
            const found = await ports.approvals.bounded(key);
            await ports.approvals.revokeBounded("acme", approval.id, new Date());
            return found;
          },
        };
        return handleCall({ ...ports, approvals }, { ...incoming(each.session.id, name, args ?? {}), ...more });
      },
    };
    expect(await pay(racing, 60)).toMatchObject({ kind: "refused", code: "approval_used" });
    expect(payments(each)).toHaveLength(1);
  });

  test("is worth nothing under another policy", async () => {
    let now = policy();
    const each = await bank(() => now);
    await standing(each);
    now = policy("pays with a yes, as before");
    held(await pay(each, 60));
    expect(payments(each)).toHaveLength(1);
  });
});

describe("other arguments than asked, approved past the people's interface", () => {
  test("do not run where they need the yes of more people than were asked", async () => {
    const each = await bank();
    const approval = held(await pay(each, 50));
    await db.store.approvals.answer(
      "acme",
      approval.id,
      decided("approve", { args: { amount: 2_000, to: "acct-1" }, argsDigest: "sha256:x" }),
    );
    expect(await pay(each, 50)).toMatchObject({ kind: "refused", code: "approval_stale" });
    expect(payments(each)).toEqual([]);
  });
});

describe("what the broker sets itself", () => {
  test("is not for a person to set: an approved edit that names another tenant runs in the agent's own", async () => {
    const each = await bank();
    const approval = held(await pay(each, 50));
    expect(approval.args["tenant"]).toBe("acme");
    const args = { amount: 40, to: "acct-1", tenant: "globex" };
    await db.store.approvals.answer("acme", approval.id, decided("approve", { args, argsDigest: "sha256:x" }));
    expect((await pay(each, 50)).kind).toBe("result");
    expect(payments(each).map((effect) => effect.args)).toEqual([{ amount: 40, to: "acct-1", tenant: "acme" }]);
  });

  test("stays what it is, whatever bounds a person gives", async () => {
    const each = await bank();
    await standing(each, { args: { amount: { max: 100 }, tenant: { any: true } } });
    await each.call("pay", { amount: 60, to: "acct-1", tenant: "globex" });
    expect(payments(each).map((effect) => effect.args["tenant"])).not.toContain("globex");
  });
});

describe("what people are told of a call before they answer", () => {
  test("is where it goes, what it costs, and that its destination came from nowhere in this run", async () => {
    const each = await bank();
    const asked = held(await pay(each, 50));
    expect(asked.reach).toMatchObject({ records: 1, cost: 50, destinations: [{ argument: "to", value: "acct-1", external: true }] });
    expect(asked.origins).toEqual([
      { argument: "to", from: "agent" },
      { argument: "amount", from: "agent" },
    ]);
    expect((await db.store.approvals.find("acme", asked.id))?.reach).toEqual(asked.reach);
  });

  test("is that an address at a domain of the tenant's own people stays inside", async () => {
    const each = await bank();
    const inside = held(await each.call("pay", { amount: 1, to: "Someone@ACME.example" }));
    const outside = held(await each.call("pay", { amount: 1, to: "someone@acme.example.evil.example" }));
    expect([inside, outside].map(({ reach }) => reach.destinations[0]?.external)).toEqual([false, true]);
  });
});
