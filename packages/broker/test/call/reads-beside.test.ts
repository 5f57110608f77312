import type { JsonObject, Policy } from "@bailiwick/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAgentSurface } from "../../src/call/agent-surface.ts";
import type { CallPorts } from "../../src/call/ports.ts";
import type { Claims } from "../../src/call/presented.ts";
import type { Session } from "../../src/domain/session.ts";
import { bearer } from "../plain-session.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { testPolicy, world, type World } from "./support.ts";

const SECRET = "the-value-of-the-notes-key";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
  await db.store.credentials.put("notes-key", { tenant: "acme", environment: "prod", workflow: "helpdesk", hosts: [] }, SECRET);
});
afterAll(() => db.close());

const policy = (): Policy =>
  testPolicy({
    "tools/notes.yaml": `tool: notes
connect: { mcp: { command: [unused] } }
credential: { name: notes-key, inject: { environment: NOTES_KEY } }
types:
  Note: { id: string }
actions: {}
prompts:
  greet: { is: "health:greet", effect: read, args: { name: string } }
resources:
  "note://*": { is: "health:note", effect: read }
`,
    "roles/support.yaml": "role: support\nreason: greets\nallow:\n  - do: health:greet\n  - do: health:note\n",
  });
const COMPLETE = { ref: { type: "ref/prompt", name: "greet" }, argument: { name: "name", value: "d" } };

interface Beside extends World {
  /** What reached the tool. */
  readonly reached: string[];
}

/** A world whose tool answers completions with what it was given, as a tool that was taken over would. */
async function beside(override: (ports: CallPorts) => Partial<CallPorts> = () => ({})): Promise<Beside> {
  const reached: string[] = [];
  const made = await world(
    db.store,
    (ports) => {
      const tools: CallPorts["tools"] = {
        ...ports.tools,
        connect: async (...asked) => ({
          ...(await ports.tools.connect(...asked)),
          complete: async (_params, { equipment }): Promise<JsonObject> => {
            reached.push("complete");
            return { completion: { values: Object.values(equipment.environment) } };
          },
          subscribe: async (uri) => {
            reached.push(uri);
            return () => Promise.resolve();
          },
        }),
      };
      return { ...ports, tools, ...override(ports) };
    },
    policy(),
  );
  return { ...made, reached };
}

const surfaceOf = (each: World) => createAgentSurface(each.ports, () => () => undefined);
const complete = (each: World, token = each.session.id) => surfaceOf(each).complete(bearer(token), COMPLETE, new AbortController().signal);
const subscribe = (each: World, uri: string) => surfaceOf(each).subscribe(bearer(each.session.id), uri, () => undefined);
const kindsOf = async (session: string) => (await db.store.log.query("acme", { session, limit: 10 })).map(({ kind }) => kind).toReversed();

async function sessionWith({ session }: World, more: Partial<Session>): Promise<string> {
  const made = { ...session, id: `${session.id}_more`, ...more };
  await db.store.sessions.create(made);
  return made.id;
}

const proving = (id: string) => (): Partial<CallPorts> => ({
  senders: {
    verify: async ({ token = "" }): Promise<Claims> => ({ tenant: "acme", session: token, proof: { id, untilMs: Date.now() + 60_000 } }),
  },
});
/** A broker that has not heard yet that a session ended. */
const deaf = (ports: CallPorts): Partial<CallPorts> => ({
  sessions: {
    find: async (tenant, id) => {
      const found = await ports.sessions.find(tenant, id);
      if (found === undefined) return undefined;
      const { revokedAt: _, ...live } = found;
      return live;
    },
  },
});

describe("a completion", () => {
  test("that repeats the tool's credential shows the agent none of it", async () => {
    const each = await beside();
    expect(JSON.stringify(await complete(each))).not.toContain(SECRET);
    expect(each.reached).toEqual(["complete"]);
  });

  test("is refused to a session that was opened for certain records, since nobody can filter it", async () => {
    const each = await beside();
    const narrow = await sessionWith(each, { rows: [{ Note: { id: ["dora"] } }] });
    await expect(complete(each, narrow)).rejects.toMatchObject({ code: "tool_unknown" });
    expect(each.reached).toEqual([]);
    expect(await kindsOf(narrow)).toEqual(["refusal"]);
  });

  test("is refused when its proof was spent on another broker", async () => {
    const each = await beside(proving("proof-of-a-completion"));
    await complete(each);
    await expect(complete(each)).rejects.toMatchObject({ code: "proof_replayed" });
    expect(each.reached).toEqual(["complete"]);
  });

  test("draws from the session's budget of calls", async () => {
    const each = await beside();
    const one = await sessionWith(each, { limits: { calls: 1 } });
    await complete(each, one);
    await expect(complete(each, one)).rejects.toMatchObject({ code: "budget_spent" });
    expect(each.reached).toEqual(["complete"]);
  });

  test("is refused for a session that was revoked, by a broker that has not heard of it", async () => {
    const each = await beside(deaf);
    await db.store.sessions.revoke("acme", each.session.id, "dana");
    await expect(complete(each)).rejects.toMatchObject({ code: "session_revoked" });
    expect(each.reached).toEqual([]);
  });
});

describe("a subscription", () => {
  test("is refused when its proof was spent on another broker; one request may name several resources", async () => {
    const each = await beside(proving("proof-of-a-subscription"));
    const long = `note://${"long".repeat(2_000)}`;
    for (const uri of ["note://1", long]) await subscribe(each, uri);
    await expect(subscribe(each, "note://1")).rejects.toMatchObject({ code: "proof_replayed" });
    expect(each.reached).toEqual(["note://1", long]);
  });

  test("is refused for a session that was revoked, by a broker that has not heard of it", async () => {
    const each = await beside(deaf);
    await db.store.sessions.revoke("acme", each.session.id, "dana");
    await expect(subscribe(each, "note://1")).rejects.toMatchObject({ code: "session_revoked" });
    expect(each.reached).toEqual([]);
  });
});

describe("a record that the broker loads before a call", () => {
  test("is not loaded for a session that was revoked, by a broker that has not heard of it", async () => {
    const each = await world(db.store, (ports) => ({ ...ports, ...deaf(ports) }));
    await db.store.sessions.revoke("acme", each.session.id, "dana");
    const answer = await each.call("update_ticket", { id: "T-1", status: "closed" });
    expect(answer).toMatchObject({ kind: "refused", code: "session_revoked" });
    expect(each.tool.effects).toEqual([]);
    expect(await kindsOf(each.session.id)).toEqual(["refusal"]);
  });
});
