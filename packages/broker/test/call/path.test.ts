import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RecordKind } from "../../src/domain/audit.ts";
import { Fault } from "../../src/domain/fault.ts";
import { ToolError } from "../../src/domain/tool.ts";
import { bearer } from "../plain-session.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { limitedPolicy, structured, testPolicy, world } from "./support.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

const kinds = async (callId: string | undefined): Promise<readonly RecordKind[]> =>
  (await db.store.log.query("acme", { callId: callId ?? "none", limit: 50 })).map((each) => each.kind).toReversed();

describe("an allowed call", () => {
  test("reaches the tool only after its intent is durable, and answers only after its outcome is", async () => {
    const { call, tool, ports } = await world(db.store);
    let atEffect: readonly RecordKind[] = [];
    const real = tool.answer;
    tool.answer = async (name, args) => {
      const [newest] = await ports.log.query("acme", { limit: 1 });
      atEffect = newest === undefined ? [] : await kinds(newest.callId);
      return real(name, args);
    };
    const answer = await call("ping");
    expect(answer.kind).toBe("result");
    expect(atEffect).toEqual(["intent"]);
    expect(await kinds(answer.callId)).toEqual(["intent", "outcome"]);
  });

  test("carries its call id in the result", async () => {
    const { call } = await world(db.store);
    const answer = await call("ping");
    expect(answer.kind === "result" && answer.body["_meta"]).toEqual({ bailiwick: { callId: answer.callId } });
  });
});

describe("deny by default", () => {
  test("a call that no grant allows never reaches the tool and its refusal is recorded", async () => {
    const { call, tool } = await world(
      db.store,
      undefined,
      testPolicy({ "roles/support.yaml": "role: support\nreason: nothing yet\nallow: []\n" }),
    );
    const answer = await call("ping");
    expect(answer).toMatchObject({ kind: "refused", code: "no_grant" });
    expect(tool.effects).toEqual([]);
    expect(await kinds(answer.callId)).toEqual(["refusal"]);
  });

  test("an action nobody catalogued is quarantined", async () => {
    const { call, tool } = await world(db.store);
    expect(await call("unlisted")).toMatchObject({ kind: "refused", code: "tool_unreviewed" });
    expect(tool.effects).toEqual([]);
  });

  test("an action whose description changed since its review is quarantined", async () => {
    const { call, tool } = await world(db.store);
    tool.listing = { ...tool.listing, tools: tool.listing.tools.map((each) => ({ ...each, description: "now does more" })) };
    expect(await call("ping")).toMatchObject({ kind: "refused", code: "tool_unreviewed" });
    expect(tool.effects).toEqual([]);
  });

  test("an unknown action is refused", async () => {
    const { call } = await world(db.store);
    expect(await call("no_such_thing")).toMatchObject({ kind: "refused", code: "tool_unknown" });
  });

  test("a call without a token is refused before anything else", async () => {
    const { call, tool } = await world(db.store);
    expect(await call("ping", {}, { presented: bearer(undefined) })).toMatchObject({
      kind: "refused",
      code: "unauthenticated",
      callId: undefined,
    });
    expect(tool.effects).toEqual([]);
  });

  test("arguments that are not an object are refused", async () => {
    const { call } = await world(db.store);
    expect(await call("ping", {}, { args: [1] })).toMatchObject({ kind: "refused", code: "malformed_request" });
  });
});

