import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CLIENT_HEADER, PERSON_COOKIE } from "../packages/broker/src/rest-contract/names.ts";
import type { Agent } from "../stories/agent.ts";
import { type NotesCompany, startNotesCompany } from "../stories/notes-company.ts";
import { type Card, firstPending, type SignedIn, sent, signIn } from "../stories/person.ts";

let company: NotesCompany;
let agent: Agent;
let ada: SignedIn;
beforeAll(async () => {
  company = await startNotesCompany();
  // Everybody holds the role that is asked: what stops them is who they are.
  const main = join(company.policyFolder, "bailiwick.yaml");
  const text = (await readFile(main, "utf8"))
    .replace("roles: [owner]", "roles: [owner, operator]")
    .replace("  gus:", "  abe: { name: Abe, email: abe@acme.example, tenants: [acme], roles: [operator] }\n  gus:");
  await writeFile(main, text);
  await company.program.stop();
  await company.restart();
  ada = await signIn(company.program, "ada");
});
afterAll(async () => company.close());

let tasks = 0;
/** A deletion that waits for a person, for the user `abe`. Of a task of its own, because a no stands for its task. */
async function waiting(): Promise<{ readonly card: Card; end(): Promise<string | undefined> }> {
  agent = await company.agent("drafting", { task: `tidy ${(tasks += 1)}`, user: "abe" });
  const answer = agent.call("delete_note", { id: "n-1" });
  const card = await firstPending(ada);
  return {
    card,
    end: async () => {
      await ada.send("POST", `/approvals/${card.id}/deny`, { reason: "end of the attack" });
      return (await answer).refusal;
    },
  };
}

async function codeOf(answer: Response | Promise<Response>): Promise<string> {
  return ((await (await answer).json()) as { code: string }).code;
}
const yes = (by: SignedIn, { id, showing }: Card, headers?: Record<string, string>): Promise<Response> =>
  by.send("POST", `/approvals/${id}/approve`, { showing }, headers);

/** Nothing was approved, and nothing ran. */
async function expectUnheard(held: Awaited<ReturnType<typeof waiting>>): Promise<void> {
  expect((await ada.pending()).map(({ id }) => id)).toContain(held.card.id);
  expect(await held.end()).toBe("approval_denied");
  expect(await company.effects()).toEqual([]);
}

test("the user a call is made for, the owner of the agent and a person of another tenant cannot approve it, with every role they hold", async () => {
  const held = await waiting();
  for (const [person, code] of [
    ["abe", "separation_of_duties"],
    ["otto", "separation_of_duties"],
    ["gus", "not_found"],
  ] as const) {
    const attacker = await signIn(company.program, person);
    expect(await codeOf(yes(attacker, held.card)), person).toBe(code);
    const bulk = await attacker.send("POST", "/approvals/bulk", {
      approvals: [{ id: held.card.id, showing: held.card.showing }],
      verdict: "approve",
    });
    expect(await bulk.text(), person).toContain(code);
    expect(await codeOf(attacker.send("POST", `/approvals/${held.card.id}/stop`, { reason: "mine" })), person).toBe(code);
  }
  await expectUnheard(held);
});

test("an agent's token and the operator key approve nothing, at no address", async () => {
  const held = await waiting();
  const key = (await readFile(join(company.program.dataFolder, "operator.key"), "utf8")).trim();
  for (const [bearer, code] of [
    [agent.token, "unauthenticated"],
    [key, "person_required"],
  ] as const) {
    const authorization = `Bearer ${bearer}`;
    for (const [path, body] of [
      [`/approvals/${held.card.id}/approve`, { showing: held.card.showing }],
      [`/approvals/${held.card.id}/step-up`, {}],
      ["/approvals/bulk", { approvals: [{ id: held.card.id, showing: held.card.showing }], verdict: "approve" }],
    ] as const)
      expect(await codeOf(sent(company.program, "POST", path, body, { authorization })), path).toBe(code);
  }
  await expectUnheard(held);
});

