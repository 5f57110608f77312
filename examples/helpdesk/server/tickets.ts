import type { McpServer } from "@modelcontextprotocol/server";
import type { Pool } from "pg";
import { z } from "zod";
import { answer, answerOne, DESTROYS, READS, WRITES } from "./answer.ts";
import { records, utc } from "./database.ts";
import { Ticket } from "./records.ts";

const COLUMNS = `t.id, t.tenant, t.region, t.tier, t.status, t.priority, t.assignee, t.subject, t.body, t.internal_notes,
  jsonb_build_object('id', c.id, 'name', c.name, 'email', c.email, 'phone', c.phone, 'ssn', c.ssn) as customer, ${utc("t.updated_at")} as updated_at`;

const STATUS = z.enum(["open", "pending", "solved", "closed"]);

/** The ticket tools. They answer for every tenant that is asked for: this server trusts its key. */
export function registerTickets(server: McpServer, pool: Pool): void {
  registerTicketReads(server, pool);
  registerTicketWrites(server, pool);
}

function registerTicketReads(server: McpServer, pool: Pool): void {
  server.registerTool(
    "list_tickets",
    {
      description: "Lists tickets, newest first",
      inputSchema: z.object({ tenant: z.string().optional(), status: STATUS.optional() }),
      outputSchema: z.object({ tickets: z.array(Ticket) }),
      annotations: READS,
    },
    async ({ tenant, status }) =>
      answer({
        tickets: await records(
          pool,
          Ticket,
          `select ${COLUMNS} from ticket t join customer c on c.id = t.customer
           where ($1::text is null or t.tenant = $1) and ($2::text is null or t.status = $2) order by t.updated_at desc, t.id`,
          [tenant, status],
        ),
      }),
  );
  server.registerTool(
    "get_ticket",
    {
      description: "Reads one ticket with its mail and its customer",
      inputSchema: z.object({ id: z.string().describe("as in `T-1001`") }),
      outputSchema: Ticket,
      annotations: READS,
    },
    async ({ id }) => answerOne(await ticketById(pool, id), `ticket \`${id}\``),
  );
}

function registerTicketWrites(server: McpServer, pool: Pool): void {
  server.registerTool(
    "create_ticket",
    {
      description: "Opens a ticket for a customer",
      inputSchema: z.object({
        tenant: z.string(),
        customer: z.string(),
        subject: z.string(),
        body: z.string(),
        priority: z.int().min(1).max(4).optional(),
      }),
      outputSchema: Ticket,
      annotations: WRITES,
    },
    async ({ tenant, customer, subject, body, priority }) => {
      const { rows } = await pool.query<{ id: string }>(
        `insert into ticket (id, tenant, customer, region, tier, status, priority, subject, body)
         select 'T-' || nextval('ticket_number'), $1, c.id, c.region, c.tier, 'open', coalesce($5, 3), $3, $4 from customer c where c.id = $2 and c.tenant = $1 returning id`,
        [tenant, customer, subject, body, priority],
      );
      return answerOne(await ticketById(pool, rows[0]?.id ?? ""), `customer \`${customer}\` of \`${tenant}\``);
    },
  );
  server.registerTool(
    "update_ticket",
    {
      description: "Changes the named fields of one ticket",
      inputSchema: z.object({
        id: z.string(),
        status: STATUS.optional(),
        assignee: z.string().optional(),
        priority: z.int().min(1).max(4).optional(),
      }),
      outputSchema: Ticket,
      annotations: WRITES,
    },
    async ({ id, status, assignee, priority }) => {
      await pool.query(
        "update ticket set status = coalesce($2, status), assignee = coalesce($3, assignee), priority = coalesce($4, priority), updated_at = now() where id = $1",
        [id, status, assignee, priority],
      );
      return answerOne(await ticketById(pool, id), `ticket \`${id}\``);
    },
  );
  server.registerTool(
    "delete_ticket",
    {
      description: "Deletes one ticket for good",
      inputSchema: z.object({ id: z.string() }),
      outputSchema: z.object({ deleted: z.array(z.string()) }),
      annotations: DESTROYS,
    },
    async ({ id }) => {
      const { rows } = await pool.query<{ id: string }>("delete from ticket where id = $1 returning id", [id]);
      return answer({ deleted: rows.map((row) => row.id) });
    },
  );
  server.registerTool(
    "bulk_close",
    {
      description: "Closes all named tickets",
      inputSchema: z.object({ tenant: z.string(), ids: z.array(z.string()) }),
      outputSchema: z.object({ closed: z.array(z.string()) }),
      annotations: WRITES,
    },
    async ({ tenant, ids }) => {
      const { rows } = await pool.query<{ id: string }>(
        "update ticket set status = 'closed', updated_at = now() where tenant = $1 and id = any($2) returning id",
        [tenant, ids],
      );
      return answer({ closed: rows.map((row) => row.id) });
    },
  );
}

function ticketById(pool: Pool, id: string): Promise<z.output<typeof Ticket>[]> {
  return records(pool, Ticket, `select ${COLUMNS} from ticket t join customer c on c.id = t.customer where t.id = $1`, [id]);
}
