import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { argumentsDigest } from "../../src/call/identify.ts";
import type { CallAnswer } from "../../src/call/types.ts";
import type { Approval } from "../../src/domain/approval.ts";
import type { Session } from "../../src/domain/session.ts";
import { bearer } from "../plain-session.ts";
import { decided } from "../store/approval-sample.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { testPolicy, world, type World } from "./support.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

const TRIAGE = "bailiwick://acme/prod/helpdesk/triage";

/** Two agents that may delete with an approval; who answers for `triage` is said by `approvers`. */
const twoAgents = (approvers: string) =>
  testPolicy({
    "roles/triage.yaml": `role: triage
reason: sorts what comes in
allow:
  - do: tickets:read
  - do: tickets:delete
    approve: { by: [${approvers}], expires: 30m }
`,
    "agents/triage.yaml": `agent: triage
workflow: helpdesk
owner: dana
tenants: [acme]
environments: [prod]
roles: [triage]
ceiling: { allow: ["tickets:*"] }
`,
    "bailiwick.yaml": `version: 1
tenants: [acme, globex]
environments: { prod: {} }
people:
  dana: { name: Dana, email: dana@acme.example, tenants: [acme], roles: [support-lead] }
  sam: { name: Sam, email: sam@acme.example, tenants: [acme], roles: [security] }
`,
  });

/** The agent may be given to clients by support leads. */
const openedToClients = () =>
  testPolicy({
    "agents/support.yaml": `agent: support
workflow: helpdesk
owner: dana
tenants: [acme, globex]
environments: [prod]
roles: [support]
ceiling: { allow: ["tickets:*"] }
clients: { people: [support-lead] }
`,
  });

const held = (answer: CallAnswer): Approval => {
  if (answer.kind !== "pending") throw new Error(`expected a held call, got ${JSON.stringify(answer)}`);
  return answer.approval;
};
const approve = (approval: Approval, args?: Approval["args"]) =>
  db.store.approvals.answer(
    "acme",
    approval.id,
    decided("approve", args === undefined ? {} : { args, argsDigest: argumentsDigest(approval.operation, args) }),
  );
const deletions = (each: World) => each.tool.effects.filter((effect) => effect.name === "delete_ticket").length;

/** A session of the world's agent for the same user and task, delegated to it by `triage`. */
async function lentByTriage({ session }: World): Promise<Session> {
  const root: Session = { ...session, id: `${session.id}_triage`, agent: TRIAGE, scope: ["tickets:*"] };
  const lent: Session = {
    ...root,
    id: `${session.id}_lent`,
    agent: session.agent,
    lineage: [root.id],
    actors: [TRIAGE],
    grant: "token_exchange",
  };
  await db.store.sessions.create(root);
  await db.store.sessions.create(lent);
  return lent;
}

describe("an approval asked for in an agent's own session", () => {
  test("does not pay for a call in a delegated one that another role must answer for", async () => {
    const each = await world(db.store, undefined, twoAgents("security"));
    const lent = await lentByTriage(each);
    const own = held(await each.call("delete_ticket", { id: "T-1" }));
    await approve(own);
    const asked = held(await each.call("delete_ticket", { id: "T-1" }, { presented: bearer(lent.id) }));
    expect(asked.approvers).toEqual(["security"]);
    expect(deletions(each)).toBe(0);
  });

  test("does not pay for the same call on behalf of another agent, whom its approver was not shown", async () => {
    const each = await world(db.store, undefined, twoAgents("support-lead"));
    const lent = await lentByTriage(each);
    const own = held(await each.call("delete_ticket", { id: "T-1" }));
    await approve(own);
    expect(held(await each.call("delete_ticket", { id: "T-1" }, { presented: bearer(lent.id) })).id).not.toBe(own.id);
    expect(deletions(each)).toBe(0);
  });

  test("does not pay for the same call by another client that acts as the agent", async () => {
    const each = await world(db.store, undefined, openedToClients());
    const [mine, theirs] = ["https://one.example/client", "https://two.example/client"].map((client, at): Session => ({
      ...each.session,
      id: `${each.session.id}_client_${at}`,
      user: "dana",
      grant: "authorization_code",
      client,
    }));
    if (mine === undefined || theirs === undefined) throw new Error("there are two clients");
    for (const session of [mine, theirs]) await db.store.sessions.create(session);
    const asked = held(await each.call("delete_ticket", { id: "T-1" }, { presented: bearer(mine.id) }));
    await approve(asked);
    expect(held(await each.call("delete_ticket", { id: "T-1" }, { presented: bearer(theirs.id) })).id).not.toBe(asked.id);
    expect(deletions(each)).toBe(0);
  });

  test("pays for the call in the session that renews it", async () => {
    const each = await world(db.store);
    const renewed: Session = { ...each.session, id: `${each.session.id}_renewed` };
    await db.store.sessions.create(renewed);
    await approve(held(await each.call("delete_ticket", { id: "T-1" })));
    expect((await each.call("delete_ticket", { id: "T-1" }, { presented: bearer(renewed.id) })).kind).toBe("result");
  });
});

describe("an approver who edits the arguments", () => {
  test("cannot approve what another role must answer for", async () => {
    const each = await world(
      db.store,
      undefined,
      testPolicy({
        "bailiwick.yaml": `version: 1
tenants: [acme, globex]
environments: { prod: {} }
people:
  dana: { name: Dana, email: dana@acme.example, tenants: [acme], roles: [support-lead] }
  sam: { name: Sam, email: sam@acme.example, tenants: [acme], roles: [security] }
`,
        "roles/support.yaml": `role: support
reason: asks for each update, and somebody else for a reopening
allow:
  - do: tickets:read
  - do: tickets:update
    when: context.args has status && context.args.status == "closed"
    approve: { by: [support-lead], expires: 30m }
  - do: tickets:update
    when: context.args has status && context.args.status == "reopened"
    approve: { by: [security], expires: 30m }
`,
      }),
    );
    const asked = held(await each.call("update_ticket", { id: "T-1", status: "closed" }));
    expect(asked.approvers).toEqual(["support-lead"]);
    await approve(asked, { id: "T-1", status: "reopened" });
    expect(await each.call("update_ticket", { id: "T-1", status: "closed" })).toMatchObject({ kind: "refused", code: "approval_stale" });
    expect(each.tool.effects.some((effect) => effect.name === "update_ticket")).toBe(false);
  });
});
