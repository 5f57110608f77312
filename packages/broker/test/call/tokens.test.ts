import { randomUUID } from "node:crypto";
import type { JsonObject } from "@bailiwick/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import { namedText } from "../../src/call/naming.ts";
import type { CallAnswer } from "../../src/call/types.ts";
import { Fault } from "../../src/domain/fault.ts";
import type { Session } from "../../src/domain/session.ts";
import { asOwner } from "../support/as-owner.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { mailPolicy, said } from "./content-support.ts";
import { silentIo, structured, world as open, type World } from "./support.ts";

let db: TestStore;
/** Another broker on the same database. */
let other: Store;
beforeAll(async () => {
  db = await testStore();
  other = await openStore({ databaseUrl: db.databaseUrl, rootKey: db.rootKey }, { brokerId: "broker-b" });
});
afterAll(async () => {
  await other.close();
  await db.close();
});

const POLICY = mailPolicy({ read: "fields: { mask: { requester: token, phone: token } }" });
const JANE = "Jane@acme.example";
const ticket = (id: string, requester = JANE): JsonObject => ({ id, tenant: "acme", requester, body: "it is broken" });

async function world(more: Partial<Session> = {}, store: Store = db.store): Promise<World> {
  const desk = await open(store, undefined, POLICY, { scope: ["tickets:*", "health:*", "mail:*"], ...more });
  desk.tool.answer = (name, args) =>
    name === "get_ticket"
      ? structured(ticket(String(args["id"]), args["id"] === "T-2" ? "joe@acme.example" : JANE))
      : said(JSON.stringify(args));
  return desk;
}

const shownOf = (answer: CallAnswer): string => JSON.stringify(answer.kind === "result" ? answer.body : answer);
const read = async (desk: World, id = "T-1"): Promise<unknown> => {
  const answer = await desk.call("get_ticket", { id });
  if (answer.kind !== "result") throw new Error(JSON.stringify(answer));
  return answer.body["structuredContent"];
};
const sent = ({ tool }: World) => tool.effects.filter(({ name }) => name === "unlisted").map(({ args }) => args);
const send = (desk: World, to: string, body = "hello") => desk.call("unlisted", { to, body });

describe("a token", () => {
  test("stands for one value in the whole run, over brokers, and each value has its own", async () => {
    const run = `run_${randomUUID()}`;
    const [here, there] = [await world({ run }), await world({ run }, other)];
    expect(await read(here)).toEqual({ ...ticket("T-1"), requester: "{requester-1}" });
    expect(await read(there, "T-2")).toMatchObject({ requester: "{requester-2}" });
    expect(await read(there)).toMatchObject({ requester: "{requester-1}" });
    expect(await read(here, "T-2")).toMatchObject({ requester: "{requester-2}" });
  });
  test("is given once when many calls on two brokers see the value at the same time", async () => {
    const run = `run_${randomUUID()}`;
    const owner = { tenant: "acme", run, user: "u-17" };
    const rounds = await Promise.all(
      Array.from({ length: 24 }, (_, at) =>
        (at % 2 === 0 ? db.store : other).tokens.assign(owner, [
          { name: "email", value: `p${at % 6}@acme.example` },
          { name: "email", value: JANE },
        ]),
      ),
    );
    const tokens = new Map(rounds.flat().map(({ token, value }) => [value, token]));
    for (const { token, value } of rounds.flat()) expect(tokens.get(value)).toBe(token);
    expect(new Set(tokens.values()).size).toBe(7);
    expect(await other.tokens.all(owner)).toHaveLength(7);
  });
  test("is replaced by its value before policy decides, and the agent is answered in tokens again", async () => {
    const desk = await world();
    await read(desk);
    const answer = await send(desk, "{requester-1}", "dear {requester-1}, hello");
    expect(sent(desk)).toEqual([{ to: JANE, body: `dear ${JANE}, hello` }]);
    expect(shownOf(answer)).toContain("dear {requester-1}, hello");
    expect(shownOf(answer).toLowerCase()).not.toContain("jane");
    const [intent] = await db.store.log.query("acme", { session: desk.session.id, kind: "intent", limit: 1 });
    expect(intent?.text).not.toMatch(/jane/iu);
    expect(await db.store.log.facts("acme", intent?.callId ?? "")).toMatchObject({ args: { to: JANE } });
  });
  test("is what conditions and approvals see the value of", async () => {
    const policy = mailPolicy({
      read: "fields: { mask: { requester: token } }",
      send: `when: context.args.to.domain == "acme.example"\napprove: { by: [support-lead], expires: 30m }`,
    });
    const desk = await open(db.store, undefined, policy, { scope: ["tickets:*", "mail:*"] });
    desk.tool.answer = (_, args) => structured(ticket(String(args["id"]), args["id"] === "T-9" ? "eve@elsewhere.example" : JANE));
    await read(desk);
    await read(desk, "T-9");
    const held = await send(desk, "{requester-1}");
    expect(held).toMatchObject({ kind: "pending", approval: { args: { to: JANE } } });
    expect(await send(desk, "{requester-2}")).toMatchObject({ kind: "refused", code: "no_grant" });
  });
  test("that was found in a text is called after its kind", async () => {
    const desk = await open(db.store, undefined, mailPolicy({ ping: "content: { results: [{ find: [email, card], do: token }] }" }), {
      scope: ["health:*", "mail:*"],
    });
    desk.tool.answer = (name) => (name === "ping" ? said(`${JANE} pays by 4111 1111 1111 1111, ${JANE} said`) : said("sent"));
    expect(await desk.call("ping")).toMatchObject({ body: { content: [{ text: "{email-1} pays by {card-1}, {email-1} said" }] } });
    await send(desk, "{email-1}");
    expect(sent(desk)).toEqual([{ to: JANE, body: "hello" }]);
  });
});

