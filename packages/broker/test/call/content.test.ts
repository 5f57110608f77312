import { CONTENT_KINDS } from "@bailiwick/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { argumentsDigest } from "../../src/call/identify.ts";
import type { CallAnswer } from "../../src/call/types.ts";
import { FINDING_KINDS } from "../../src/risk/content/index.ts";
import { ToolError } from "../../src/domain/tool.ts";
import { decided } from "../store/approval-sample.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { mailPolicy, said } from "./content-support.ts";
import { silentIo, structured, world as open, type World } from "./support.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

/** Test numbers of the card networks, and a key made of parts so that no scanner of a git host takes it for one. */
const CARD = "4111 1111 1111 1111";
const SECRET = ["dop", "_v1_", "16c7e42f292c6912e7710c838347ae17", "8b4a4f1f0c6d39a2b5e7d1c3f9a08e64"].join("");

async function world(grants: Parameters<typeof mailPolicy>[0] = {}): Promise<World> {
  return open(db.store, undefined, mailPolicy(grants), { scope: ["tickets:*", "health:*", "mail:*"] });
}

const sent = ({ tool }: World) => tool.effects.filter(({ name }) => name === "unlisted").map(({ args }) => args);
const bodyOf = (answer: CallAnswer): string => JSON.stringify(answer.kind === "result" ? answer.body : answer);

test("policy speaks of exactly the kinds that the scanner finds", () => {
  expect([...CONTENT_KINDS].toSorted()).toEqual([...FINDING_KINDS].toSorted());
});

