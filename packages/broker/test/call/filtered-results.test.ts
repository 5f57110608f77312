import type { Json, JsonObject, Policy } from "@bailiwick/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { handleCall } from "../../src/call/handle-call.ts";
import type { CallAnswer, IncomingCall } from "../../src/call/types.ts";
import { fingerprint } from "../../src/domain/fingerprint.ts";
import type { CallIo } from "../../src/domain/tool.ts";
import { bearer } from "../plain-session.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { OFFERED, silentIo, structured, testPolicy, TICKETS, world, type World } from "./support.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

const reviewed = (name: string): string => fingerprint(OFFERED.find((each) => each["name"] === name) ?? {});
const FILTERED = 'rows: resource.region == "emea", fields: { hide: [notes], mask: { ssn: partial } }';

function policyWhere(rights: string): Policy {
  return testPolicy({
    "tools/tickets.yaml": `tool: tickets
connect: { mcp: { command: [unused] } }
types:
  Ticket: { id: string, tenant: string, region: string, status: string, notes: string, ssn: string }
actions:
  get_ticket: { is: "tickets:read", effect: read, args: { id: string }, returns: { type: Ticket, at: result }, reviewed: "${reviewed("get_ticket")}" }
  list_tickets:
    is: tickets:read
    effect: read
    args: { "cursor?": string }
    returns:
      type: Ticket
      at: result.tickets
      counts: [result.total, result.page.matches]
      cursor: { at: result.next, arg: args.cursor }
      keep: [result.page.size]
    reviewed: "${reviewed("list_tickets")}"
  update_ticket: { is: "tickets:update", effect: write, args: { id: string }, returns: { type: Ticket, at: result }, reviewed: "${reviewed("update_ticket")}" }
resources:
  "ticket://*": { is: "tickets:read", returns: { type: Ticket, at: result } }
prompts:
  brief: { is: "tickets:read", returns: { type: Ticket, at: result } }
`,
    "roles/support.yaml": `role: support\nreason: r\nallow:\n  - { do: tickets:read, ${rights} }\n  - { do: tickets:update, fields: { hide: [notes] } }\n`,
    "agents/support.yaml":
      'agent: support\nworkflow: helpdesk\nowner: dana\ntenants: [acme, globex]\nenvironments: [prod]\nroles: [support]\nceiling: { allow: ["tickets:*"] }\n',
  });
}

const filtering = policyWhere(FILTERED);
const hiding = policyWhere("fields: { hide: [notes] }");
const open = policyWhere('when: context.session.task != ""');

const [FIRST, SECOND] = TICKETS;
const SEEN = { id: "T-1", tenant: "acme", region: "emea", status: "open", ssn: "*******6789" };
const PAGE: JsonObject = {
  tickets: TICKETS.slice(0, 2),
  total: 2,
  page: { size: 50, matches: "2", order: "T-2 first" },
  next: "after:T-2",
  facets: { region: { emea: 1, amer: 1 } },
  links: { last: "/tickets/T-2" },
};

async function answering(policy: Policy, body: JsonObject): Promise<World> {
  const each = await world(db.store, undefined, policy);
  each.tool.answer = () => body;
  return each;
}

function bodyOf(answer: CallAnswer): JsonObject {
  if (answer.kind !== "result") throw new Error(JSON.stringify(answer));
  const { _meta, ...body } = answer.body;
  return body;
}

const text = (value: Json): JsonObject => ({ type: "text", text: typeof value === "string" ? value : JSON.stringify(value) });
const withheld = text("[withheld: this text could not be filtered for this agent]");
const unseen = text("no such record is visible to this agent, or the tool failed");

describe("beside filtered records", () => {
  test("only counts, cursor and what the catalog keeps are left, in structured content and in text", async () => {
    const { call } = await answering(filtering, structured(PAGE));
    const body = bodyOf(await call("list_tickets"));
    const expected = {
      tickets: [SEEN],
      page: { size: 50, matches: "1" },
      total: 1,
      next: expect.stringMatching(/^bwc1\.[\w-]+$/u) as string,
    };
    expect(body["structuredContent"]).toEqual(expected);
    expect(body["content"]).toEqual([text(JSON.stringify(body["structuredContent"]))]);
    expect(JSON.stringify(body)).not.toContain("T-2");
  });

  test("nothing is removed for an agent that sees all records as they are", async () => {
    const { call } = await answering(open, structured(PAGE));
    expect(bodyOf(await call("list_tickets"))).toEqual(structured(PAGE));
  });

  test("the end of the list stays as the tool says it, and counts that are not there are not made up", async () => {
    const { call } = await answering(filtering, structured({ tickets: [], next: null }));
    expect(bodyOf(await call("list_tickets"))["structuredContent"]).toEqual({ tickets: [], next: null });
  });
});

