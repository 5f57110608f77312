import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAgentSurface } from "../../src/call/agent-surface.ts";
import { Fault } from "../../src/domain/fault.ts";
import { bearer } from "../plain-session.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { testPolicy, world, type World } from "./support.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

const surfaceOf = (each: World) => createAgentSurface(each.ports, () => () => undefined);
const names = async (each: World): Promise<readonly unknown[]> =>
  (await surfaceOf(each).list(bearer(each.session.id))).tools.map((tool) => tool["name"]);

describe("what a session sees", () => {
  test("is what some grant could ever allow, in a fixed order", async () => {
    expect(await names(await world(db.store))).toEqual(["delete_ticket", "get_ticket", "list_tickets", "ping", "update_ticket"]);
  });

  test("leaves out what the session's own scope leaves out", async () => {
    const each = await world(db.store);
    const narrow = { ...each.session, id: `${each.session.id}_narrow`, scope: ["health:ping"] };
    await db.store.sessions.create(narrow);
    expect((await surfaceOf(each).list(bearer(narrow.id))).tools.map((tool) => tool["name"])).toEqual(["ping"]);
  });

  test("leaves out an action that changed since its review", async () => {
    const each = await world(db.store);
    each.tool.listing = {
      ...each.tool.listing,
      tools: each.tool.listing.tools.map((tool) => (tool["name"] === "ping" ? { ...tool, description: "new" } : tool)),
    };
    expect(await names(each)).not.toContain("ping");
  });

  test("is empty when no role grants anything", async () => {
    const nothing = testPolicy({ "roles/support.yaml": "role: support\nreason: nothing yet\nallow: []\n" });
    expect(await names(await world(db.store, undefined, nothing))).toEqual([]);
  });

  test("leaves out a tool that cannot be reached, and shows the rest", async () => {
    const each = await world(db.store, (ports) => ({
      ...ports,
      tools: { known: () => undefined, connect: () => Promise.reject(new Fault("tool_unavailable", "it is down")) },
    }));
    expect(await names(each)).toEqual([]);
  });

  test("is not shown to a revoked session", async () => {
    const each = await world(db.store);
    await db.store.sessions.revoke("acme", each.session.id, "dana");
    await expect(surfaceOf(each).list(bearer(each.session.id))).rejects.toMatchObject({ code: "session_revoked" });
  });

  test("does not ask the agent for arguments that the broker sets", async () => {
    const listed = {
      name: "ping",
      description: "does ping",
      inputSchema: { type: "object", properties: { tenant: { type: "string" }, note: { type: "string" } }, required: ["tenant", "note"] },
    };
    const { fingerprint } = await import("../../src/domain/fingerprint.ts");
    const policy = testPolicy({
      "tools/health.yaml": `tool: health
connect: { mcp: { command: [unused] } }
actions:
  ping: { is: "health:ping", effect: read, args: { tenant: string, note: string }, force: { tenant: principal.tenant }, reviewed: "${fingerprint(listed)}" }
`,
    });
    const each = await world(db.store, undefined, policy);
    each.tool.listing = { ...each.tool.listing, tools: [listed] };
    const [tool] = (await surfaceOf(each).list(bearer(each.session.id))).tools;
    expect(tool).toMatchObject({ name: "health_ping", inputSchema: { properties: { note: { type: "string" } }, required: ["note"] } });
    const answer = await each.call("health_ping", { note: "hi" });
    expect(answer.kind).toBe("result");
    expect(each.tool.effects).toEqual([{ name: "ping", args: { note: "hi", tenant: "acme" } }]);
    expect(await each.call("health_ping", { note: "hi", tenant: "globex" })).toMatchObject({ kind: "refused", code: "argument_invalid" });
  });
});

describe("completion", () => {
  const prompts = {
    "tools/notes.yaml": `tool: notes
connect: { mcp: { command: [unused] } }
actions: {}
prompts:
  greet: { is: "health:greet", effect: read, args: { name: string } }
`,
    "roles/support.yaml": "role: support\nreason: greets\nallow:\n  - do: health:greet\n",
  };
  const ref = { ref: { type: "ref/prompt", name: "greet" }, argument: { name: "name", value: "d" } };

  test("of a visible prompt is recorded before it is asked and closed after", async () => {
    const each = await world(db.store, undefined, testPolicy(prompts));
    await surfaceOf(each).complete(bearer(each.session.id), ref, new AbortController().signal);
    const [begun] = await db.store.log.query("acme", { session: each.session.id, limit: 1 });
    const records = await db.store.log.recordsOf("acme", [begun?.callId ?? ""]);
    expect(records.map((record) => record.kind)).toEqual(["lookup", "outcome"]);
  });

  test("of a prompt the session cannot use is refused", async () => {
    const each = await world(db.store);
    await expect(surfaceOf(each).complete(bearer(each.session.id), ref, new AbortController().signal)).rejects.toMatchObject({
      code: "tool_unknown",
    });
  });
});