test("a page on another site that sends a form or a request with the person's cookie is not heard", async () => {
  const held = await waiting();
  const cookie = `${PERSON_COOKIE}=${ada.token}`;
  const path = `/approvals/${held.card.id}/approve`;
  const body = JSON.stringify({ showing: held.card.showing });
  const json = { cookie, "content-type": "application/json" };
  for (const headers of [
    { cookie, origin: "https://evil.example", "content-type": "application/x-www-form-urlencoded" },
    { cookie, origin: "null", "content-type": "text/plain" },
    { ...json, origin: "https://evil.example", [CLIENT_HEADER]: "console" },
    { ...json, origin: "null", [CLIENT_HEADER]: "console" },
    { ...json, [CLIENT_HEADER]: "console" },
    { ...json, origin: company.program.url },
    { ...json, origin: `${company.program.url}.evil.example`, [CLIENT_HEADER]: "console" },
  ]) {
    const answer = await sent(company.program, "POST", path, body, headers);
    expect(await codeOf(answer), JSON.stringify(headers)).toBe("origin_refused");
  }
  const form = await ada.send("POST", path, body, { "content-type": "text/plain" });
  expect(await codeOf(form)).toBe("unsupported_media_type");
  expect(await codeOf(yes(ada, held.card, { origin: "https://evil.example" }))).toBe("origin_refused");
  expect((await ada.pending()).map(({ id }) => id)).toContain(held.card.id);
  // From our own page the same cookie is heard, so it was not the cookie.
  const own = { ...json, origin: company.program.url, [CLIENT_HEADER]: "console" };
  expect((await sent(company.program, "POST", `/approvals/${held.card.id}/deny`, { reason: "no" }, own)).status).toBe(200);
  expect(await company.effects()).toEqual([]);
});

test("a mail scanner that opens, probes or previews every address answers nothing", async () => {
  const held = await waiting();
  const { id } = held.card;
  const pages = [
    "/",
    "/approvals",
    `/approvals/${id}`,
    `/approvals/${id}/approve`,
    `/console/approvals/${id}`,
    `/sign-in?next=/approvals/${id}`,
  ];
  const addresses = ["", "/approve", "/deny", "/stop", "/step-up", "/receipts", "/similar"].map((end) => `/api/v1/approvals/${id}${end}`);
  for (const path of [...pages, ...addresses])
    for (const method of ["GET", "HEAD", "OPTIONS"])
      for (const authorization of [undefined, `Bearer ${ada.token}`])
        await fetch(`${company.program.url}${path}`, {
          method,
          redirect: "follow",
          ...(authorization === undefined ? {} : { headers: { authorization } }),
        });
  await expectUnheard(held);
});

test("no page can be framed, so no click on another site lands on an answer", async () => {
  for (const path of ["/", "/approvals/apr_1", "/log", "/sign-in", "/account", "/enrol"]) {
    const answer = await fetch(`${company.program.url}${path}`, { redirect: "manual" });
    expect(answer.headers.get("content-type"), path).toMatch(/^text\/html/u);
    expect(answer.headers.get("x-frame-options"), path).toBe("DENY");
    expect(answer.headers.get("content-security-policy"), path).toContain("frame-ancestors 'none'");
  }
});

test("a yes that is sent again, for another call or with other arguments afterwards is worth nothing", async () => {
  const before = (await company.effects()).length;
  const held = await waiting();
  const first = await yes(ada, held.card);
  expect(first.status).toBe(200);
  expect((await codeOf(yes(ada, held.card))).replace("approval_changed", "already_answered")).toBe("already_answered");
  const next = await waiting();
  expect(await codeOf(ada.send("POST", `/approvals/${next.card.id}/approve`, { showing: held.card.showing }))).toBe("approval_changed");
  const late = ada.send("POST", `/approvals/${held.card.id}/approve`, { showing: held.card.showing, args: { id: "n-9" } });
  expect(await codeOf(late)).toBe("already_answered");
  expect(await next.end()).toBe("approval_denied");
  expect((await company.effects()).length).toBe(before + 1);
});
