/**
 * One toolset of the helpdesk over stdio: `node stdio.ts billing`.
 * It logs in to its database with what its environment holds: HELPDESK_DATABASE_HOST, HELPDESK_DATABASE_PORT,
 * HELPDESK_DATABASE, HELPDESK_DATABASE_USER and, as its only secret, HELPDESK_DATABASE_PASSWORD.
 */
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { openDatabase } from "./database.ts";
import { isToolset, toolsetServer } from "./toolsets.ts";

const toolset = process.argv[2];
if (!isToolset(toolset)) {
  console.error(`\`${toolset ?? ""}\` is no toolset; write tickets, customers, knowledge or billing`);
  process.exit(2);
}

const pool = openDatabase({
  host: fromEnvironment("HELPDESK_DATABASE_HOST"),
  port: Number(fromEnvironment("HELPDESK_DATABASE_PORT")),
  database: fromEnvironment("HELPDESK_DATABASE"),
  user: fromEnvironment("HELPDESK_DATABASE_USER"),
  password: fromEnvironment("HELPDESK_DATABASE_PASSWORD"),
});

serveStdio(() => toolsetServer(toolset, pool));

function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") {
    console.error(`\`${name}\` is not set, so the database cannot be reached; set it in the environment of this server`);
    process.exit(2);
  }
  return value;
}