describe("rows and fields", () => {
  test("a list shows only permitted rows, in structured content and in text alike", async () => {
    const { call } = await world(db.store);
    const answer = await call("list_tickets");
    if (answer.kind !== "result") throw new Error(answer.kind);
    const expected = {
      tickets: [{ id: "T-1", tenant: "acme", region: "emea", status: "open", ssn: expect.stringMatching(/6789$/u) as string }],
    };
    expect(answer.body["structuredContent"]).toEqual(expected);
    const [block] = answer.body["content"] as { text: string }[];
    expect(JSON.parse(block?.text ?? "")).toEqual(expected);
    expect(answer).toMatchObject({ rowsRemoved: 2, hidden: ["notes"], masked: ["ssn"] });
    expect(JSON.stringify(answer.body)).not.toContain("123-45");
  });

  test("a record of another tenant is answered as if it did not exist", async () => {
    const { call } = await world(db.store);
    const answer = await call("get_ticket", { id: "T-3" });
    if (answer.kind !== "result") throw new Error(answer.kind);
    expect(answer.body["isError"]).toBe(true);
    expect(JSON.stringify(answer.body)).not.toContain("other");
  });

  test("text that cannot be filtered is withheld", async () => {
    const { call, tool } = await world(db.store);
    tool.answer = () => ({
      content: [
        { type: "text", text: "ssn is 123-45-6789" },
        { type: "image", data: "x", mimeType: "image/png" },
      ],
    });
    const answer = await call("get_ticket", { id: "T-1" });
    expect(JSON.stringify(answer)).not.toContain("123-45");
    expect(JSON.stringify(answer)).toContain("withheld");
  });

  test("a write that takes the record out of the agent's sight says that it was done", async () => {
    const moving = testPolicy({
      "roles/support.yaml": `role: support
reason: moves tickets between regions
allow:
  - do: tickets:update
    rows: resource.region == "emea"
`,
    });
    const { call, tool } = await world(db.store, undefined, moving);
    tool.answer = (name) =>
      structured({ id: "T-1", tenant: "acme", region: name === "update_ticket" ? "amer" : "emea", status: "open", notes: "", ssn: "1" });
    const answer = await call("update_ticket", { id: "T-1", region: "amer" });
    expect(JSON.stringify(answer)).toContain("the call was sent and is recorded");
    expect(JSON.stringify(answer)).not.toContain("amer");
  });

  test("members of a filtered result that nobody knows are left out", async () => {
    const { call, tool } = await world(db.store);
    const real = tool.answer;
    tool.answer = async (name, args) => ({ ...(await real(name, args)), debug: { ssn: "123-45-6789" }, _meta: { raw: "123-45-6789" } });
    expect(JSON.stringify(await call("get_ticket", { id: "T-1" }))).not.toContain("123-45");
  });

  test("a field outside the write allowlist is refused and says which fields may be written", async () => {
    const { call, tool } = await world(db.store);
    const answer = await call("update_ticket", { id: "T-1", region: "amer" });
    expect(answer).toMatchObject({ kind: "refused", code: "field_not_permitted", next: [{ kind: "narrow", allowed: ["status"] }] });
    expect(tool.effects.filter((each) => each.name === "update_ticket")).toEqual([]);
  });

  test("a write to a row outside the grant is refused after the record was looked up, and the lookup is recorded first", async () => {
    const { call, tool } = await world(db.store);
    const answer = await call("update_ticket", { id: "T-2", status: "closed" });
    expect(answer).toMatchObject({ kind: "refused", code: "row_not_permitted" });
    expect(tool.effects).toEqual([{ name: "get_ticket", args: { id: "T-2" } }]);
    expect(await kinds(answer.callId)).toEqual(["lookup", "refusal"]);
  });

  test("a write to another tenant's record is refused by name of the rule", async () => {
    const { call, tool } = await world(db.store);
    expect(await call("update_ticket", { id: "T-3", status: "closed" })).toMatchObject({ kind: "refused", code: "cross_tenant" });
    expect(tool.effects.some((each) => each.name === "update_ticket")).toBe(false);
  });
});

describe("limits", () => {
  test("the call over the limit is refused, recorded, told when to come back, and never sent", async () => {
    const { call, tool } = await world(db.store, undefined, limitedPolicy("perMinute", 2));
    const update = () => call("update_ticket", { id: "T-1", status: "pending" });
    expect([(await update()).kind, (await update()).kind]).toEqual(["result", "result"]);
    const third = await update();
    expect(third).toMatchObject({ kind: "refused", code: "rate_limited", next: [{ kind: "retry_after" }] });
    expect(tool.effects.filter((each) => each.name === "update_ticket")).toHaveLength(2);
    expect(await kinds(third.callId)).toEqual(["lookup", "refusal"]);
  });
});

describe("sessions", () => {
  test("a revoked session is refused at the next call", async () => {
    const { call, session } = await world(db.store);
    expect((await call("ping")).kind).toBe("result");
    await db.store.sessions.revoke("acme", session.id, "dana");
    expect(await call("ping")).toMatchObject({ kind: "refused", code: "session_revoked" });
  });

  test("a session revoked between decision and intent is refused by the intent itself", async () => {
    const { call, tool } = await world(db.store, (ports) => ({
      ...ports,
      log: {
        ...ports.log,
        intend: async (tenant, entry, options) => {
          await db.store.sessions.revoke("acme", options.session, "dana");
          return db.store.log.intend(tenant, entry, options);
        },
      },
    }));
    const answer = await call("ping");
    expect(answer).toMatchObject({ kind: "refused", code: "session_revoked" });
    expect(tool.effects).toEqual([]);
    expect(await kinds(answer.callId)).toEqual(["refusal"]);
  });
});

