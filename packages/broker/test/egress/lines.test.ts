import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { USUAL_REPEATS } from "../../src/call/limit.ts";
import { decided } from "../store/approval-sample.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { basic, echo, house, type House, records, speak, tunnel } from "./house.ts";

let db: TestStore;
let far: Awaited<ReturnType<typeof echo>>;
const houses: House[] = [];
beforeAll(async () => {
  [db, far] = await Promise.all([testStore(), echo()]);
});
afterEach(async () => {
  await Promise.all(houses.splice(0).map((each) => each.close()));
});
afterAll(async () => {
  far.close();
  await db.close();
});

async function open(options: Parameters<typeof house>[1] = {}): Promise<House> {
  const made = await house(db.store, options);
  houses.push(made);
  return made;
}

function opened(line: Socket | undefined): Socket {
  return line ?? expect.fail("the proxy opened no line");
}

/** Polls for what is written once a line has ended. */
async function outcomes(session: string, count = 1): Promise<readonly Awaited<ReturnType<typeof records>>[number][]> {
  for (let tries = 0; ; tries += 1) {
    const all = await records(db.store, session);
    const found = all.filter(({ kind }) => kind === "outcome");
    if (found.length >= count) return found;
    if (tries === 200) throw new Error(`no outcome: ${JSON.stringify(all)}`);
    await setTimeout(20);
  }
}

test("a line is one call: its intent is in the log while it is open, its outcome says how much went each way", async () => {
  const { proxy, session } = await open();
  const token = await session();
  const { answer, line } = await tunnel(proxy, `localhost:${far.port}`, token);
  expect(answer.status).toBe(200);
  const begun = await records(db.store, token);
  expect(begun.map(({ kind }) => kind)).toEqual(["intent"]);
  expect(begun[0]).toMatchObject({ tool: "network", operation: "connect", action: "network:connect", effect: "execute", verdict: "allow" });
  line?.write("hello, world");
  const [chunk] = await once(opened(line), "data");
  expect(String(chunk)).toBe("hello, world");
  line?.end();
  const [outcome] = await outcomes(token);
  expect(outcome).toMatchObject({ status: "succeeded", line: { up: 12, down: 12, ended: "closed" } });
  expect(await db.store.log.facts("acme", String(outcome?.["call"]))).toMatchObject({ args: { host: "localhost", port: far.port } });
});

test("what the policy does not allow is refused with its sentence, before anything is dialled", async () => {
  const { proxy, session } = await open();
  const token = await session(["elsewhere.example"]);
  const before = far.sockets.length;
  const { answer } = await tunnel(proxy, `localhost:${far.port}`, token);
  expect(answer.status).toBe(403);
  expect(JSON.parse(answer.body)).toMatchObject({ code: "no_grant", callId: expect.any(String), detail: expect.any(String) });
  expect(answer.head).toContain("bailiwick-code: no_grant");
  expect((await records(db.store, token)).map(({ kind }) => kind)).toEqual(["refusal"]);
  expect(far.sockets).toHaveLength(before);
});

test("host names are compared in one spelling", async () => {
  const { proxy, session } = await open();
  const token = await session();
  expect((await tunnel(proxy, `LOCALHOST.:${far.port}`, token)).answer.status).toBe(200);
});

test.each([
  ["without a token", []],
  ["with another scheme", ["proxy-authorization: Digest abc"]],
  ["with a token that nobody has", [basic("ses_of_nobody")]],
  ["with a token in a place of its own", ["authorization: Bearer ses_of_nobody"]],
])("a request %s is asked for one (407)", async (_, headers) => {
  const { proxy } = await open();
  const answer = await speak(proxy, [`CONNECT localhost:${far.port} HTTP/1.1`, "host: localhost", ...headers]);
  expect(answer.status).toBe(407);
  expect(answer.head).toContain('proxy-authenticate: Basic realm="bailiwick"');
});

