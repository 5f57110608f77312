import { afterAll, beforeAll, expect, test } from "vitest";
import { type z } from "zod";
import { agentDetailSchema, explainedCellSchema, matrixSchema } from "../../src/rest-contract/rights.ts";
import { load, type PolicyFile } from "@bailiwick/policy";
import type { Elevation } from "../../src/domain/elevation.ts";
import { companyFiles } from "../people-support/company.ts";
import { type Ask, liveSession, openRestHouse, type RestHouse, SUPPORT_BOT } from "../people-support/rest.ts";

const DELETE = `  delete_ticket:
    is: tickets:delete
    effect: delete
    args: { id: string }
    reviewed: "sha256:${"0".repeat(64)}"
`;
const CLEANER = `role: cleaner
reason: tickets made by mistake go
allow:
  - do: tickets:delete
    approve: { by: [operator] }
`;
const ELIGIBLE = `eligible:
  - role: cleaner
    most: 2h
    reason: a clean-up that was announced
    approve: { by: [support-lead], expires: 30m }
`;
const ADDED: Readonly<Record<string, string>> = { "tools/tickets.yaml": DELETE, "agents/support.yaml": ELIGIBLE };

/** The company with an action that the agent may do only under a role it can ask for. */
const FILES: readonly PolicyFile[] = [
  ...companyFiles.map(({ path, text }) => ({ path, text: text + (ADDED[path] ?? "") })),
  { path: "roles/cleaner.yaml", text: CLEANER },
];

let house: RestHouse;
let lena: Ask;
beforeAll(async () => {
  const loaded = load(FILES);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  const { policy } = loaded;
  house = await openRestHouse({ policy: () => policy });
  lena = await house.as("lena");
});
afterAll(async () => house.close());

async function read<S extends z.ZodType>(ask: Ask, path: string, schema: S): Promise<z.output<S>> {
  const answer = await ask("GET", `/api/v1${path}`);
  expect(answer.status, path).toBe(200);
  return schema.parse(await answer.json());
}

async function codeOf(answer: Response): Promise<string> {
  return String(((await answer.json()) as { code?: unknown }).code);
}

const cellPath = (agent: string, action: string): string =>
  `/matrix/cell?agent=${encodeURIComponent(agent)}&action=${encodeURIComponent(action)}`;
const detailPath = (name: string): string => `/agents/detail?name=${encodeURIComponent(name)}`;
const GLOBEX_BOT = "bailiwick://globex/prod/support/support-bot";

test("the matrix says for each agent of the person's tenants what it may do with each action", async () => {
  const { rows, actions } = await read(lena, "/matrix", matrixSchema);
  expect(rows.map(({ agent }) => agent)).toEqual(["bailiwick://acme/dev/support/support-bot", SUPPORT_BOT]);
  expect(actions.map(({ action }) => action)).toEqual(["tickets.get_ticket", "tickets.update_ticket", "tickets.delete_ticket"]);
  for (const { cells } of rows)
    expect(cells).toEqual([
      { verdict: "allow", when: "always" },
      { verdict: "ask", when: "always" },
      { verdict: "deny", when: "always", raised: { verdict: "ask", role: "cleaner", active: false } },
    ]);
});

test("the matrix of one environment has its agents only", async () => {
  const { rows } = await read(lena, "/matrix?environment=prod", matrixSchema);
  expect(rows.map(({ agent }) => agent)).toEqual([SUPPORT_BOT]);
});

test("a cell says in words what goes with it and by which rule", async () => {
  const cell = await read(lena, cellPath(SUPPORT_BOT, "tickets.update_ticket"), explainedCellSchema);
  expect(cell).toMatchObject({ verdict: "ask", agent: SUPPORT_BOT, at: { file: "tools/tickets.yaml" } });
  expect(cell.ways[0]?.approval.join()).toContain("by support-lead within");
  expect(cell.rules).toContainEqual(expect.objectContaining({ kind: "grant", at: { file: "roles/support.yaml", line: 5 } }));
  expect(cell.wouldChange).toEqual([]);
});