describe("faults", () => {
  test("when the log cannot be written nothing runs", async () => {
    const down = () => Promise.reject(new Fault("log_unavailable", "the disk is full; free space"));
    const { call, tool } = await world(db.store, (ports) => ({ ...ports, log: { ...ports.log, intend: down, append: down } }));
    expect(await call("ping")).toMatchObject({ kind: "refused", code: "log_unavailable" });
    expect(tool.effects).toEqual([]);
  });

  test("when only the outcome cannot be written the answer is unknown, never refused", async () => {
    const down = () => Promise.reject(new Fault("log_unavailable", "the disk is full; free space"));
    const { call, tool } = await world(db.store, (ports) => ({ ...ports, log: { ...ports.log, append: down } }));
    expect((await call("ping")).kind).toBe("unknown");
    expect(tool.effects).toHaveLength(1);
  });

  test("a policy that changed after the intent stops the call before it is sent, and the outcome says so", async () => {
    const first = testPolicy();
    const second = testPolicy({
      "bailiwick.yaml":
        "version: 1\ntenants: [acme, globex]\nenvironments: { prod: {} }\npeople:\n  dana: { name: Dana R, email: dana@acme.example, tenants: [acme], roles: [support-lead] }\n",
    });
    let current = first;
    const { call, tool } = await world(
      db.store,
      (ports) => ({
        ...ports,
        policy: () => current,
        log: { ...ports.log, intend: (...args) => ((current = second), ports.log.intend(...args)) },
      }),
      first,
    );
    const answer = await call("ping");
    expect(answer).toMatchObject({ kind: "refused", code: "policy_changed" });
    expect(tool.effects).toEqual([]);
    expect(await kinds(answer.callId)).toEqual(["intent", "outcome"]);
  });

  test("a tool that changed after the intent is not called, and the outcome says so", async () => {
    const each = await world(db.store, (ports) => ({
      ...ports,
      log: {
        ...ports.log,
        intend: (...args) => {
          each.tool.listing = {
            ...each.tool.listing,
            tools: each.tool.listing.tools.map((entry) => ({ ...entry, description: "came back different" })),
          };
          return ports.log.intend(...args);
        },
      },
    }));
    const answer = await each.call("ping");
    expect(answer).toMatchObject({ kind: "refused", code: "tool_unreviewed" });
    expect(each.tool.effects).toEqual([]);
    expect(await kinds(answer.callId)).toEqual(["intent", "outcome"]);
  });

  test("a tool that dies mid-call leaves an unknown outcome and is not called again", async () => {
    const { call, tool } = await world(db.store);
    tool.answer = () => Promise.reject(new Fault("tool_lost", "the tool ended while the call ran"));
    const answer = await call("ping");
    expect(answer.kind).toBe("unknown");
    expect(tool.effects).toHaveLength(1);
    expect(await db.store.log.query("acme", { status: "unknown", callId: answer.callId ?? "", limit: 5 })).toHaveLength(1);
  });

  test("a tool that was never reached gives the limit back", async () => {
    const { call, tool } = await world(db.store, undefined, limitedPolicy("perHour", 2));
    const real = tool.answer;
    tool.answer = (name, args) =>
      name === "update_ticket" ? Promise.reject(new Fault("tool_unavailable", "cannot connect")) : real(name, args);
    for (let turn = 0; turn < 4; turn += 1) {
      expect(await call("update_ticket", { id: "T-1", status: "open" })).toMatchObject({ kind: "refused", code: "tool_unavailable" });
    }
  });

  test("the tool's own error is passed on with its code", async () => {
    const { call, tool } = await world(db.store);
    tool.answer = () => Promise.reject(new ToolError(-32602, "bad id"));
    expect(await call("ping")).toMatchObject({ kind: "tool_error", code: -32602, message: "bad id" });
  });

  test("an error text is withheld when the agent sees the data filtered", async () => {
    const { call, tool } = await world(db.store);
    tool.answer = () => Promise.reject(new ToolError(-32000, "no access for ssn 123-45-6789"));
    expect(JSON.stringify(await call("get_ticket", { id: "T-1" }))).not.toContain("123-45");
  });

  test("a result that cannot be cleaned is withheld and the call is unknown", async () => {
    const { call, tool } = await world(db.store);
    tool.answer = () =>
      Object.defineProperty({}, "structuredContent", {
        get(): never {
          throw new Error("broken result");
        },
      });
    expect((await call("list_tickets")).kind).toBe("unknown");
  });
});