describe("arguments", () => {
  const refuseCards = `content: { arguments: [{ find: [card], do: refuse }] }`;

  test("what a rule refuses is refused with its place, its kind and its rule, and is neither sent nor drawn nor recorded", async () => {
    const desk = await world({ send: refuseCards });
    const answer = await desk.call("unlisted", { to: "jane@acme.example", body: `my card is ${CARD}` });
    expect(answer).toMatchObject({
      kind: "refused",
      code: "content_refused",
      rules: [{ kind: "grant" }],
      next: [{ kind: "narrow", field: "body" }],
    });
    expect(answer).toMatchObject({
      message: expect.stringMatching(/^argument `body` holds a card number.*\(roles\/support\.yaml:\d+: works the tickets\)/u),
    });
    expect(JSON.stringify(answer)).not.toContain("1111");
    expect(sent(desk)).toEqual([]);
    const [record] = await db.store.log.query("acme", { session: desk.session.id, limit: 5 });
    expect(record?.text).toContain("content_refused");
    const facts = await db.store.log.facts("acme", record?.callId ?? "");
    expect(JSON.stringify(facts)).not.toContain("1111");
  });
  test.each([
    ["zero-width characters", "4111\u200B1111\u200B1111\u200B1111"],
    ["hyphens", "4111-1111-1111-1111"],
    ["base64", Buffer.from(`card ${CARD}`).toString("base64")],
    ["base64 of base64", Buffer.from(Buffer.from(`card ${CARD}`).toString("base64")).toString("base64")],
    ["hex", Buffer.from(`card ${CARD}`).toString("hex")],
    ["hex behind another digit", `7${Buffer.from(`card ${CARD}`).toString("hex")}`],
    ["percent-encoding", encodeURIComponent(`card ${CARD}`)],
    ["percent-encoding of single digits", "%34111 1111 1111 1111"],
    ["references of HTML", "&#52;111&#x20;1111 1111 1111"],
    ["escapes of JSON", "\\u0034111 1111 1111 1111"],
  ])("a card number is found in %s", async (_, body) => {
    const desk = await world({ send: refuseCards });
    expect(await desk.call("unlisted", { to: "jane@acme.example", body })).toMatchObject({ kind: "refused", code: "content_refused" });
    expect(sent(desk)).toEqual([]);
  });
  test.each([
    ["the items of a list", { cc: ["4111", "1111", "1111", "1111"] }],
    ["a number", { any: { note: 4_111_111_111_111_111 } }],
    ["the name of a member", { any: { "4111111111111111": true } }],
  ])("a card number is found in %s", async (_, more) => {
    const desk = await world({ send: refuseCards });
    const answer = await desk.call("unlisted", { to: "jane@acme.example", body: "hello", ...more });
    expect(answer).toMatchObject({ kind: "refused", code: "content_refused" });
    const [record] = await db.store.log.query("acme", { session: desk.session.id, limit: 1 });
    expect(JSON.stringify(await db.store.log.facts("acme", record?.callId ?? ""))).not.toContain("1111");
  });
  test.each([
    ["a number", { any: { note: 4_111_111_111_111_111 } }],
    ["the name of a member", { any: { "4111111111111111": true } }],
    ["the items of a list", { any: ["4111", "1111", "1111", "1111"] }],
  ])("what a rule masks is refused in %s, where it cannot be masked", async (_, more) => {
    const desk = await world({ send: `content: { arguments: [{ find: [card], in: [args.body, args.any], do: partial }] }` });
    const answer = await desk.call("unlisted", { to: "jane@acme.example", body: "hello", ...more });
    expect(answer).toMatchObject({ code: "content_refused", message: expect.stringContaining("cannot be masked") });
    expect(sent(desk)).toEqual([]);
    const [record] = await db.store.log.query("acme", { session: desk.session.id, limit: 1 });
    expect(JSON.stringify(await db.store.log.facts("acme", record?.callId ?? ""))).not.toContain("1111");
  });
  test("a secret that only its member's name tells is masked as well as refused", async () => {
    const desk = await world({
      send: `content: { arguments: [{ find: [secret], in: [args.any], do: redact }] }`,
      gates: `  secret-leaves: { off: true, reason: the grant itself masks }\ngates: []`,
    });
    await desk.call("unlisted", { to: "jane@acme.example", body: "hello", any: { db_password: "kT9$vq2LmX7!pz" } });
    expect(sent(desk)).toEqual([{ to: "jane@acme.example", body: "hello", any: { db_password: "[redacted]" } }]);
  });
  test("what the agent answers to a tool's question leaves like an argument", async () => {
    const desk = await world({ send: refuseCards });
    const io = { ...silentIo(), ask: () => Promise.resolve({ action: "accept", content: { card: CARD } }) };
    const heard: unknown[] = [];
    desk.tool.answer = async (_name, _args, line) => {
      heard.push(
        await line?.ask({ method: "elicitation/create", params: { message: "which card?" } }).catch((failure: Error) => failure.message),
      );
      return said("done");
    };
    expect(await desk.call("unlisted", { to: "jane@acme.example", body: "hello" }, { io })).toMatchObject({ kind: "result" });
    expect(heard).toEqual(["the answer to the tool's question holds what may not leave with this call; answer without it"]);
  });
  test("a labelled value does not leave by its token either", async () => {
    const policy = mailPolicy({
      read: "fields: { mask: { body: token } }",
      send: `content: { arguments: [{ find: ["@restricted"], do: refuse }] }`,
    });
    const desk = await open(db.store, undefined, policy, { scope: ["tickets:*", "mail:*"] });
    desk.tool.answer = () => structured({ id: "T-1", tenant: "acme", requester: "joe", body: "Project Bluebird" });
    expect(await desk.call("get_ticket", { id: "T-1" })).toMatchObject({ body: { structuredContent: { body: "{body-1}" } } });
    expect(await desk.call("unlisted", { to: "eve@elsewhere.example", body: "psst: {body-1}" })).toMatchObject({
      code: "content_refused",
      message: expect.stringContaining("labelled `restricted`"),
    });
    expect(sent(desk)).toEqual([]);
  });
  test("a rule for one argument leaves the others alone", async () => {
    const desk = await world({ send: `content: { arguments: [{ find: [email], in: [args.body], do: refuse }] }` });
    expect(await desk.call("unlisted", { to: "jane@acme.example", body: "hello" })).toMatchObject({ kind: "result" });
    expect(await desk.call("unlisted", { to: "jane@acme.example", body: "ask joe@acme.example" })).toMatchObject({
      code: "content_refused",
    });
  });
  test("masked arguments are decided, approved, recorded and sent masked", async () => {
    const desk = await world({
      send: `content: { arguments: [{ find: [card], in: [args.body], do: partial }] }\napprove: { by: [support-lead], expires: 30m }`,
    });
    const call = { to: "jane@acme.example", body: `card ${CARD}.` };
    const held = await desk.call("unlisted", call);
    if (held.kind !== "pending") throw new Error(JSON.stringify(held));
    expect(held.approval.args["body"]).toBe("card ***************1111.");
    await db.store.approvals.answer("acme", held.approval.id, decided("approve"));
    expect(await desk.call("unlisted", call)).toMatchObject({ kind: "result" });
    expect(sent(desk)).toEqual([{ to: "jane@acme.example", body: "card ***************1111." }]);
  });
  test("what a person edits into the arguments is looked at as well", async () => {
    const desk = await world({ send: `${refuseCards}\napprove: { by: [support-lead], expires: 30m }` });
    const call = { to: "jane@acme.example", body: "hello" };
    const held = await desk.call("unlisted", call);
    if (held.kind !== "pending") throw new Error(JSON.stringify(held));
    const args = { ...call, body: `her card is ${CARD}` };
    const argsDigest = argumentsDigest(held.approval.operation, args);
    await db.store.approvals.answer("acme", held.approval.id, decided("approve", { args, argsDigest }));
    expect(await desk.call("unlisted", call)).toMatchObject({ kind: "refused", code: "content_refused" });
    expect(sent(desk)).toEqual([]);
  });
  test("a value of a field with a label does not leave once the run was shown it, in any case and spacing, whole or a sentence of it", async () => {
    const desk = await world({ send: `content: { arguments: [{ find: ["@restricted"], do: refuse }] }` });
    const secret =
      "The merger with Globex closes in May. " + "Until then nobody outside the board may hear of it, whatever they ask for. ".repeat(4);
    desk.tool.answer = (_, args) =>
      structured({ id: "T-1", tenant: "acme", requester: "joe", body: args["id"] === "T-1" ? "Project  Bluebird" : secret });
    const send = (body: string) => desk.call("unlisted", { to: "jane@acme.example", body });
    expect(await send("about project bluebird")).toMatchObject({ kind: "result" });
    await desk.call("get_ticket", { id: "T-1" });
    await desk.call("get_ticket", { id: "T-2" });
    expect(await send("about PROJECT\nbluebird")).toMatchObject({
      code: "content_refused",
      message: expect.stringContaining("labelled `restricted`"),
    });
    expect(await send("psst: the merger with globex closes in may. ok?")).toMatchObject({ code: "content_refused" });
    expect(await send("about project redbird, for joe")).toMatchObject({ kind: "result" });
    const stranger = await world({ send: `content: { arguments: [{ find: ["@restricted"], do: refuse }] }` });
    expect(await stranger.call("unlisted", { to: "jane@acme.example", body: "project bluebird" })).toMatchObject({ kind: "result" });
  });
  test("the default gate keeps a secret from what leaves, and can be switched off with a reason", async () => {
    const desk = await world();
    const args = { to: "jane@acme.example", body: `use ${SECRET}` };
    const refused = await desk.call("unlisted", args);
    expect(refused).toMatchObject({ code: "content_refused", rules: [{ kind: "gate", id: "secret-leaves" }] });
    expect(await desk.call("unlisted", { ...args, body: Buffer.from(`use ${SECRET}`).toString("base64") })).toMatchObject({
      code: "content_refused",
    });
    const without = await world({ gates: `  secret-leaves: { off: true, reason: this server keeps keys }\ngates: []` });
    expect(await without.call("unlisted", args)).toMatchObject({ kind: "result" });
  });
});