test("the matrix names the rights that an agent may ask for", async () => {
  const { rows } = await read(lena, "/matrix?environment=prod", matrixSchema);
  expect(rows[0]?.eligible).toEqual([
    {
      role: "cleaner",
      mostMs: 2 * 3_600_000,
      reason: "a clean-up that was announced",
      by: ["support-lead"],
      at: { file: "agents/support.yaml", line: expect.any(Number) },
    },
  ]);
});

test("a call can be tried as if the agent had been given a right it may ask for", async () => {
  const call = { agent: SUPPORT_BOT, action: "tickets.delete_ticket", args: { id: "T-1" } };
  const tried = async (more: object): Promise<unknown> => (await lena("POST", "/api/v1/policy/try", { ...call, ...more })).json();
  expect(await tried({})).toMatchObject({ verdict: "deny" });
  expect(await tried({ elevated: "cleaner" })).toMatchObject({
    verdict: "ask",
    rules: expect.arrayContaining([expect.objectContaining({ kind: "grant", at: { file: "roles/cleaner.yaml", line: 4 } })]),
  });
  expect(await tried({ elevated: "support" })).toMatchObject({ code: "malformed_request", next: ["it may ask for: cleaner"] });
});

test("a right that is in force for a time is shown in the row, in the cell and in the agent's page, and counts when a call is tried", async () => {
  const now = house.now();
  const elevation: Elevation = {
    id: `elv_${"a".repeat(22)}`,
    tenant: "acme",
    agent: SUPPORT_BOT,
    environment: "prod",
    role: "cleaner",
    scope: ["tickets:delete"],
    forMs: 3_600_000,
    reason: "the announced clean-up",
    askedBy: { person: "lena" },
    approvers: ["support-lead"],
    terms: { count: 1, also: [], stepUp: false },
    policyVersion: house.ports.policy().version,
    state: "pending",
    createdAt: now,
    askEndsAt: new Date(now.getTime() + 60_000),
    answers: [],
  };
  const until = new Date(now.getTime() + 3_600_000);
  await house.store.elevations.ask(elevation);
  await house.store.elevations.answer("acme", elevation.id, {
    answer: { by: "olaf", at: now, verdict: "approve", via: "passkey", roles: ["support-lead"] },
    seen: 0,
    state: "active",
    given: { scope: elevation.scope, from: now, until },
  });
  const right = { id: elevation.id, role: "cleaner", scope: ["tickets:delete"], until: until.toISOString() };
  const { rows } = await read(lena, "/matrix", matrixSchema);
  expect(rows.map(({ elevations }) => elevations)).toEqual([[], [right]]);
  expect(rows.map(({ cells }) => cells[2]?.raised?.active)).toEqual([false, true]);
  const cell = await read(lena, cellPath(SUPPORT_BOT, "tickets.delete_ticket"), explainedCellSchema);
  expect(cell).toMatchObject({
    verdict: "deny",
    elevations: [{ active: [right], verdict: "ask", ways: [{ grant: { at: { file: "roles/cleaner.yaml" } } }] }],
  });
  expect((await read(lena, detailPath(SUPPORT_BOT), agentDetailSchema)).elevations).toEqual([right]);
  const tried = await lena("POST", "/api/v1/policy/try", { agent: SUPPORT_BOT, action: "tickets.delete_ticket", args: { id: "T-1" } });
  expect(await tried.json()).toMatchObject({ verdict: "ask", elevations: [elevation.id] });
  await house.store.elevations.revoke("acme", elevation.id, { by: "olaf", at: now, reason: "done" });
  expect((await read(lena, "/matrix", matrixSchema)).rows[1]?.cells[2]?.raised?.active).toBe(false);
});

test("a cell that is denied says why and what would turn it", async () => {
  const cell = await read(lena, cellPath(SUPPORT_BOT, "tickets.delete_ticket"), explainedCellSchema);
  expect(cell).toMatchObject({ verdict: "deny", ways: [], reason: "no grant" });
  expect(cell.wouldChange.join("\n")).toContain("tickets:delete");
});

