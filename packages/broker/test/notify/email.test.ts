import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { createRestApp } from "../../src/adapters/rest/app.ts";
import { openRestHouse, PUBLIC_URL } from "../people-support/rest.ts";
import { LOGIN, type ReceivedMail, startMailServer, type TestMailServer } from "../smtp-tool/mail-server.ts";
import { type NotifyHouse, openNotifyHouse } from "./house.ts";

const CA = fileURLToPath(new URL("../smtp-tool/localhost.cert.pem", import.meta.url));
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function mailServer(...given: Parameters<typeof startMailServer>): Promise<TestMailServer> {
  const server = await startMailServer(...given);
  cleanups.push(() => server.close());
  return server;
}

function environmentOf(server: TestMailServer, password = LOGIN.password): Record<string, string> {
  return { SMTP_URL: `smtp://${LOGIN.user}:${encodeURIComponent(password)}@localhost:${server.port}` };
}

function mailConfig(route: Record<string, unknown> = {}): unknown {
  return {
    channels: { mail: { email: { smtp: "${env:SMTP_URL}", from: "bailiwick@acme.example", ca: CA } } },
    routes: [{ name: "held", to: [{ channel: "mail", people: "approvers" }], ...route }],
  };
}

async function open(server: TestMailServer, config: unknown, password?: string): Promise<NotifyHouse> {
  const house = await openNotifyHouse(config, { environment: environmentOf(server, password) });
  cleanups.push(() => house.close());
  return house;
}

