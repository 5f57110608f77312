import { load, type Policy } from "@bailiwick/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { explainCall } from "../../src/insight/explain-call.ts";
import { companyFiles } from "../people-support/company.ts";
import { type Ask, openRestHouse, recordCall, type RestHouse } from "../people-support/rest.ts";

const SECRET = "4711-0815-hunter2";
const MAIL = "customer@elsewhere.example";

let house: RestHouse;
let lena: Ask;
let olaf: Ask;

const PIN_FITS = "context.args has pin && context.args.pin == resource.pin";

/** The company, whose tickets have a secret and a field about a person; operators see the latter. */
function labelled(): Policy {
  const files = companyFiles.map(({ path, text }) => {
    if (path === "bailiwick.yaml") return { path, text: `${text}reveal: { pii: [operator], secret: [] }\n` };
    if (path === "roles/support.yaml") return { path, text: text.replace("    approve:", `    rows: ${PIN_FITS}\n    approve:`) };
    if (path !== "tools/tickets.yaml") return { path, text };
    const fields = text.replace("{ id: string, status: string }", "{ id: string, status: string, pin: string, mail: string }");
    const labels = "    labels: { pin: [secret], mail: [pii] }\n";
    return {
      path,
      text: fields
        .replace(
          'args: { id: string, "status?": string }\n',
          `args: { id: string, "status?": string, "pin?": string, "mail?": string }\n${labels}`,
        )
        .replace("    returns: { type: Ticket, at: result }\n", `    returns: { type: Ticket, at: result }\n${labels}`),
    };
  });
  const loaded = load(files);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  return loaded.policy;
}

const values = { id: "T-1", status: "open", pin: SECRET, mail: MAIL };
const operation = { tool: "tickets", kind: "tool", name: "update_ticket" };

beforeAll(async () => {
  const policy = labelled();
  house = await openRestHouse({
    policy: () => policy,
    explain: async (tenant, callId) => explainCall(house.store.log, policy, tenant, callId),
  });
  [lena, olaf] = [await house.as("lena"), await house.as("olaf")];
  const facts = { operation, args: values, resource: { type: "Ticket", id: "T-1", attributes: values }, user: "ana", task: "T-1" };
  await recordCall(house, "call_labelled", "intent", {}, facts);
  await recordCall(house, "call_labelled", "outcome", { status: "succeeded" }, { after: values });
  await recordCall(house, "call_labelled", "admin", { event: "approval.approve" }, { argsDigest: "sha256:of-the-hidden" });
  const asked = { ...facts, args: { ...values, pin: "0000" }, data: {}, scope: ["tickets:*"] };
  await recordCall(house, "call_guessed", "refusal", { verdict: "deny", code: "no_grant" }, asked);
  await recordCall(
    house,
    "call_elsewhere",
    "refusal",
    {},
    {
      ...facts,
      operation: { ...operation, name: "gone" },
      limits: [{ key: "cost", amount: 98_765 }],
    },
  );
  await recordCall(house, "call_asked", "refusal", {}, { asked: { kind: "tool", name: "drop_everything" }, user: "ana", task: "T-1" });
});
afterAll(async () => {
  await house.close();
});

const detail = z.object({ facts: z.record(z.string(), z.unknown()) });

async function factsOf(ask: Ask, callId: string): Promise<Readonly<Record<string, unknown>>> {
  return detail.parse(await (await ask("GET", `/api/v1/calls/${callId}`)).json()).facts;
}

test("arguments, and the record before and after, are masked for whoever the policy does not reveal a label to", async () => {
  const { args, resource, after, ...rest } = await factsOf(lena, "call_labelled");
  for (const shown of [args, resource, after]) {
    const text = JSON.stringify(shown);
    expect(text).toContain("T-1");
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(MAIL);
  }
  expect(rest).toMatchObject({ operation, user: "ana" });
  // From a digest they could be guessed.
  expect(rest).not.toHaveProperty("argsDigest");
});

test("whoever holds a role that a label is revealed to sees that value, and no other", async () => {
  const { args } = await factsOf(olaf, "call_labelled");
  expect(args).toMatchObject({ mail: MAIL, status: "open" });
  expect(JSON.stringify(args)).not.toContain(SECRET);
});

test("the operator key is no person and sees no masked value", async () => {
  const text = JSON.stringify(await factsOf(house.operator, "call_labelled"));
  expect(text).not.toContain(SECRET);
  expect(text).not.toContain(MAIL);
});

test("values of an action that the catalog no longer has are hidden whole, because nothing says what they are", async () => {
  const text = JSON.stringify(await factsOf(olaf, "call_elsewhere"));
  expect(text).not.toContain("98765");
  expect(text).not.toContain(SECRET);
  expect(text).not.toContain(MAIL);
});

test("what an agent asked for that no catalog has is shown", async () => {
  expect(await factsOf(lena, "call_asked")).toMatchObject({ asked: { kind: "tool", name: "drop_everything" } });
});

test("an explanation says what would change a call, but not by a value that is hidden from whoever reads it", async () => {
  const text = await (await lena("GET", "/api/v1/calls/call_guessed/explanation")).text();
  expect(text).toContain("row_not_permitted");
  expect(text).not.toContain(SECRET);
  expect(await (await house.operator("GET", "/api/v1/calls/call_guessed/explanation")).text()).not.toContain(SECRET);
});