test("what the page shows and what the broker decides are the same for every cell", async () => {
  const { rows, actions } = await read(house.operator, "/matrix", matrixSchema);
  for (const { agent, cells } of rows)
    for (const [index, { action }] of actions.entries()) {
      const answer = await house.operator("POST", "/api/v1/policy/try", { agent, action, args: { id: "T-1" } });
      expect(((await answer.json()) as { verdict?: unknown }).verdict, `${agent} ${action}`).toBe(cells[index]?.verdict);
    }
});

test("an agent's page holds its identity, its keys, its rights in words and what stops it", async () => {
  await house.store.stops.put({
    tenant: "acme",
    kind: "agent",
    name: SUPPORT_BOT,
    state: "suspended",
    by: "olaf",
    reason: "odd",
    at: new Date(),
  });
  const detail = await read(lena, detailPath(SUPPORT_BOT), agentDetailSchema);
  await house.store.stops.lift("acme", "agent", SUPPORT_BOT);
  expect(detail).toMatchObject({
    name: SUPPORT_BOT,
    owner: "ines",
    ownerName: "Ines Owner",
    at: { file: "agents/support.yaml", line: 1 },
    status: "suspended",
    stop: { reason: "odd" },
    keys: [],
  });
  expect(detail.rights.map(({ action, verdict }) => [action, verdict])).toEqual([
    ["tickets.get_ticket", "allow"],
    ["tickets.update_ticket", "ask"],
    ["tickets.delete_ticket", "deny"],
  ]);
});

test("an agent's page shows its live sessions with those above and below, and no one else's", async () => {
  const above = liveSession({ agent: "bailiwick://acme/prod/support/router", workflow: "support" });
  const own = liveSession({ lineage: [above.id], actors: ["router"] });
  const below = liveSession({ agent: "bailiwick://acme/prod/support/helper", lineage: [above.id, own.id] });
  const other = liveSession({ agent: "bailiwick://acme/prod/support/other" });
  for (const session of [above, own, below, other]) await house.store.sessions.create(session);
  const { sessions, moreSessions } = await read(lena, detailPath(SUPPORT_BOT), agentDetailSchema);
  expect(sessions.map(({ id }) => id).toSorted()).toEqual([above.id, own.id, below.id].toSorted());
  expect(moreSessions).toBe(false);
});

test("agents of another tenant are not there, in the same words as those that do not exist", async () => {
  for (const path of [detailPath, (name: string) => cellPath(name, "tickets.get_ticket")]) {
    const [foreign, unknown] = [
      await lena("GET", `/api/v1${path(GLOBEX_BOT)}`),
      await lena("GET", `/api/v1${path("bailiwick://acme/x/y/z")}`),
    ];
    expect([foreign.status, unknown.status]).toEqual([404, 404]);
    const words = async (answer: Response, name: string): Promise<string> => (await answer.text()).replaceAll(name, "");
    expect(await words(foreign, GLOBEX_BOT)).toBe(await words(unknown, "bailiwick://acme/x/y/z"));
  }
  const { rows } = await read(lena, "/matrix", matrixSchema);
  expect(JSON.stringify(rows)).not.toContain("globex");
  expect(await codeOf(await lena("GET", "/api/v1/matrix?tenant=globex"))).toBe("wrong_tenant");
});

test("without a sign-in there is no matrix and no agent's page", async () => {
  for (const path of ["/matrix", cellPath(SUPPORT_BOT, "tickets.get_ticket"), detailPath(SUPPORT_BOT)])
    expect(await codeOf(await house.anyone("GET", `/api/v1${path}`)), path).toBe("unauthenticated");
});

test("a query that is not understood is refused", async () => {
  for (const path of [
    "/matrix?surprise=1",
    "/matrix/cell",
    `/matrix/cell?agent=${SUPPORT_BOT}`,
    "/agents/detail",
    "/agents/detail?name=a&name=b",
  ])
    expect(await codeOf(await lena("GET", `/api/v1${path}`)), path).toBe("malformed_request");
  expect(await codeOf(await lena("GET", `/api/v1${cellPath(SUPPORT_BOT, "tickets.nothing")}`))).toBe("not_found");
});