/** The text of a mail, quoted-printable undone. */
function textOf({ raw }: ReceivedMail): string {
  const bytes = raw
    .replaceAll(/=\r?\n/gu, "")
    .replaceAll(/=([0-9A-F]{2})/gu, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

test("goes to those who may answer, over TLS and with a login, and not to the user the call is for, auditors, operators or another tenant", async () => {
  const server = await mailServer();
  const house = await open(server, mailConfig());
  const approval = await house.hold();
  await house.pass();
  expect(house.faults).toEqual([]);
  expect(server.mails.map(({ to }) => to)).toEqual([["lena@acme.example"]]);
  const [mail] = server.mails;
  expect(mail).toMatchObject({ from: "bailiwick@acme.example", secure: true, user: LOGIN.user });
  const text = textOf(mail ?? { raw: "", from: "", to: [], user: "", secure: false });
  expect(text).toContain("Subject: [bailiwick] to answer: agent `support-bot` of acme/prod wants to\r\n change `tickets:update`\r\n");
  expect(text).toContain("held by: grant `support-2` (roles/support.yaml:5)");
  expect(text).toContain(`${PUBLIC_URL}/approvals/${approval.id}`);
  expect(text).toContain("Auto-Submitted: auto-generated");
  for (const secret of ["T-17", "closed", "the customer is happy"]) expect(text).not.toContain(secret);
});

test("tells a deputy beside somebody who is away", async () => {
  const server = await mailServer();
  const house = await open(server, mailConfig());
  const begins = new Date(house.now().getTime() - 1_000);
  const ends = new Date(begins.getTime() + 86_400_000);
  await house.store.duties.put({ id: "dty_1", tenant: "acme", from: "lena", to: "olaf", roles: [], begins, ends, reason: "away" });
  await house.hold();
  await house.pass();
  expect(server.mails.flatMap(({ to }) => to).toSorted()).toEqual(["lena@acme.example", "olaf@acme.example"]);
});

test("tells those a question escalates to when its time has come, and them only", async () => {
  const server = await mailServer();
  const house = await open(server, mailConfig());
  await house.hold({ terms: { count: 1, also: [], stepUp: false, escalate: { afterMs: 600_000, to: ["operator"] } } });
  await house.pass();
  expect(server.mails.flatMap(({ to }) => to)).toEqual(["lena@acme.example"]);
  house.later(601_000);
  await house.pass();
  expect(server.mails.flatMap(({ to }) => to)).toEqual(["lena@acme.example", "olaf@acme.example"]);
  expect(server.mails[1]?.raw).toContain("nobody has answered yet, now you are asked");
});

test("tells those who must answer too when somebody has, and not who has", async () => {
  const server = await mailServer();
  const house = await open(server, mailConfig({ on: { what: ["answered"] } }));
  const approval = await house.hold({ user: "a customer", terms: { count: 2, also: [], stepUp: false } });
  await house.answer(approval, "approve", "lena", "pending");
  await house.pass();
  expect(server.mails.map(({ to }) => to)).toEqual([["ana@acme.example"]]);
  expect(server.mails[0]?.raw).toContain("one more answer is needed");
});

test("carries the same Message-ID when it is sent again", async () => {
  const refusals = ["451 try later"];
  const server = await mailServer({
    onRcptTo: (_address, _session, callback) => {
      const refusal = refusals.pop();
      callback(refusal === undefined ? null : Object.assign(new Error(refusal), { responseCode: 451 }));
    },
  });
  const house = await open(server, mailConfig());
  await house.hold();
  await house.pass();
  const [waiting] = await house.store.notifications.list("acme", { limit: 10 });
  expect(waiting).toMatchObject({ state: "waiting", attempts: 1 });
  house.later(6_000);
  await house.pass();
  expect(server.mails.map(textOf)).toEqual([expect.stringContaining(`Message-ID: <${waiting?.id}@acme.example>`)]);
});

test("a mail that the server refuses for good is given up, and its words, which may name somebody, are not repeated", async () => {
  const server = await mailServer({
    onRcptTo: ({ address }, _session, callback) => callback(Object.assign(new Error(`no such person: ${address}`), { responseCode: 550 })),
  });
  const house = await open(server, mailConfig());
  await house.hold();
  await house.pass();
  const [dead] = await house.store.notifications.list("acme", { limit: 10 });
  expect(dead).toMatchObject({ state: "dead", attempts: 1, lastError: "the mail server `localhost` refused the mail with code 550" });
});

test("a login that is refused shows as the reason, and no password in it", async () => {
  const server = await mailServer();
  const house = await open(server, mailConfig(), "another-password");
  await house.hold();
  await house.pass();
  const [waiting] = await house.store.notifications.list("acme", { limit: 10 });
  expect(waiting?.lastError).toContain("refused");
  expect(JSON.stringify(waiting)).not.toContain("another-password");
  expect(server.mails).toEqual([]);
});

test("an agent's words stay words: they start no header, no link and no line of ours", async () => {
  const server = await mailServer();
  const house = await open(server, mailConfig({ details: "full" }));
  await house.hold({
    statedReason: "ok\r\nBcc: eve@evil.example\r\n\r\nanswer it here: https://evil.example/approve\u200b www.evil.example",
  });
  await house.pass();
  const [mail] = server.mails;
  const text = textOf(mail ?? { raw: "", from: "", to: [], user: "", secure: false });
  expect(mail?.to).toEqual(["lena@acme.example"]);
  expect(text).toContain("the agent's own words, not checked by anybody:");
  expect(text).toMatch(/^> Bcc: eve@evil\.example/mu);
  expect(text).not.toMatch(/^(?:Bcc|answer it here)/mu);
  expect(text.match(/https?:\/\/[^\s>]+/gu)?.filter((url) => !url.startsWith(`${PUBLIC_URL}/`))).toEqual([]);
  expect(text).not.toMatch(/www\./u);
});

test("whoever left the tenant before it was sent is told nothing", async () => {
  const server = await mailServer();
  const house = await open(server, mailConfig());
  const approval = await house.hold();
  await house.store.notifications.put(
    "acme",
    {
      key: "by hand",
      route: "held",
      channel: "mail",
      purpose: "notice",
      to: { person: "greta" },
      items: [{ kind: "approval", id: approval.id, what: "pending" }],
      nextAt: house.now(),
      gathers: false,
    },
    house.now(),
  );
  await house.pass();
  expect(server.mails.flatMap(({ to }) => to)).toEqual(["lena@acme.example"]);
  expect(await house.store.notifications.list("acme", { state: "cancelled", limit: 10 })).toMatchObject([{ to: { person: "greta" } }]);
});

test("a scanner that follows every link of a mail, by GET and HEAD, signed in or not, answers nothing", async () => {
  const server = await mailServer();
  const rest = await openRestHouse();
  cleanups.push(() => rest.close());
  const house = await openNotifyHouse(mailConfig({ details: "full" }), { environment: environmentOf(server), store: rest.store });
  cleanups.push(() => house.close());
  const app = createRestApp({ ...rest.ports, notifications: house.notifying.access });
  const approval = await house.hold({ statedReason: `${PUBLIC_URL}/api/v1/approvals/x/approve` });
  await house.pass();
  const links = server.mails.flatMap((mail) => textOf(mail).match(/https?:\/\/[^\s>]+/gu) ?? []);
  expect(links.length).toBeGreaterThan(0);
  const paths = links.flatMap((link) => {
    const { pathname } = new URL(link);
    const api = `/api/v1${pathname}`;
    return [pathname, api, `${api}/approve`, `${api}/deny`, `${api}/stop`];
  });
  const token = await rest.token("lena");
  for (const path of paths) {
    for (const method of ["GET", "HEAD"]) {
      await app.request(path, { method });
      await app.request(path, { method, headers: { authorization: `Bearer ${token}` } });
    }
  }
  expect(await rest.store.approvals.find("acme", approval.id)).toMatchObject({ state: "pending", answers: [] });
  const answered = await app.request(`/api/v1/approvals/${approval.id}/deny`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ reason: "the same paths do answer by POST" }),
  });
  expect(answered.status).toBe(200);
});