test.each([
  "localhost",
  "localhost:0",
  "localhost:65536",
  "localhost:80/x",
  "user@localhost:80",
  "http://localhost:80",
  "a b:80",
  ":80",
  "[::1:80",
  "[localhost]:80",
])("`CONNECT %s` is no target", async (target) => {
  const { proxy, session } = await open();
  const token = await session();
  expect((await tunnel(proxy, target, token)).answer.status).toBe(400);
  expect(await records(db.store, token)).toEqual([]);
});

test("a policy without an egress tool opens no line", async () => {
  const { proxy, session } = await open({
    files: {
      "tools/network.yaml":
        "tool: network\nconnect: { mcp: { command: [unused] } }\nactions:\n  connect: { is: network:connect, effect: execute, args: { host: string } }\n",
    },
  });
  const { answer } = await tunnel(proxy, `localhost:${far.port}`, await session());
  expect(answer).toMatchObject({ status: 403 });
  expect(answer.body).toContain("opens no lines");
});

test("a call that a person has to agree to is answered with its ticket; once they have, a later try goes through", async () => {
  const { proxy, session } = await open({
    files: { "roles/support.yaml": "role: support\nreason: asks\nallow:\n  - { do: network:connect, approve: { by: [support-lead] } }\n" },
  });
  const token = await session();
  const held = await tunnel(proxy, `localhost:${far.port}`, token);
  expect(held.answer.status).toBe(403);
  const { code, ticket } = JSON.parse(held.answer.body) as { code: string; ticket: string };
  expect(code).toBe("pending");
  expect(await db.store.approvals.answer("acme", ticket, decided("approve"))).toMatchObject({ ok: true });
  expect((await tunnel(proxy, `localhost:${far.port}`, token)).answer.status).toBe(200);
});

test("a revoked session loses its lines at once", async () => {
  const { proxy, session } = await open();
  const token = await session();
  const { line } = await tunnel(proxy, `localhost:${far.port}`, token);
  const closed = once(opened(line), "end");
  line?.resume();
  await db.store.sessions.revoke("acme", token, "dana");
  await closed;
  const [outcome] = await outcomes(token);
  expect(outcome).toMatchObject({ status: "succeeded", line: { ended: "cut" } });
  expect((await tunnel(proxy, `localhost:${far.port}`, token)).answer.status).toBe(403);
});

test("a session whose end the broker did not hear of loses its lines when it is looked at again", async () => {
  const { proxy, session } = await open({ deaf: true, bounds: { recheckMs: 50 } });
  const token = await session();
  const { line } = await tunnel(proxy, `localhost:${far.port}`, token);
  opened(line).write("still open");
  expect(String((await once(opened(line), "data"))[0])).toBe("still open");
  line?.resume();
  await db.store.sessions.revoke("acme", token, "dana");
  expect(await outcomes(token)).toMatchObject([{ status: "succeeded", line: { ended: "cut" } }]);
});

test("a line does not outlive its session", async () => {
  const { proxy, session } = await open();
  const token = await session(["localhost"], { expiresAt: new Date(Date.now() + 1_500) });
  const { line } = await tunnel(proxy, `localhost:${far.port}`, token);
  opened(line).resume();
  expect(await outcomes(token)).toMatchObject([{ status: "succeeded", line: { ended: "time" } }]);
});

test("a broker that stops cuts its lines, and each has its outcome", async () => {
  const made = await house(db.store);
  const token = await made.session();
  const { line } = await tunnel(made.proxy, `localhost:${far.port}`, token);
  line?.resume();
  await made.close();
  expect(await outcomes(token)).toMatchObject([{ line: { ended: "cut" } }]);
});

