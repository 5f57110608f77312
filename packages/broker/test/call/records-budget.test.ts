import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fingerprint } from "../../src/domain/fingerprint.ts";
import type { Session } from "../../src/domain/session.ts";
import { bearer } from "../plain-session.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { OFFERED, testPolicy, world, type World } from "./support.ts";
import { saidBy } from "../support/said.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

const refused = (code: string) => ({ kind: "refused", code });

describe("a session's budget of records", () => {
  const two = async (more: Partial<Session>): Promise<{ each: World; presented: ReturnType<typeof bearer> }> => {
    const each = await world(
      db.store,
      undefined,
      testPolicy({ "roles/support.yaml": "role: support\nreason: reads\nallow:\n  - do: tickets:read\n  - do: health:ping\n" }),
    );
    const made: Session = { ...each.session, id: `${each.session.id}_records`, ...more };
    await db.store.sessions.create(made);
    return { each, presented: bearer(made.id) };
  };

  test("is drawn from by what a list returns, not by the call alone", async () => {
    const { each, presented } = await two({ limits: { records: 4 } });
    expect((await each.call("list_tickets", {}, { presented })).kind).toBe("result");
    expect((await each.call("list_tickets", {}, { presented })).kind).toBe("result");
    expect(await each.call("list_tickets", {}, { presented })).toMatchObject(refused("budget_spent"));
  });

  test("shows nothing of a list that does not fit what is left, and the record says so", async () => {
    const { each, presented } = await two({ limits: { records: 1 } });
    const answer = await each.call("list_tickets", {}, { presented });
    expect(answer).toMatchObject({ kind: "unknown", message: expect.stringContaining("budget") });
    expect(JSON.stringify(answer)).not.toContain("T-1");
    const [outcome] = await db.store.log.query("acme", { callId: answer.callId ?? "", kind: "outcome", limit: 1 });
    expect(saidBy(outcome)).toMatchObject({ status: "withheld", code: "budget_spent" });
    expect(await db.store.log.inFlight("acme")).not.toContainEqual(expect.objectContaining({ callId: answer.callId }));
  });
});

test("a limit of records holds for a list of which nothing else has to be filtered", async () => {
  const list = OFFERED.find((each) => each["name"] === "list_tickets") ?? {};
  const policy = testPolicy({
    "tools/plain.yaml": `tool: plain
connect: { mcp: { command: [unused] } }
types: { Row: { id: string } }
actions:
  list_tickets: { is: "plain:list", effect: read, args: {}, returns: { type: Row, at: result.tickets }, reviewed: "${fingerprint(list)}" }
`,
    "roles/support.yaml": "role: support\nreason: reads a little\nallow:\n  - do: plain:list\n    limits: { records: 1 }\n",
    "agents/support.yaml":
      'agent: support\nworkflow: helpdesk\nowner: dana\ntenants: [acme]\nenvironments: [prod]\nroles: [support]\nceiling: { allow: ["plain:*"] }\n',
  });
  const each = await world(db.store, undefined, policy);
  const made: Session = { ...each.session, id: `${each.session.id}_plain`, scope: ["plain:*"] };
  await db.store.sessions.create(made);
  const answer = await each.call("plain_list_tickets", {}, { presented: bearer(made.id) });
  expect(answer).toMatchObject({ kind: "result", rowsRemoved: 2 });
  expect(JSON.stringify(answer)).not.toContain("T-2");
});