describe("a sealed cursor", () => {
  async function handedOut(policy: Policy = filtering): Promise<World & { readonly cursor: string }> {
    const each = await answering(policy, structured(PAGE));
    const { next } = bodyOf(await each.call("list_tickets"))["structuredContent"] as { next: string };
    return { ...each, cursor: next };
  }
  const refused = { kind: "refused", code: "argument_invalid" };

  test("comes back to the tool as the tool made it", async () => {
    const { call, tool, cursor } = await handedOut();
    expect(await call("list_tickets", { cursor })).toMatchObject({ kind: "result" });
    expect(tool.effects.at(-1)?.args).toEqual({ cursor: "after:T-2" });
  });

  test("may be any JSON that the tool hands out", async () => {
    const next = { after: ["T-2", 17], ü: null };
    const { call, tool } = await answering(filtering, structured({ ...PAGE, next }));
    const shown = bodyOf(await call("list_tickets"))["structuredContent"] as { next: string };
    await call("list_tickets", { cursor: shown.next });
    expect(tool.effects.at(-1)?.args).toEqual({ cursor: next });
  });

  test("is asked for of who sees filtered records: one that the agent made up never reaches the tool", async () => {
    const { call, tool, cursor } = await handedOut();
    const before = tool.effects.length;
    const altered = cursor.slice(0, -2) + (cursor.endsWith("AA") ? "BB" : "AA");
    for (const made of ["after:T-2", "bwc1.", altered, cursor.slice(0, -4), cursor.replace("bwc1", "bwc2")])
      expect(await call("list_tickets", { cursor: made }), made).toMatchObject(refused);
    expect(tool.effects.length).toBe(before);
  });

  test("of another session is refused", async () => {
    const { cursor } = await handedOut();
    const other = await answering(filtering, structured(PAGE));
    expect(await other.call("list_tickets", { cursor })).toMatchObject(refused);
    expect(other.tool.effects).toEqual([]);
  });

  test("is none where the agent sees all records: the tool's own goes to and fro", async () => {
    const { call, tool, cursor } = await handedOut(open);
    expect(cursor).toBe("after:T-2");
    await call("list_tickets", { cursor });
    expect(tool.effects.at(-1)?.args).toEqual({ cursor: "after:T-2" });
  });
});

describe("records in other forms", () => {
  test("are shown once, as they may be seen: what repeats them goes, and what nobody can read is withheld", async () => {
    const link = { type: "resource_link", uri: "ticket://T-2", name: "T-2, calm" };
    const blob = { type: "resource", resource: { uri: "ticket://T-2", blob: "Y2FsbQ==" } };
    const other = text({ tickets: [{ ...SECOND, region: "emea" }] });
    const fenced = text(`\`\`\`json\n${JSON.stringify(FIRST)}\n\`\`\``);
    const content = [text("2 tickets"), text(PAGE), text(JSON.stringify(PAGE, undefined, 2)), other, fenced, link, blob];
    const { call } = await answering(filtering, { content, structuredContent: PAGE, note: "T-2 is calm" });
    const body = bodyOf(await call("list_tickets"));
    expect(body["content"]).toEqual([withheld, text(JSON.stringify(body["structuredContent"]))]);
    expect(JSON.stringify(body)).not.toMatch(/T-2|calm|angry/u);
  });

  test("in an embedded resource are filtered, and its address is not shown", async () => {
    const embedded = { type: "resource", resource: { uri: "ticket://angry", mimeType: "application/json", text: JSON.stringify(FIRST) } };
    const { call } = await answering(filtering, { content: [embedded] });
    expect(bodyOf(await call("get_ticket", { id: "T-1" }))).toEqual({ content: [text(SEEN)] });
  });

  test("may be a text each", async () => {
    const { call } = await answering(filtering, {
      content: [text(FIRST ?? null), text(SECOND ?? null), text([FIRST ?? null]), text({ note: "calm" })],
    });
    const answer = await call("get_ticket", { id: "T-1" });
    expect(bodyOf(answer)).toEqual({ content: [text(SEEN), text(SEEN)] });
    expect(answer).toMatchObject({ rowsRemoved: 2 });
  });

  test("as lines of JSON are withheld", async () => {
    const { call } = await answering(filtering, { content: [text(`${JSON.stringify(FIRST)}\n${JSON.stringify(SECOND)}`)] });
    expect(bodyOf(await call("get_ticket", { id: "T-1" }))).toEqual({ content: [withheld] });
  });

  test("of a resource are filtered, under the address that was asked for", async () => {
    const contents = [
      { uri: "ticket://T-1?note=angry", text: JSON.stringify(FIRST) },
      { uri: "x", blob: "YQ==" },
    ];
    const { call } = await answering(filtering, { contents, nextCursor: "x" });
    const uri = "ticket://T-1";
    expect(bodyOf(await call(uri, {}, { kind: "resource" }))).toEqual({
      contents: [
        { uri, mimeType: "text/plain", text: JSON.stringify(SEEN) },
        { uri, mimeType: "text/plain", text: withheld["text"] },
      ],
    });
    const hidden = await answering(filtering, { contents: [{ uri, text: JSON.stringify(SECOND) }] });
    expect(bodyOf(await hidden.call(uri, {}, { kind: "resource" }))).toEqual({
      contents: [{ uri, mimeType: "text/plain", text: unseen["text"] }],
    });
  });

  test("of a prompt are filtered, and its words are withheld", async () => {
    const messages = [
      { role: "assistant", content: text("about T-2, calm") },
      { role: "user", content: text(FIRST ?? null) },
    ];
    const { call } = await answering(filtering, { description: "calm", messages });
    expect(bodyOf(await call("brief", {}, { kind: "prompt" }))).toEqual({
      messages: [
        { role: "user", content: withheld },
        { role: "user", content: text(SEEN) },
      ],
    });
  });
});

