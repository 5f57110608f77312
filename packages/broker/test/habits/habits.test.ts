import { afterAll, beforeAll, expect, test } from "vitest";
import type { Approval, ApprovalAnswer } from "../../src/domain/approval.ts";
import { habitsSchema, proposalsSchema } from "../../src/rest-contract/duties.ts";
import { type Ask, heldApproval, openRestHouse, recordCall, type RestHouse } from "../people-support/rest.ts";
import type { JsonObject } from "@bailiwick/policy";
import { loaded, ONE, shopFiles } from "./support.ts";
import { companyFiles } from "../people-support/company.ts";
import type { z } from "zod";

const DAY_MS = 86_400_000;
const UPDATES = {
  kind: "grant",
  id: "support/allow/2",
  at: { file: "roles/support.yaml", line: 5 },
  reason: "support works tickets",
} as const;

let house: RestHouse;
let lena: Ask;
let greta: Ask;
beforeAll(async () => {
  house = await openRestHouse();
  [lena, greta] = await Promise.all([house.as("lena"), house.as("greta")]);
});
afterAll(async () => {
  await house.close();
});

/** Runs in a house where nothing was ever asked. */
async function inNewHouse(work: () => Promise<void>, overrides: Parameters<typeof openRestHouse>[0] = {}): Promise<void> {
  const before = [house, lena] as const;
  house = await openRestHouse(overrides);
  const opened = house;
  try {
    lena = await house.as("lena");
    await work();
  } finally {
    [house, lena] = before;
    await opened.close();
  }
}

type Habit = z.output<typeof habitsSchema>["habits"][number];

async function habits(ask = lena, query = ""): Promise<Habit> {
  const answer = habitsSchema.parse(await (await ask("GET", `/api/v1/approvals/habits${query}`)).json());
  const [only] = answer.habits;
  if (only === undefined) throw new Error("no tenant");
  return only;
}

interface Told {
  readonly daysAgo?: number;
  readonly seconds?: number;
  readonly verdict?: ApprovalAnswer["verdict"] | "none";
  readonly by?: string;
  readonly ask?: Partial<Approval>;
  readonly edited?: JsonObject;
}

/** A question of the past as people left it: its hold in the log, the question, the answer. */
async function past({ daysAgo = 1, seconds = 2, verdict = "approve", by = "lena", ask = {}, edited }: Told = {}): Promise<Approval> {
  const createdAt = new Date(Date.now() - daysAgo * DAY_MS);
  const approval = heldApproval({ rules: [UPDATES], createdAt, expiresAt: new Date(createdAt.getTime() + 1_800_000), ...ask });
  await house.store.approvals.create(approval);
  const { tenant, id, agent, operation, args } = approval;
  await recordCall(
    house,
    approval.callId,
    "hold",
    { agent, approval: id, verdict: "ask", workflow: agent.split("/")[4] ?? "" },
    {
      operation: { ...operation },
      args,
      user: approval.user,
      task: approval.task,
      data: {},
      scope: ["tickets:*", "shop:*"],
      ...(operation.tool === "tickets" ? { resource: record(args) } : {}),
    },
  );
  if (verdict === "none") return approval;
  const at = new Date(createdAt.getTime() + seconds * 1_000);
  const answer: ApprovalAnswer = {
    verdict,
    by,
    at,
    via: "passkey",
    roles: ["support-lead"],
    ...(edited === undefined ? {} : { args: edited, argsDigest: "other" }),
  };
  const outcome = await house.store.approvals.answer(tenant, id, { answer, seen: 0, state: verdict === "approve" ? "approved" : "denied" });
  if (!outcome.ok) throw new Error(outcome.why);
  return approval;
}

function record(args: JsonObject): JsonObject {
  return { type: "Ticket", id: String(args["id"]), attributes: { id: String(args["id"]), status: "open" } };
}

test("figures are by rule, person and agent, in seconds; what is old, of another tenant or a drill does not count", async () => {
  await past({ seconds: 2 });
  await past({ seconds: 4, by: "ana" });
  await past({ seconds: 60, by: "ana", ask: { args: { id: "T-1" } } });
  await past({ verdict: "deny", seconds: 30 });
  await past({ verdict: "none" });
  await past({ daysAgo: 40 });
  await past({ by: "greta", ask: { tenant: "globex" } });
  await past({ ask: { drill: true } });
  const { rules, approvers, agents } = await habits();
  expect(rules).toEqual([
    {
      rule: "support/allow/2",
      approvers: 2,
      asked: 5,
      approved: 3,
      denied: 1,
      expired: 1,
      medianSeconds: 17,
      p90Seconds: 51,
      quick: 2,
      repeated: 3,
    },
  ]);
  expect(approvers).toMatchObject([
    { person: "ana", asked: 2, approved: 2, denied: 0, quick: 1, drills: { denied: 0, approved: 0 } },
    { person: "lena", asked: 2, approved: 1, denied: 1, quick: 1, drills: { denied: 0, approved: 1 } },
  ]);
  expect(agents.map(({ asked, approved }) => [asked, approved])).toEqual([[5, 3]]);
  expect((await habits(greta)).approvers.map(({ person }) => person)).toEqual(["greta"]);
  await past({ daysAgo: 10, by: "ana" });
  expect([(await habits()).rules[0]?.asked, (await habits(lena, "?days=5")).rules[0]?.asked]).toEqual([6, 5]);
});