test("a line that is idle, too long or too large ends, and its outcome says why", async () => {
  const idle = await open({ bounds: { idleMs: 100 } });
  const first = await idle.session();
  await tunnel(idle.proxy, `localhost:${far.port}`, first);
  expect(await outcomes(first)).toMatchObject([{ line: { ended: "idle" } }]);

  const small = await open({ bounds: { maxBytes: 1_000 } });
  const second = await small.session();
  const { line } = await tunnel(small.proxy, `localhost:${far.port}`, second);
  line?.resume().write(Buffer.alloc(2_000));
  expect(await outcomes(second)).toMatchObject([{ line: { ended: "bytes" } }]);

  const short = await open({
    files: {
      "tools/network.yaml":
        'tool: network\nconnect: { egress: { private: [localhost] } }\nactions:\n  connect: { is: "network:connect", effect: execute, args: { host: string, port: integer }, timeout: 100ms }\n',
    },
  });
  const third = await short.session();
  await tunnel(short.proxy, `localhost:${far.port}`, third);
  expect(await outcomes(third)).toMatchObject([{ line: { ended: "time" } }]);
});

test("a session has only so many lines at once", async () => {
  const { proxy, session } = await open({ bounds: { linesPerSession: 1 } });
  const token = await session();
  const { line } = await tunnel(proxy, `localhost:${far.port}`, token);
  expect((await tunnel(proxy, `localhost:${far.port}`, token)).answer).toMatchObject({ status: 429 });
  expect((await tunnel(proxy, `localhost:${far.port}`, await session())).answer).toMatchObject({ status: 200 });
  line?.end();
  await outcomes(token);
  expect((await tunnel(proxy, `localhost:${far.port}`, token)).answer).toMatchObject({ status: 200 });
});

test("a host that is not there is a 502, nothing was sent, and the log says so", async () => {
  const gone = await echo();
  gone.close();
  const { proxy, session } = await open();
  const token = await session();
  const { answer } = await tunnel(proxy, `localhost:${gone.port}`, token);
  expect(answer.status).toBe(502);
  expect(JSON.parse(answer.body)).toMatchObject({ code: "tool_unavailable" });
  expect(await outcomes(token)).toMatchObject([{ status: "not_sent" }]);
});

test("what the client has sent ahead goes through after the intent, and counts", async () => {
  const { proxy, session } = await open();
  const token = await session();
  const heard = await speak(proxy, [`CONNECT localhost:${far.port} HTTP/1.1`, "host: x", basic(token)], "ahead of time", true).catch(
    () => undefined,
  );
  expect(heard?.status).toBe(200);
  const [outcome] = await outcomes(token);
  expect(outcome).toMatchObject({ line: { up: 13 } });
});

test("megabytes go through whole in both directions", async () => {
  const { proxy, session } = await open();
  const token = await session();
  const { line } = await tunnel(proxy, `localhost:${far.port}`, token);
  const size = 8 * 1024 * 1024;
  let heard = 0;
  line?.on("data", (chunk: Buffer) => (heard += chunk.length));
  line?.end(Buffer.alloc(size, 7));
  await once(opened(line), "end");
  expect(heard).toBe(size);
  line?.destroy();
  expect(await outcomes(token)).toMatchObject([{ line: { up: size, down: size, ended: "closed" } }]);
});

test("a client may open many lines to one host: they are not taken for a call that is made over and over, unless a rule says how often", async () => {
  const { proxy, session } = await open();
  const token = await session();
  for (let count = 0; count < USUAL_REPEATS + 5; count += 1) {
    const { answer, line } = await tunnel(proxy, `localhost:${far.port}`, token);
    line?.destroy();
    expect(answer.status).toBe(200);
  }
  const bounded = await open({
    files: { "roles/support.yaml": "role: support\nreason: few\nallow:\n  - { do: network:connect, limits: { repeats: 2 } }\n" },
  });
  const other = await bounded.session();
  const statuses: number[] = [];
  for (let count = 0; count < 3; count += 1) statuses.push((await tunnel(bounded.proxy, `localhost:${far.port}`, other)).answer.status);
  // A minute may end meanwhile.
  expect([
    [200, 200, 429],
    [200, 200, 200],
  ]).toContainEqual(statuses);
}, 60_000);