describe("an attacker", () => {
  test("does not get a value by having a tool say the token back in another argument", async () => {
    const desk = await world();
    await read(desk);
    expect(shownOf(await desk.call("ping", { text: "{requester-1}" }))).toContain("{requester-1}");
    expect(desk.tool.effects.at(-1)?.args).toEqual({ text: "{requester-1}" });
  });
  test("does not get a value by having a tool say it back, in whatever case, as a message, a question or an error", async () => {
    const desk = await world();
    await read(desk);
    const told: unknown[] = [];
    const io = {
      ...silentIo(),
      progress: (each: unknown) => void told.push(each),
      log: (each: unknown) => void told.push(each),
      ask: (each: { params: JsonObject }) => {
        told.push(each);
        return Promise.resolve({});
      },
    };
    desk.tool.answer = async (_name, args, line) => {
      line?.progress({ progress: 1, message: `to ${String(args["to"])}` });
      line?.log({ data: `to ${String(args["to"]).toUpperCase()}` });
      await line?.ask({ method: "elicitation/create", params: { message: `really ${String(args["to"])}?` } });
      return { isError: true, content: [{ type: "text", text: `cannot reach <${String(args["to"]).toLowerCase()}>` }] };
    };
    const answer = await desk.call("unlisted", { to: "{requester-1}", body: "x" }, { io });
    expect(told).toHaveLength(3);
    expect(JSON.stringify([told, answer])).not.toMatch(/jane/iu);
    expect(shownOf(answer)).toContain("cannot reach <{requester-1}>");
  });
  test.each([
    ["after a line end that JSON escapes", JANE, "hi\n{requester-1}"],
    ["within a longer word", JANE, "xx{requester-1}yy"],
    ["of several lines", '12 "Main" Street\nSpringfield', "to {requester-1}!"],
    ["with letters outside of ASCII", "Jürgen Ångström", "to {requester-1}!"],
    ["with a sigma whose lower case depends on what follows", "ΟΔΟΣΟΔΟΣ", "{requester-1}.α"],
    ["that is a number", "4155552671", "{requester-1}"],
  ])("does not get a value %s by having a tool say it back as JSON", async (_, value, body) => {
    const desk = await world();
    desk.tool.answer = (name, args) => {
      if (name === "get_ticket") return structured(ticket("T-1", value));
      // As Python writes JSON, and as a number where it is one.
      const json = JSON.stringify(args).replaceAll(/[^\0-\u007F]/gu, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
      const number = Number(args["body"]) || null;
      return {
        content: [
          { type: "text", text: json },
          { type: "text", text: `sent ${json}` },
        ],
        structuredContent: { args, number },
      };
    };
    await read(desk);
    const answer = await send(desk, "joe@acme.example", body);
    expect(sent(desk)).toEqual([{ to: "joe@acme.example", body: body.replace("{requester-1}", value) }]);
    const text = shownOf(answer);
    for (const part of [value, JSON.stringify(value).slice(1, -1), "Springfield", "u00fcrgen", "4155552671"])
      expect(text).not.toContain(part);
    expect(text).toContain("{requester-1}");
  });
  test("cannot join a token to a word or to another one where the value is too short to be known again", async () => {
    const desk = await world();
    desk.tool.answer = (_, args) => structured(ticket(String(args["id"]), args["id"] === "T-1" ? "Jane" : "Fox"));
    expect(await read(desk)).toMatchObject({ requester: "{requester-1}" });
    // Nobody could tell where so few characters are said back.
    expect(await read(desk, "T-2")).toMatchObject({ requester: "[redacted]" });
    for (const body of ["x{requester-1}", "{requester-1}y", "{requester-1}{requester-1}"])
      expect(await send(desk, "joe@acme.example", body)).toMatchObject({
        code: "argument_invalid",
        message: expect.stringMatching(/joined/u),
      });
    desk.tool.answer = (_, args) => said(JSON.stringify(args));
    expect(shownOf(await send(desk, "joe@acme.example", "dear\n{requester-1}, hello"))).not.toContain("Jane");
    expect(sent(desk)).toEqual([{ to: "joe@acme.example", body: "dear\nJane, hello" }]);
  });
  test("does not get a value from what a task says of its state", async () => {
    const desk = await world();
    await read(desk);
    const told: unknown[] = [];
    desk.tool.answer = (_name, args, line) => {
      line?.task?.({ status: "working", statusMessage: `writing to ${String(args["to"])}` });
      return said("done");
    };
    await desk.call("unlisted", { to: "{requester-1}", body: "x" }, { io: { ...silentIo(), task: (each) => void told.push(each) } });
    expect(told).toEqual([{ status: "working", statusMessage: "writing to {requester-1}" }]);
  });
  test("cannot keep the broker busy with values that begin alike", () => {
    const values = Array.from({ length: 10_000 }, (_, at) => ({ token: `{email-${at + 1}}`, value: `aaaa${at}@acme.example` }));
    // Places times values would be 2 * 10^9 comparisons: minutes, in which no other call gets on.
    expect(namedText("aaaa".repeat(50_000), values)).toHaveLength(200_000);
    const lengths = Array.from({ length: 4_000 }, (_, at) => ({ token: `{note-${at + 1}}`, value: `${"a".repeat(at + 4)}b` }));
    expect(namedText("a".repeat(1_000_000), lengths)).toBe("[redacted]");
  });
  test("does not get a value from the words of a refusal", async () => {
    const policy = mailPolicy({
      read: "fields: { mask: { requester: token } }",
      send: "content: { wording: { in: [args.body], links: [acme.example] } }",
    });
    const desk = await open(db.store, undefined, policy, { scope: ["tickets:*", "mail:*"] });
    desk.tool.answer = () => structured(ticket("T-1", "jane-fox.example"));
    await read(desk);
    const answer = await send(desk, "joe@acme.example", "her page is {requester-1}");
    expect(answer).toMatchObject({
      kind: "refused",
      code: "content_refused",
      message: expect.stringContaining("links to `{requester-1}`"),
    });
    expect(JSON.stringify(answer)).not.toMatch(/jane/iu);
  });
  test.each([
    ["another run", {}],
    ["another user of the same run", { user: "u-18" }],
  ])("cannot use a token of %s", async (_, more) => {
    const run = `run_${randomUUID()}`;
    await read(await world({ run }));
    const foreign = await world(Object.keys(more).length === 0 ? {} : { run, ...more });
    expect(await send(foreign, "{requester-1}")).toMatchObject({
      kind: "refused",
      code: "argument_invalid",
      message: "argument `to` holds `{requester-1}`, which stands for nothing in this run; use one that a result showed",
    });
    expect(sent(foreign)).toEqual([]);
  });
  test("of another tenant finds nothing, also under the same names", async () => {
    const owner = { tenant: "acme", run: `run_${randomUUID()}`, user: "u-17" };
    const [given] = await db.store.tokens.assign(owner, [{ name: "email", value: JANE }]);
    expect(await db.store.tokens.all({ ...owner, tenant: "globex" })).toEqual([]);
    expect(await db.store.tokens.find({ ...owner, tenant: "globex" }, [given?.token ?? ""])).toEqual([]);
    expect(await db.store.tokens.find(owner, ["{email-1}"])).toEqual([{ token: "{email-1}", value: JANE }]);
  });
  test("cannot have a value replaced a second time by writing tokens into it", async () => {
    const desk = await world();
    desk.tool.answer = (_, args) => structured(ticket(String(args["id"]), args["id"] === "T-1" ? JANE : "{requester-1}"));
    await read(desk);
    await read(desk, "T-2");
    await send(desk, JANE, "{requester-2}");
    expect(sent(desk)).toEqual([{ to: JANE, body: "{requester-1}" }]);
  });
});

describe("the vault", () => {
  test("holds no value in plain", async () => {
    const owner = { tenant: "acme", run: `run_${randomUUID()}`, user: "u-17" };
    await db.store.tokens.assign(owner, [{ name: "email", value: "plain@acme.example" }]);
    const rows = await asOwner(db.databaseUrl, "select t::text as row from bailiwick.tokens t");
    expect(rows.rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows.rows)).not.toMatch(/plain@|u-17/u);
  });
  test("gives what it has no room for no token, and the value is redacted", async () => {
    const desk = await world();
    desk.tool.answer = () => structured(ticket("T-1", "x".repeat(5_000)));
    expect(await read(desk)).toMatchObject({ requester: "[redacted]" });
  });
  test("that cannot be read stops a call before it is sent, and withholds what was answered", async () => {
    const down = () => Promise.reject(new Fault("store_unavailable", "the database is gone"));
    const blind = await open(db.store, (ports) => ({ ...ports, tokens: { ...ports.tokens, find: down } }), POLICY, { scope: ["mail:*"] });
    expect(await send(blind, "{requester-1}")).toMatchObject({ kind: "refused", code: "store_unavailable" });
    expect(sent(blind)).toEqual([]);
    const shown = await open(db.store, (ports) => ({ ...ports, tokens: { ...ports.tokens, assign: down } }), POLICY, {
      scope: ["tickets:*"],
    });
    shown.tool.answer = () => structured(ticket("T-1"));
    const answer = await shown.call("get_ticket", { id: "T-1" });
    expect(answer).toMatchObject({ kind: "unknown", message: expect.stringContaining("withheld") });
    expect(shownOf(answer)).not.toContain(JANE);
    const unnamed = await open(db.store, (ports) => ({ ...ports, tokens: { ...ports.tokens, all: down } }), POLICY, {
      scope: ["health:*"],
    });
    unnamed.tool.answer = () => said(JANE);
    expect(await unnamed.call("ping")).toMatchObject({ kind: "unknown" });
  });
  test("forgets a user who is erased", async () => {
    const owner = { tenant: "acme", run: `run_${randomUUID()}`, user: `u-${randomUUID()}` };
    await db.store.tokens.assign(owner, [{ name: "email", value: JANE }]);
    expect(await db.store.erasure.erase("acme", owner.user, { by: { named: "operator" }, reason: "asked for it" })).toMatchObject({
      ok: true,
    });
    expect(await db.store.tokens.all(owner)).toEqual([]);
    expect(await other.tokens.find(owner, ["{email-1}"])).toEqual([]);
  });
  test("forgets a run that is over, and none that has a session left", async () => {
    const [ended, going] = [`run_${randomUUID()}`, `run_${randomUUID()}`];
    const desk = await world({ run: going });
    await read(desk);
    const past = { tenant: "acme", run: ended, user: "u-17" };
    await db.store.tokens.assign(past, [{ name: "email", value: JANE }]);
    await asOwner(db.databaseUrl, "update bailiwick.tokens set at = at - interval '31 days'");
    await db.store.tidy("acme");
    expect(await db.store.tokens.all(past)).toEqual([]);
    expect(await db.store.tokens.all({ ...past, run: going })).toHaveLength(1);
  });
});
