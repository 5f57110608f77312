import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Agent } from "undici";
import { type AgentConnection, connect, grantedElevation, loadAgentKey, openAgentSession } from "@bailiwick/client";
import { registerAgent } from "./agent.ts";
import { NOTES_SECRET } from "./notes-company.ts";
import { type Program, startProgram, temporaryFolder } from "./program.ts";
import { AGENTS, effects, writeNotesCompany } from "./world/notes-policy.ts";

const READER = `agent: reader
workflow: reading
owner: otto
tenants: [acme]
environments: [dev]
roles: [reader]
eligible:
  - role: writer
    most: 1h
    reason: the drafting agent is away
    approve: { by: [operator], expires: 30m }
ceiling: { allow: ["notes:*"], effects: [read, write] }
`;
/** What the agent says of each of its requests. */
const WISH = { user: "user-1", task: "task-1" };
const ENVIRONMENT = { BAILIWICK_AUTHZEN_ACCESS_REQUESTS: "draft-1" };

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let program: Program;
let notes: string;
let keyFile: string;
let folders: { readonly policy: string; readonly data: string };

beforeAll(async () => {
  home = await temporaryFolder();
  folders = { policy: join(home.path, "policy"), data: join(home.path, "data") };
  notes = join(home.path, "notes");
  await writeNotesCompany(folders.policy, notes);
  await mkdir(join(folders.policy, "agents"), { recursive: true });
  await writeFile(join(folders.policy, "agents/reading.yaml"), READER);
  program = await startProgram(folders, { environment: ENVIRONMENT });
  const stored = await program.runWithInput(`${NOTES_SECRET}\n`, "secrets", "put", "notes-account", "--tenant", "acme");
  expect(stored.code, stored.stderr).toBe(0);
  keyFile = await registerAgent(program, AGENTS.reading);
});
afterAll(async () => {
  await program.stop();
  await home.remove();
});

const connected = async (): Promise<AgentConnection> => connect({ url: program.url, key: await loadAgentKey(keyFile), ...WISH });

test("an agent asks for a right, a person gives half an hour of it, its calls are marked, and it is taken back", async () => {
  const line = await connected();
  const refused = await line.call("add_note", { text: "first" });
  expect(refused).toMatchObject({ kind: "refused", code: "no_grant" });
  expect(refused.kind === "refused" ? refused.next : []).toContainEqual({ kind: "request_elevation", scope: "notes:create" });

  const asked = await line.requestElevation({ scope: ["notes:create"], reason: "the drafting agent is away", minutes: 60 });
  if (asked.kind !== "pending") throw new Error(JSON.stringify(asked));
  expect(asked.approvalUrl).toBe(`${program.url}/elevations/${asked.ticket}`);
  const waiting = line.waitForApproval(asked.ticket);
  const given = await program.run("elevations", "approve", asked.ticket, "--as", "ada", "--for", "30m");
  expect(given.code, given.stderr).toBe(0);
  expect(given.stdout).toMatch(/^active by ada: agent `reader` of acme\/dev gets `notes:create` of the role `writer`/u);
  const granted = grantedElevation(await waiting);
  expect(granted).toMatchObject({ elevation: asked.ticket, role: "writer", scope: ["notes:create"], reconnectWith: undefined });
  expect((granted?.until.getTime() ?? 0) - Date.now()).toBeLessThanOrEqual(1_800_000);

  expect(await line.call("add_note", { text: "second" })).toMatchObject({ kind: "result", isError: false });
  const used = await program.run("audit", "query", "--rule", asked.ticket, "--json");
  expect(used.stdout).toContain("notes:create");
  expect((await program.run("elevations", "show", asked.ticket)).stdout).toMatch(/used by +1 calls/u);

  expect((await program.run("elevations", "revoke", asked.ticket, "--reason", "the drafting agent is back")).code).toBe(0);
  expect(await line.call("add_note", { text: "third" })).toMatchObject({ kind: "refused", code: "no_grant" });
  expect((await effects(notes)).map(({ args }) => args)).toEqual([{ text: "second" }]);
  await line.end();
});

test("killed and started again, the broker knows what was given and what still waits", async () => {
  const before = await connected();
  const asked = await before.requestElevation({ role: "writer", reason: "a long job" });
  if (asked.kind !== "pending") throw new Error(JSON.stringify(asked));
  await before.close();
  program.process.kill("SIGKILL");
  program = await startProgram(folders, { environment: ENVIRONMENT });
  expect((await program.run("elevations", "list", "--state", "pending")).stdout).toContain(asked.ticket);
  expect((await program.run("elevations", "approve", asked.ticket, "--as", "ada")).code).toBe(0);
  program.process.kill("SIGKILL");
  program = await startProgram(folders, { environment: ENVIRONMENT });
  const line = await connected();
  expect(grantedElevation(await line.waitForApproval(asked.ticket))).toMatchObject({ elevation: asked.ticket, scope: [] });
  expect(await line.call("add_note", { text: "after two kills" })).toMatchObject({ kind: "result", isError: false });
  await line.end();
});

test("an access request of the AuthZEN draft is made and polled with the agent's own proof, and a token alone does not do", async () => {
  const line = await connect({ url: program.url, key: await loadAgentKey(keyFile), user: "user-2", task: "task-2" });
  const refused = await line.call("add_note", { text: "x" });
  const dispatcher = new Agent();
  const session = await openAgentSession(
    { url: program.url, key: await loadAgentKey(keyFile), user: "user-2", task: "task-2" },
    dispatcher,
  );
  const endpoint = `${program.url}/access/v1/requests`;
  const body = JSON.stringify({
    subject: { type: "agent", id: AGENTS.reading },
    resource: { type: "tool", id: "notes" },
    action: { name: "notes:create" },
    context: { business_justification: "the drafting agent is away" },
    denial: { evaluation_id: refused.kind === "refused" ? refused.callId : "", expires_at: new Date(Date.now() + 60_000).toISOString() },
  });
  const { headers, token } = await session.authorize({ method: "POST", url: endpoint });
  const send = (sent: Record<string, string>): Promise<Response> =>
    fetch(endpoint, { method: "POST", headers: { "content-type": "application/json", ...sent }, body });
  expect((await send({ authorization: `Bearer ${token}` })).status).toBe(401);
  const asked = await send({ ...headers });
  expect(asked.status, await asked.clone().text()).toBe(202);
  const { task } = (await asked.json()) as { task: { id: string; status: string; status_endpoint: string } };
  // A copy of the request is worth nothing: its proof is spent.
  expect((await send({ ...headers })).status).toBe(401);
  expect((await program.run("elevations", "deny", task.id, "--as", "ada", "--reason", "not for this")).code).toBe(0);
  const poll = await session.authorize({ method: "GET", url: task.status_endpoint });
  expect(await (await fetch(task.status_endpoint, { headers: { ...poll.headers } })).json()).toMatchObject({
    task: { id: task.id, status: "denied" },
  });
  await session.end();
  await dispatcher.close();
  await line.end();
});

test("a draft that this version does not speak is said at the start", async () => {
  const other = { policy: folders.policy, data: join(home.path, "other") };
  await expect(startProgram(other, { environment: { BAILIWICK_AUTHZEN_ACCESS_REQUESTS: "draft-9" } })).rejects.toThrow(
    "`draft-9`, which this version does not speak",
  );
});
