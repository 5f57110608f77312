import { afterAll, beforeAll, expect, test } from "vitest";
import { agentFile, CLEANING, closeBrokers, codeOf, db, ELIGIBLE, give, type House, house, line, openBrokers } from "./elevation-house.ts";
import { elevationOf } from "../store/elevation-sample.ts";
import { answerOf } from "../store/approval-sample.ts";
import { testPolicy } from "./support.ts";

beforeAll(openBrokers);
afterAll(closeBrokers);

/** Changing asks a person, unless the agent was given the right to clean up for a time. */
const asking = testPolicy({
  "agents/support.yaml": agentFile(ELIGIBLE),
  "roles/cleaning.yaml": CLEANING,
  "roles/reader.yaml": `role: reader
reason: reads tickets
allow:
  - do: tickets:read
  - do: tickets:update
    approve: { by: [support-lead], expires: 30m, bounded: { uses: 20, for: 8h } }
`,
});

async function heldUpdate(here: House): Promise<string> {
  const answer = await here.call("update_ticket", { id: "T-2", status: "closed" });
  if (answer.kind !== "pending") throw new Error(`expected a question, got ${JSON.stringify(answer)}`);
  return answer.approval.id;
}

async function elevated({ session }: House): Promise<void> {
  const elevation = elevationOf({ agent: session.agent, role: "cleaning", task: session.task, askedBy: { person: "lena" } });
  await db.store.elevations.ask(elevation);
  await give(elevation);
}

const updates = ({ tool }: House): number => tool.effects.filter(({ name }) => name === "update_ticket").length;

test.each(["pending", "approved"] as const)(
  "the ticket of a question that is %s runs its call once, also when policy has come to allow it meanwhile",
  async (state) => {
    const here = await house(db.store, asking);
    const ticket = await heldUpdate(here);
    if (state === "approved") await db.store.approvals.answer("acme", ticket, { answer: answerOf("approve"), seen: 0, state });
    await elevated(here);
    expect(codeOf(await here.surface.resume(ticket, line(here.session)))).toBe("result");
    const again = await here.surface.resume(ticket, line(here.session));
    expect(again.kind).toBe("refused");
    expect(updates(here)).toBe(1);
    expect((await db.store.approvals.find("acme", ticket))?.state).not.toBe("approved");
  },
);

test("so does that of a question which a yes to several calls came to cover, and the question is asked of nobody any more", async () => {
  const here = await house(db.store, asking);
  const ticket = await heldUpdate(here);
  const other = await here.call("update_ticket", { id: "T-2", status: "spam" });
  if (other.kind !== "pending") throw new Error(`expected a question, got ${other.kind}`);
  const bounds = { uses: 5, until: new Date(Date.now() + 3_600_000), within: "task", args: { status: { any: true } } } as const;
  await db.store.approvals.answer("acme", other.approval.id, { answer: answerOf("approve", { bounds }), seen: 0, state: "approved" });
  expect(codeOf(await here.surface.resume(ticket, line(here.session)))).toBe("result");
  expect((await here.surface.resume(ticket, line(here.session))).kind).toBe("refused");
  expect(updates(here)).toBe(1);
  expect((await db.store.approvals.find("acme", ticket))?.state).toBe("cancelled");
});
