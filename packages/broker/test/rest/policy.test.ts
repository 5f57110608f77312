import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { catalogSchema, policyFilesSchema, triedSchema } from "../../src/rest-contract/rights.ts";
import { load, type Policy } from "@bailiwick/policy";
import type { PolicyFolder } from "../../src/domain/policy-folder.ts";
import { companyFiles } from "../people-support/company.ts";
import { type Ask, openRestHouse, type RestHouse, SUPPORT_BOT } from "../people-support/rest.ts";

/** The company with an owner and an auditor of every tenant, and an author of one. */
const FILES = companyFiles.map(({ path, text }) =>
  path === "bailiwick.yaml"
    ? {
        path,
        text: `${text}  anke: { name: Anke Auditor, email: anke@platform.example, tenants: [acme, globex], roles: [auditor] }
  arne: { name: Arne Author, email: arne@acme.example, tenants: [acme], roles: [author] }
  sina: { name: Sina Support, email: sina@platform.example, tenants: [acme, globex], roles: [support-lead] }
`,
      }
    : { path, text },
);
const problemSchema = z.object({ code: z.string(), detail: z.string(), next: z.array(z.string()) });

let house: RestHouse;
let policy: Policy;
let folder: PolicyFolder = { files: FILES };
beforeAll(async () => {
  const loaded = load(FILES);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  policy = loaded.policy;
  house = await openRestHouse({ policy: () => policy, policyFolder: () => folder });
});
afterAll(async () => house.close());

async function problemOf(answer: Response): Promise<z.output<typeof problemSchema>> {
  return problemSchema.parse(await answer.json());
}

async function files(ask: Ask): Promise<z.output<typeof policyFilesSchema>> {
  const answer = await ask("GET", "/api/v1/policy/files");
  expect(answer.status).toBe(200);
  return policyFilesSchema.parse(await answer.json());
}

async function tryOut(ask: Ask, body: object): Promise<z.output<typeof triedSchema>> {
  const answer = await ask("POST", "/api/v1/policy/try", body);
  expect(answer.status).toBe(200);
  return triedSchema.parse(await answer.json());
}

test("the files are those of the version in force, with its warnings", async () => {
  const answer = await files(await house.as("ines"));
  expect(answer).toMatchObject({ version: policy.version, files: FILES });
  expect(answer.warnings).toEqual(policy.warnings);
  expect(answer.rejected).toBeUndefined();
});

test("when the folder does not load, the changed files come with what is wrong, beside those in force", async () => {
  const broken = FILES.filter(({ path }) => path !== "tests/support.yaml").map(({ path, text }) =>
    path === "roles/support.yaml" ? { path, text: text.replace("tickets:update", "tickets:updat") } : { path, text },
  );
  const result = load(broken);
  if (result.ok) throw new Error("the broken folder loads");
  folder = { files: FILES, rejected: { files: broken, diagnostics: result.diagnostics } };
  const { rejected, ...inForce } = await files(await house.as("ines"));
  folder = { files: FILES };
  expect(inForce.files).toEqual(FILES);
  expect(rejected?.files.map(({ path }) => path)).toEqual(["roles/support.yaml"]);
  expect(rejected?.removed).toEqual(["tests/support.yaml"]);
  expect(rejected?.diagnostics).toContainEqual(
    expect.objectContaining({ severity: "error", at: { file: "roles/support.yaml", line: 5 }, write: expect.any(String) }),
  );
});

test("of a folder that cannot be read no file is said to be gone", async () => {
  const diagnostic = { code: "folder", severity: "error", at: { file: "policy", line: 1 }, what: "w", why: "y", write: "z" } as const;
  folder = { files: FILES, rejected: { files: [], diagnostics: [diagnostic] } };
  const { rejected } = await files(await house.as("ines"));
  folder = { files: FILES };
  expect(rejected).toEqual({ files: [], removed: [], diagnostics: [diagnostic] });
});

test("owners, operators and auditors who have every tenant read the files, and so does the operator key", async () => {
  for (const person of ["ines", "olaf", "anke"]) expect((await files(await house.as(person))).files, person).toHaveLength(FILES.length);
  expect((await files(house.operator)).files).toHaveLength(FILES.length);
});

test("someone who has not every tenant does not read the files, whatever their role", async () => {
  for (const person of ["rudi", "greta", "arne"]) {
    const answer = await (await house.as(person))("GET", "/api/v1/policy/files");
    const problem = await problemOf(answer);
    expect([answer.status, problem.code], person).toEqual([403, "wrong_tenant"]);
    expect(JSON.stringify(problem)).not.toContain("sina");
  }
});