test("a person who said yes to a drill is named, and drills that nobody answered are counted", async () => {
  await past({ verdict: "none", ask: { drill: true } });
  const { flags, drillsMissed } = await habits();
  expect(drillsMissed).toBe(1);
  expect(flags.map(({ words }) => words)).toEqual(
    expect.arrayContaining(["`lena` said yes to 1 of 1 drill", "nobody answered 1 drill in time in 30 days"]),
  );
});

test.each([
  ["tenant=globex", "wrong_tenant"],
  ["days=0", "malformed_request"],
  ["days=31", "malformed_request"],
  ["days=x", "malformed_request"],
])("`%s` is refused with %s", async (query, code) => {
  for (const path of ["habits", "habits/proposals"])
    expect(await (await lena("GET", `/api/v1/approvals/${path}?${query}`)).json()).toMatchObject({ code });
});

async function proposed(query = ""): Promise<z.output<typeof proposalsSchema>["proposals"]> {
  return proposalsSchema.parse(await (await lena("GET", `/api/v1/approvals/habits/proposals${query}`)).json()).proposals;
}

test("where people always said yes the change is told that spares exactly that, with what it does to past questions", async () => {
  await inNewHouse(async () => {
    for (let index = 0; index < 24; index += 1)
      await past({ by: index % 2 === 0 ? "lena" : "ana", ask: { args: { id: `T-${index}`, status: "closed" } } });
    await past({ verdict: "none", ask: { args: { id: "T-90", status: "open" } } });
    const [only, ...more] = await proposed();
    expect(more).toEqual([]);
    expect(only).toMatchObject({
      kind: "spare",
      rule: "support/allow/2",
      file: "roles/support.yaml",
      line: 5,
      open: ["id"],
      replayed: { spared: 24, still: 1, unknown: 0 },
      failingTests: [],
    });
    expect(only?.condition).toBe(
      'principal.name == "bailiwick://acme/prod/support/support-bot" && context.args has status && context.args.status == "closed"',
    );
    expect(only?.yaml).toContain("unless: |-");
    const { flags } = await habits();
    expect(flags.find(({ kind }) => kind === "always_yes")?.words).toBe("people always say yes: 24 of 24 in 30 days, median 2 s");
    await past({ verdict: "deny", ask: { args: { id: "T-91", status: "closed" } } });
    expect(await proposed()).toEqual([]);
  });
});

test("one person alone must have said yes for four weeks, and a yes to other arguments is no plain yes", async () => {
  await inNewHouse(async () => {
    for (let index = 0; index < 22; index += 1) await past({ ask: { args: { id: `T-${index}`, status: "closed" } } });
    expect(await proposed("")).toEqual([]);
    await past({ daysAgo: 29.5, ask: { args: { id: "T-60", status: "closed" } } });
    expect(await proposed("")).toMatchObject([{ kind: "spare" }]);
    await past({ edited: { id: "T-61", status: "open" }, ask: { args: { id: "T-61", status: "closed" } } });
    expect(await proposed("")).toEqual([]);
  });
});

test("where people often said no a deny of what was denied is told, which refuses nothing they said yes to", async () => {
  await inNewHouse(async () => {
    for (let index = 0; index < 8; index += 1) await past({ verdict: "deny", ask: { args: { id: `T-${index}`, status: "spam" } } });
    for (let index = 0; index < 3; index += 1) await past({ ask: { args: { id: `T-${index}`, status: "closed" } } });
    expect(await proposed()).toMatchObject([
      { kind: "deny", file: "roles/support.yaml", how: "add this under `deny`", replayed: { spared: 8, still: 3, unknown: 0 } },
    ]);
    await past({ ask: { args: { id: "T-70", status: "spam" } } });
    expect(await proposed()).toEqual([]);
  });
});

test.each([
  ["of the action itself", "    resource: { type: Ticket, id: args.id, before: get_ticket }"],
  ["of the record, which another action returns", "    returns: { type: Ticket, at: result }"],
])("no value that is not for everybody by a label %s stands in what is told", async (_, place) => {
  const labelled = companyFiles.map((file) =>
    file.path === "tools/tickets.yaml" ? { ...file, text: file.text.replace(place, `${place}\n    labels: { status: [pii] }`) } : file,
  );
  const policy = loaded(labelled);
  await inNewHouse(
    async () => {
      for (let index = 0; index < 24; index += 1)
        await past({ by: index % 2 === 0 ? "lena" : "ana", ask: { args: { id: "T-1", status: "oncology" } } });
      expect(JSON.stringify(await proposed())).not.toContain("oncology");
    },
    { policy: () => policy, policyFolder: () => ({ files: labelled }) },
  );
});

test("amounts are bounded by the least and the most that was approved", async () => {
  await inNewHouse(
    async () => {
      const rules = [{ kind: "grant", id: "refunds", at: { file: "roles/clerk.yaml", line: 6 }, reason: "" }] as const;
      const operation = { tool: "shop", kind: "tool", name: "refund" } as const;
      for (let index = 0; index < 24; index += 1)
        await past({
          by: index % 2 === 0 ? "lena" : "ana",
          ask: { rules, operation, agent: ONE, args: { order: `O-${index}`, amount: 10 + index } },
        });
      const [only] = await proposed();
      expect(only).toMatchObject({ rule: "refunds", file: "roles/clerk.yaml", line: 6, replayed: { spared: 24 } });
      expect(only?.condition).toContain('context.args.amount.lessThanOrEqual(decimal("33.0"))');
    },
    { policy: () => loaded(shopFiles), policyFolder: () => ({ files: shopFiles }) },
  );
});
