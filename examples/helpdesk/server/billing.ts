import type { McpServer } from "@modelcontextprotocol/server";
import type { Pool } from "pg";
import { z } from "zod";
import { answer, answerOne, DESTROYS, failure, READS, WRITES } from "./answer.ts";
import { records } from "./database.ts";
import { Account, Invoice } from "./records.ts";

const COLUMNS = "id, tenant, customer, amount, refunded, currency, status, description, due::text as due";

/** The billing tools: real money, so a refund is never undone by this server. */
export function registerBilling(server: McpServer, pool: Pool): void {
  registerBillingReads(server, pool);
  server.registerTool(
    "create_invoice",
    {
      description: "Makes an invoice over an amount in EUR",
      inputSchema: z.object({
        tenant: z.string(),
        customer: z.string(),
        amount: z.number().positive(),
        description: z.string(),
        due: z.string().describe("a date, as in `2026-12-31`"),
      }),
      outputSchema: Invoice,
      annotations: WRITES,
    },
    async ({ tenant, customer, amount, description, due }) => {
      const { rows } = await pool.query<{ id: string }>(
        `insert into invoice (id, tenant, customer, amount, status, description, due)
         select 'INV-' || nextval('invoice_number'), $1, c.id, $3, 'open', $4, $5 from customer c where c.id = $2 and c.tenant = $1 returning id`,
        [tenant, customer, amount, description, due],
      );
      return answerOne(await invoiceById(pool, rows[0]?.id ?? ""), `customer \`${customer}\` of \`${tenant}\``);
    },
  );
  server.registerTool(
    "refund",
    {
      description: "Pays money back on a paid invoice",
      inputSchema: z.object({ invoice: z.string(), amount: z.number().positive(), reason: z.string() }),
      outputSchema: Invoice,
      annotations: DESTROYS,
    },
    async ({ invoice, amount }) => {
      const { rowCount } = await pool.query(
        `update invoice set refunded = refunded + $2, status = case when refunded + $2 = amount then 'refunded' else status end
         where id = $1 and status = 'paid' and refunded + $2 <= amount`,
        [invoice, amount],
      );
      if (rowCount === 0) return failure(`invoice \`${invoice}\` is not paid, or less than ${amount} is left to refund`);
      return answerOne(await invoiceById(pool, invoice), `invoice \`${invoice}\``);
    },
  );
}

function registerBillingReads(server: McpServer, pool: Pool): void {
  server.registerTool(
    "list_invoices",
    {
      description: "Lists invoices by id",
      inputSchema: z.object({ tenant: z.string().optional(), status: z.enum(["open", "paid", "refunded"]).optional() }),
      outputSchema: z.object({ invoices: z.array(Invoice) }),
      annotations: READS,
    },
    async ({ tenant, status }) =>
      answer({
        invoices: await records(
          pool,
          Invoice,
          `select ${COLUMNS} from invoice where ($1::text is null or tenant = $1) and ($2::text is null or status = $2) order by id`,
          [tenant, status],
        ),
      }),
  );
  server.registerTool(
    "get_invoice",
    {
      description: "Reads one invoice",
      inputSchema: z.object({ id: z.string().describe("as in `INV-1001`") }),
      outputSchema: Invoice,
      annotations: READS,
    },
    async ({ id }) => answerOne(await invoiceById(pool, id), `invoice \`${id}\``),
  );
  server.registerTool(
    "get_account",
    {
      description: "Reads what a customer owes",
      inputSchema: z.object({ customer: z.string() }),
      outputSchema: Account,
      annotations: READS,
    },
    async ({ customer }) =>
      answerOne(
        await records(
          pool,
          Account,
          `select c.id as customer, c.tenant, c.name, c.email, coalesce(sum(i.amount) filter (where i.status = 'open'), 0) as owed
           from customer c left join invoice i on i.customer = c.id where c.id = $1 group by c.id`,
          [customer],
        ),
        `customer \`${customer}\``,
      ),
  );
}

function invoiceById(pool: Pool, id: string): Promise<z.output<typeof Invoice>[]> {
  return records(pool, Invoice, `select ${COLUMNS} from invoice where id = $1`, [id]);
}
