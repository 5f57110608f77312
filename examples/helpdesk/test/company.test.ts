import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Company, startCompany } from "../company.ts";
import { startEmbedded } from "bailiwick/embedded-postgres";

let folder: string;
let company: Company;
const clients: Client[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "helpdesk-"));
  company = await startCompany({ dataFolder: folder, startDatabase: startEmbedded });
});

afterAll(async () => {
  for (const client of clients) await client.close();
  await company.close();
  await rm(folder, { recursive: true, force: true });
});

function secretOf(name: string, tenant = "acme", environment = "prod"): string {
  return company.secrets.find((one) => one.name === name && one.tenant === tenant && one.environment === environment)?.value ?? "";
}

async function connectHttp(toolset: string, key: string): Promise<Client> {
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${company.environment["HELPDESK_URL"]}/prod/${toolset}/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${key}` } },
    }),
  );
  clients.push(client);
  return client;
}

async function connectBilling(password: string): Promise<Client> {
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [company.environment["HELPDESK_SERVER"] ?? "", "billing"],
      env: {
        HELPDESK_DATABASE_HOST: company.environment["HELPDESK_DATABASE_HOST"] ?? "",
        HELPDESK_DATABASE_PORT: company.environment["HELPDESK_DATABASE_PORT"] ?? "",
        HELPDESK_DATABASE: "helpdesk_prod",
        HELPDESK_DATABASE_USER: "helpdesk_billing",
        HELPDESK_DATABASE_PASSWORD: password,
      },
    }),
  );
  clients.push(client);
  return client;
}

describe("the helpdesk server", () => {
  test("answers the records of both tenants to whoever holds a key", async () => {
    const client = await connectHttp("tickets", secretOf("helpdesk-api"));
    const { structuredContent } = await client.callTool({ name: "list_tickets", arguments: {} });
    expect(structuredContent).toMatchObject({
      tickets: expect.arrayContaining([expect.objectContaining({ tenant: "acme" }), expect.objectContaining({ tenant: "globex" })]),
    });
    const mine = await client.callTool({ name: "list_tickets", arguments: { tenant: "acme" } });
    expect(Reflect.get(Object(mine.structuredContent), "tickets")).toHaveLength(30);
  });

  test.each(["", "wrong", "dev"])("a missing, wrong or other environment's key is refused: `%s`", async (kind) => {
    const key = kind === "dev" ? secretOf("helpdesk-api", "acme", "dev") : kind;
    await expect(connectHttp("tickets", key)).rejects.toThrow();
  });

  test("an update changes the row and answers it", async () => {
    const client = await connectHttp("tickets", secretOf("helpdesk-api"));
    const { structuredContent } = await client.callTool({ name: "update_ticket", arguments: { id: "T-2001", status: "solved" } });
    expect(structuredContent).toMatchObject({ id: "T-2001", status: "solved" });
    expect(await company.effects.rows("prod", "select status from ticket where id = 'T-2001'")).toEqual([{ status: "solved" }]);
    expect(await company.effects.rows("dev", "select status from ticket where id = 'T-2001'")).toEqual([{ status: "open" }]);
  });

  test("a ticket is opened, closed in bulk and deleted", async () => {
    const client = await connectHttp("tickets", secretOf("helpdesk-api"));
    const made = await client.callTool({
      name: "create_ticket",
      arguments: { tenant: "acme", customer: "C-101", subject: "s", body: "b" },
    });
    const id: unknown = Reflect.get(Object(made.structuredContent), "id");
    expect((await client.callTool({ name: "bulk_close", arguments: { tenant: "acme", ids: [id, "T-2002"] } })).structuredContent).toEqual({
      closed: [id],
    });
    expect((await client.callTool({ name: "delete_ticket", arguments: { id } })).structuredContent).toEqual({ deleted: [id] });
  });

  test("a record that is not there is the tool's own error", async () => {
    const client = await connectHttp("tickets", secretOf("helpdesk-api"));
    expect(await client.callTool({ name: "get_ticket", arguments: { id: "T-0" } })).toMatchObject({ isError: true });
  });

  test("knowledge is written and found, and offers a resource and a prompt", async () => {
    const client = await connectHttp("knowledge", secretOf("helpdesk-api"));
    await client.callTool({ name: "write_article", arguments: { tenant: "acme", id: "welcome", title: "Welcome", body: "first steps" } });
    const found = await client.callTool({ name: "search_articles", arguments: { tenant: "acme", query: "FIRST" } });
    expect(found.structuredContent).toMatchObject({ articles: [{ id: "welcome" }] });
    expect((await client.readResource({ uri: "kb://handbook/tone-of-voice" })).contents).toHaveLength(1);
    expect((await client.getPrompt({ name: "triage", arguments: { ticket: "T-1" } })).messages).toHaveLength(1);
  });

  test("customers carry what agents should not see, and the export gives away everything", async () => {
    const client = await connectHttp("customers", secretOf("helpdesk-api"));
    expect((await client.callTool({ name: "get_customer", arguments: { id: "C-101" } })).structuredContent).toMatchObject({
      ssn: expect.stringMatching(/^000-/),
    });
    const { structuredContent } = await client.callTool({ name: "export_all_customers", arguments: {} });
    expect(String(Reflect.get(Object(structuredContent), "csv")).split("\n")).toHaveLength(18);
  });
});

describe("the billing server over stdio", () => {
  test("logs in with the password from its environment, and makes and refunds invoices", async () => {
    const client = await connectBilling(secretOf("billing-database"));
    const made = await client.callTool({
      name: "create_invoice",
      arguments: { tenant: "acme", customer: "C-101", amount: 99.5, description: "setup", due: "2026-12-31" },
    });
    expect(made.structuredContent).toMatchObject({ amount: 99.5, status: "open" });
    const refunded = await client.callTool({ name: "refund", arguments: { invoice: "INV-1001", amount: 20, reason: "outage" } });
    expect(refunded.structuredContent).toMatchObject({ refunded: 20, status: "paid" });
    expect(await client.callTool({ name: "refund", arguments: { invoice: "INV-1001", amount: 9999, reason: "greed" } })).toMatchObject({
      isError: true,
    });
    expect((await client.callTool({ name: "get_account", arguments: { customer: "C-101" } })).structuredContent).toMatchObject({
      owed: 99.5,
    });
  });

  test("fails each call when the password is wrong, without naming it", async () => {
    const client = await connectBilling("not-the-password");
    const result = await client.callTool({ name: "list_invoices", arguments: {} });
    expect(result.isError).toBe(true);
    expect(JSON.stringify(result)).not.toContain("not-the-password");
  });
});

test("every secret is a value of its own per system, and none is in the environment handed to the policy", () => {
  const text = JSON.stringify(company.environment);
  for (const { value } of company.secrets) expect(text).not.toContain(value);
  const keys = company.secrets.filter((one) => one.name === "helpdesk-api").map((one) => one.value);
  expect(new Set(keys).size).toBe(4);
});

test("the programs' logins reach no more than their own tables", async () => {
  await expect(withLogin("helpdesk_reports", secretOf("reports-database"), "select ssn from customer")).rejects.toThrow(
    /permission denied/,
  );
  await expect(withLogin("helpdesk_billing", secretOf("billing-database"), "select body from ticket")).rejects.toThrow(/permission denied/);
});

async function withLogin(user: string, password: string, sql: string): Promise<void> {
  const { openDatabase } = await import("../server/database.ts");
  const pool = openDatabase({ ...company.effects.address, database: "helpdesk_prod", user, password });
  try {
    await pool.query(sql);
  } finally {
    await pool.end();
  }
}

test("nothing is left running after the company closed", async () => {
  const other = await startCompany({ dataFolder: join(folder, "second"), startDatabase: startEmbedded });
  await other.close();
  expect(execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })).not.toContain(join(folder, "second"));
});