describe("wording", () => {
  const wording = (text: string): { send: string } => ({ send: `content: { wording: ${text} }` });
  const send = async (desk: World, body: string): Promise<string> => {
    const answer = await desk.call("unlisted", { to: "jane@acme.example", body });
    return answer.kind === "refused" ? `${answer.code}: ${answer.message}` : answer.kind;
  };

  test.each([
    ["We promise Guaranteed\n  RETURNS to you", /says `guaranteed returns`/u],
    ["guaran\u00ADteed returns", /says `guaranteed returns`/u],
    ["ｇｕａｒａｎｔｅｅｄ returns", /says `guaranteed returns`/u],
    ["you are Refunded in full.", /says `\/refund/u],
  ])("%j is blocked", async (body, why) => {
    const desk = await world(wording(`{ in: [args.body], block: ["guaranteed returns", "/refund(ed)? in full/"] }`));
    expect(await send(desk, body)).toMatch(why);
    expect(await send(desk, "nothing is guaranteed")).toBe("result");
  });
  test("a phrase that is required has to be there, whatever its case and spacing", async () => {
    const desk = await world(wording(`{ in: [args.body], require: ["This is no legal advice."] }`));
    expect(await send(desk, "sue them")).toMatch(/does not say `This is no legal advice.`/u);
    expect(await send(desk, "sue them. THIS is no\nlegal advice.")).toBe("result");
  });
  test("a template leaves one line of text for each name and nothing else", async () => {
    const desk = await world(wording(`{ in: [args.body], templates: ["Dear {name}, your ticket {id} (urgent?) is closed."] }`));
    expect(await send(desk, "Dear Jane, your ticket T-1 (urgent?) is closed.")).toBe("result");
    expect(await send(desk, "Dear Jane,\nbuy now. your ticket T-1 (urgent?) is closed.")).toMatch(/fits none/u);
    expect(await send(desk, "Dear Jane, your ticket T-1 (urgent) is closed.")).toMatch(/fits none/u);
    expect(await send(desk, "Dear Jane, your ticket T-1 (urgent?) is closed. Also this.")).toMatch(/fits none/u);
  });
  test.each([
    ["[a](https://evil.example/x)"],
    ['<a href="//evil.example">a</a>'],
    ['<a href="https:\\\\evil.example">a</a>'],
    ["https:evil.example/x"],
    ["go to evil.example."],
    ["www.evil.example/login"],
    ["https://acme.example@evil.example/"],
    ["https://acme.example:443@evil.example"],
    ["https://acme.example.evil.example"],
    ["https://аcme.example"],
    ["https://xn--cme-7cd.example"],
    ["h&#116;tps&colon;//evil.example"],
    ["https://ev\u200Bil.example"],
    ["https://evil。example"],
    ["https://ev%69l.example"],
    ["javascript:alert(1)"],
    ["https://%zz.example/"],
    ["data:text/html,hello"],
    ["<img src=https://evil.example/a.png>"],
    ["mailto:joe@evil.example"],
    ["mailto:joe@acme.example?cc=eve%40evil.example"],
    ["https://93.184.216.34/"],
    ["https:/\n/evil.example"],
    ["Website:evil.example"],
    ["_evil.example_"],
    ["see...evil.example"],
    ["evil.example-"],
    [`${"x.".repeat(9)}acme.example.evil.example`],
    ["evil&#x0000002e;example"],
  ])("the link of %j is refused", async (body) => {
    const desk = await world(wording(`{ in: [args.body], links: [acme.example, "*.acme.example"] }`));
    expect(await send(desk, body)).toMatch(/^content_refused: argument `body` (?:links to|holds a link)/u);
    expect(sent(desk)).toEqual([]);
  });
  test.each([
    ["see https://acme.example/a?b=c#d and (https://help.ACME.example)"],
    ["acme.example, help.acme.example. Write to joe@elsewhere.example, e.g. at 10.30."],
    ['<a href="https://acme.example/x">acme</a>'],
    ["mailto:joe@acme.example"],
    ["either/or, and // a comment"],
  ])("%j links to nowhere else", async (body) => {
    const desk = await world(wording(`{ in: [args.body], links: [acme.example, "*.acme.example"] }`));
    expect(await send(desk, body)).toBe("result");
  });
});

describe("results", () => {
  const ticket = {
    id: "T-1",
    tenant: "acme",
    requester: "jane@acme.example",
    body: `card ${CARD}, ask joe@acme.example`,
    phone: "+1 415 555 2671",
  };

  test("findings are masked the same way in the structured form and in its text, counted once, and told to agent and record", async () => {
    const desk = await world({ read: `content: { results: [{ find: [card, email], do: redact }] }` });
    desk.tool.answer = () => structured(ticket);
    const answer = await desk.call("get_ticket", { id: "T-1" });
    if (answer.kind !== "result") throw new Error(JSON.stringify(answer));
    const shown = { ...ticket, requester: "[redacted]", body: "card [redacted], ask [redacted]" };
    expect(answer.body["structuredContent"]).toEqual(shown);
    expect(answer.body["content"]).toEqual([{ type: "text", text: JSON.stringify(shown) }]);
    expect(answer.body["_meta"]).toMatchObject({ bailiwick: { found: { card: 1, email: 2 } } });
    const [record] = await db.store.log.query("acme", { session: desk.session.id, kind: "outcome", limit: 1 });
    expect(JSON.parse(record?.text ?? "{}")).toMatchObject({ found: { card: 1, email: 2 } });
    expect(record?.text).not.toContain("1111");
  });
  test("a rule for a field bears on that field, and on free text", async () => {
    const desk = await world({ read: `content: { results: [{ find: [email], in: [body], do: redact }] }` });
    desk.tool.answer = () => ({ ...structured(ticket), content: [{ type: "text", text: "from jane@acme.example" }] });
    const answer = await desk.call("get_ticket", { id: "T-1" });
    expect(answer).toMatchObject({ body: { structuredContent: { requester: "jane@acme.example", body: `card ${CARD}, ask [redacted]` } } });
  });
  test.each([
    ["free text", said(`your card ${CARD}`)],
    ["an embedded resource", { content: [{ type: "resource", resource: { uri: "a://b", text: JSON.stringify({ card: CARD }) } }] }],
    ["an error", { isError: true, content: [{ type: "text", text: `no such card ${CARD}` }] }],
    ["base64", said(Buffer.from(`card ${CARD}`).toString("base64"))],
    ["a number in JSON", said('{"n":4111111111111111}')],
    ["metadata", { content: [], _meta: { note: CARD } }],
    ["a number in metadata", { content: [], _meta: { note: 4_111_111_111_111_111 } }],
    ["a name in metadata", { content: [], _meta: { "4111111111111111": true } }],
    ["a number that JavaScript would round", said('{"n":6212345678901111007}')],
    ["references of HTML", said("card &#52;111 1111 1111 1111")],
  ])("a finding in %s is masked", async (_, body) => {
    const desk = await world({ ping: `content: { results: [{ find: [card], do: redact }] }` });
    desk.tool.answer = () => body;
    const answer = await desk.call("ping");
    expect(answer).toMatchObject({ kind: "result", body: { _meta: { bailiwick: { found: { card: 1 } } } } });
    expect(bodyOf(answer)).not.toMatch(/1111|MTEx/u);
  });
  test("`withhold` replaces the whole text", async () => {
    const desk = await world({ ping: `content: { results: [{ find: [card], do: withhold }] }` });
    desk.tool.answer = () => said(`Jane pays by ${CARD}`);
    expect(await desk.call("ping")).toMatchObject({ body: { content: [{ text: "[withheld]" }] } });
  });
  test("the measure that shows least wins where two rules look for the same", async () => {
    const desk = await world({
      ping: `content: { results: [{ find: [card], do: partial }] }`,
      gates: `gates:\n  - gate: cards\n    reason: nobody sees cards\n    on: { do: ["health:ping"] }\n    require: { content: { results: [{ find: [card], do: redact }] } }`,
    });
    desk.tool.answer = () => said(`by ${CARD}.`);
    expect(await desk.call("ping")).toMatchObject({ body: { content: [{ text: "by [redacted]." }] } });
  });
  test("the default gate hides a secret, also one that only its member's name tells", async () => {
    const desk = await world();
    desk.tool.answer = () =>
      said(JSON.stringify({ note: `key ${SECRET}`, db_password: "kT9$vq2LmX7!pz", nextPageToken: "CAoQAA8jd72hdHs93kdj" }));
    const answer = await desk.call("ping");
    expect(answer).toMatchObject({
      body: {
        content: [{ text: JSON.stringify({ note: "key [redacted]", db_password: "[redacted]", nextPageToken: "CAoQAA8jd72hdHs93kdj" }) }],
      },
    });
  });
  test("the default gate hides a secret that only a name tells in metadata, messages and what an error carries", async () => {
    const told: unknown[] = [];
    const desk = await world();
    const password = { db_password: "kT9$vq2LmX7!pz" };
    desk.tool.answer = (name, _args, io) => {
      io?.log({ level: "info", data: { ...password } });
      if (name === "ping") return { content: [], _meta: { ...password } };
      throw new ToolError(-32_000, "no", { ...password });
    };
    const io = { ...silentIo(), log: (each: unknown) => void told.push(each) };
    const answers = [await desk.call("ping", {}, { io }), await desk.call("unlisted", { to: "joe@acme.example", body: "x" }, { io })];
    expect(answers).toMatchObject([{ kind: "result" }, { kind: "tool_error" }]);
    expect(told).toHaveLength(2);
    expect(JSON.stringify([told, answers])).not.toContain("kT9");
  });
  test("what a tool says while it works is looked through as well", async () => {
    const told: unknown[] = [];
    const desk = await world();
    desk.tool.answer = (_name, _args, io) => {
      io?.progress({ progress: 1, message: `using ${SECRET}` });
      io?.log({ level: "info", data: { text: `used ${SECRET}` } });
      return said("done");
    };
    const io = { ...silentIo(), progress: (each: unknown) => void told.push(each), log: (each: unknown) => void told.push(each) };
    await desk.call("ping", {}, { io });
    expect(told).toEqual([
      { progress: 1, message: "using [redacted]" },
      { level: "info", data: { text: "used [redacted]" } },
    ]);
  });
});