describe("an error of a tool", () => {
  test("says to a filtered agent what a hidden record says", async () => {
    const failing = await answering(filtering, { content: [text("T-2 (calm) is locked")], isError: true });
    const hidden = await answering(filtering, structured(SECOND ?? {}));
    const [error, nothing] = [await failing.call("get_ticket", { id: "T-2" }), await hidden.call("get_ticket", { id: "T-2" })];
    expect(bodyOf(error)).toEqual({ content: [unseen], isError: true });
    expect(bodyOf(nothing)).toEqual(bodyOf(error));
  });

  test("that is JSON is no record, unless it has the fields of one", async () => {
    const failing = await answering(hiding, { content: [text({ error: "locked by calm", id: "T-1" })], isError: true });
    expect(bodyOf(await failing.call("get_ticket", { id: "T-1" }))).toEqual({ content: [unseen], isError: true });
    const { notes: _, ...seen } = FIRST ?? {};
    const telling = await answering(hiding, { content: [text("conflict"), text(FIRST ?? null)], isError: true });
    expect(bodyOf(await telling.call("get_ticket", { id: "T-1" }))).toEqual({ content: [withheld, text(seen)], isError: true });
  });

  test("of a write does not say that the call went well", async () => {
    const { call } = await answering(hiding, { content: [text("calm")], isError: true });
    expect(JSON.stringify(bodyOf(await call("update_ticket", { id: "T-1" })))).toContain("the tool answered with an error");
  });

  test("is passed on to an agent that sees all", async () => {
    const body = { content: [text("T-2 (calm) is locked")], isError: true };
    const { call } = await answering(open, body);
    expect(bodyOf(await call("get_ticket", { id: "T-2" }))).toEqual(body);
  });
});

describe("what a tool says while it works", () => {
  /** What an agent heard, when the tool says all it can. */
  async function heard(policy: Policy): Promise<readonly unknown[]> {
    const said: unknown[] = [];
    const told = (kind: string) => (what: unknown) => void said.push([kind, what]);
    const io: CallIo = {
      ...silentIo(),
      progress: told("progress"),
      log: told("log"),
      task: told("task"),
      ask: (request) => {
        told("ask")(request.method);
        return Promise.resolve({});
      },
    };
    const { ports, session } = await world(
      db.store,
      (real) => ({
        ...real,
        tools: {
          ...real.tools,
          connect: async (key, equipment) => ({
            ...(await real.tools.connect(key, equipment)),
            invoke: async (_operation, _args, { io: line }) => {
              line.progress({ progress: 1, total: 2, message: "reading T-2, calm" });
              line.log({ level: "info", data: "T-2 is calm" });
              line.task?.({ status: "working", statusMessage: "T-2, calm", pollIntervalMs: 5 });
              await line.ask({ method: "roots/list", params: {} });
              await line.ask({ method: "elicitation/create", params: { message: "delete T-2?" } }).catch((error: unknown) => {
                said.push(["unasked", error instanceof Error ? error.message : ""]);
              });
              return structured({ ...FIRST });
            },
          }),
        },
      }),
      policy,
    );
    const call: IncomingCall = {
      presented: bearer(session.id),
      peer: "::1",
      kind: "tool",
      name: "get_ticket",
      args: { id: "T-1" },
      io,
      patience: { waitMs: 0 },
    };
    await handleCall(ports, call);
    return said;
  }

  test("reaches a filtered agent as figures only, and its questions do not", async () => {
    expect(await heard(filtering)).toEqual([
      ["progress", { progress: 1, total: 2 }],
      ["task", { status: "working", pollIntervalMs: 5 }],
      ["ask", "roots/list"],
      ["unasked", expect.stringContaining("sees this data filtered") as string],
    ]);
  });

  test("reaches an agent that sees all as it is", async () => {
    expect(await heard(open)).toEqual([
      ["progress", { progress: 1, total: 2, message: "reading T-2, calm" }],
      ["log", { level: "info", data: "T-2 is calm" }],
      ["task", { status: "working", statusMessage: "T-2, calm", pollIntervalMs: 5 }],
      ["ask", "roots/list"],
      ["ask", "elicitation/create"],
    ]);
  });
});
