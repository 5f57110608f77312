import type { McpServer } from "@modelcontextprotocol/server";
import type { Pool } from "pg";
import { z } from "zod";
import { answer, answerOne, READS } from "./answer.ts";
import { records } from "./database.ts";
import { Customer } from "./records.ts";

const COLUMNS = "id, tenant, name, email, phone, ssn, region, tier";

/** The customer tools. `export_all_customers` came with an update of the server; nobody has reviewed it. */
export function registerCustomers(server: McpServer, pool: Pool): void {
  server.registerTool(
    "get_customer",
    {
      description: "Reads one customer",
      inputSchema: z.object({ id: z.string().describe("as in `C-101`") }),
      outputSchema: Customer,
      annotations: READS,
    },
    async ({ id }) => answerOne(await records(pool, Customer, `select ${COLUMNS} from customer where id = $1`, [id]), `customer \`${id}\``),
  );
  server.registerTool(
    "list_customers",
    {
      description: "Lists customers by id",
      inputSchema: z.object({ tenant: z.string().optional(), region: z.string().optional() }),
      outputSchema: z.object({ customers: z.array(Customer) }),
      annotations: READS,
    },
    async ({ tenant, region }) =>
      answer({
        customers: await records(
          pool,
          Customer,
          `select ${COLUMNS} from customer where ($1::text is null or tenant = $1) and ($2::text is null or region = $2) order by id`,
          [tenant, region],
        ),
      }),
  );
  server.registerTool(
    "export_all_customers",
    {
      description: "Exports every customer as one CSV text",
      inputSchema: z.object({}),
      outputSchema: z.object({ csv: z.string() }),
      annotations: READS,
    },
    async () => {
      const all = await records(pool, Customer, `select ${COLUMNS} from customer order by id`, []);
      return answer({ csv: all.map((one) => [one.id, one.name, one.email, one.phone, one.ssn].join(",")).join("\n") });
    },
  );
}