test("someone who has every tenant but none of the roles does not read the files", async () => {
  expect(await problemOf(await (await house.as("sina"))("GET", "/api/v1/policy/files"))).toMatchObject({ code: "role_required" });
});

test("without a sign-in there are no files, no catalog and nothing to try", async () => {
  for (const path of ["/policy/files", "/policy/catalog"])
    expect((await problemOf(await house.anyone("GET", `/api/v1${path}`))).code, path).toBe("unauthenticated");
  expect((await problemOf(await house.anyone("POST", "/api/v1/policy/try", {}))).code).toBe("unauthenticated");
});

test("the catalog names the person's own agents, and each action with its arguments and its record", async () => {
  const answer = await (await house.as("lena"))("GET", "/api/v1/policy/catalog");
  const { agents, actions } = catalogSchema.parse(await answer.json());
  expect(agents).toEqual([
    { name: "bailiwick://acme/dev/support/support-bot", eligible: [] },
    { name: SUPPORT_BOT, eligible: [] },
  ]);
  expect(actions[1]).toEqual({
    operation: { tool: "tickets", kind: "tool", name: "update_ticket" },
    action: "tickets.update_ticket",
    scope: "tickets:update",
    effect: "write",
    args: { id: "string", "status?": "string" },
    force: [],
    record: { type: "Ticket", fields: { id: "string", status: "string" } },
  });
});

test("a call that nobody made is decided like one that somebody makes, with the rules and what goes with it", async () => {
  const answer = await tryOut(await house.as("lena"), { agent: SUPPORT_BOT, action: "tickets.update_ticket", args: { id: "T-1" } });
  expect(answer).toMatchObject({ verdict: "ask", scope: "tickets:update", record: "unknown", policyVersion: policy.version });
  expect(answer.rules).toContainEqual(expect.objectContaining({ kind: "grant", at: { file: "roles/support.yaml", line: 5 } }));
  expect(answer.holds.join("\n")).toContain("approval by support-lead within");
});

test("a call whose arguments cannot be read is refused by the policy with the reason", async () => {
  const answer = await tryOut(await house.as("lena"), { agent: SUPPORT_BOT, action: "tickets.get_ticket", args: {} });
  expect(answer).toMatchObject({ verdict: "deny", refusal: { code: "argument_invalid" }, holds: [] });
});

test("trying leaves no trace in the log", async () => {
  const lena = await house.as("lena");
  const before = await house.store.log.read("acme", 0, 1_000);
  await tryOut(lena, { agent: SUPPORT_BOT, action: "tickets.get_ticket", args: { id: "T-1" } });
  expect(await house.store.log.read("acme", 0, 1_000)).toEqual(before);
});

test("an agent of another tenant cannot be tried, in the same words as one that does not exist", async () => {
  const lena = await house.as("lena");
  const asked = async (agent: string) => {
    const problem = await problemOf(await lena("POST", "/api/v1/policy/try", { agent, action: "tickets.get_ticket" }));
    return { ...problem, detail: problem.detail.replace(agent, "") };
  };
  const foreign = await asked("bailiwick://globex/prod/support/support-bot");
  expect(foreign).toMatchObject({ code: "malformed_request" });
  expect(foreign).toEqual(await asked("bailiwick://nowhere/prod/support/support-bot"));
  expect(JSON.stringify(foreign)).not.toContain("globex");
  expect((await problemOf(await lena("GET", "/api/v1/policy/catalog?tenant=globex"))).code).toBe("wrong_tenant");
});

test("a form that is not understood is refused with what to give", async () => {
  const lena = await house.as("lena");
  const call = { agent: SUPPORT_BOT, action: "tickets.get_ticket" };
  for (const body of [{}, { ...call, surprise: 1 }, { ...call, args: [] }, { ...call, at: "noon" }, { ...call, record: "T-1" }, "{"])
    expect((await problemOf(await lena("POST", "/api/v1/policy/try", body))).code, JSON.stringify(body)).toBe("malformed_request");
  const near = await problemOf(await lena("POST", "/api/v1/policy/try", { ...call, action: "tickets.get_tickets" }));
  expect(near.next).toEqual(["did you mean `tickets.get_ticket`?"]);
  const none = await problemOf(await lena("POST", "/api/v1/policy/try", { ...call, elevated: "refunds" }));
  expect(none).toMatchObject({ detail: "the agent may not ask for the role `refunds`", next: ["it is eligible for none"] });
});
