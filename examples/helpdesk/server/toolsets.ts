import { McpServer } from "@modelcontextprotocol/server";
import type { Pool } from "pg";
import { registerBilling } from "./billing.ts";
import { registerCustomers } from "./customers.ts";
import { registerKnowledge } from "./knowledge.ts";
import { registerTickets } from "./tickets.ts";

/** The parts of the helpdesk, each an MCP server of its own on the wire. */
export const TOOLSETS = {
  tickets: registerTickets,
  customers: registerCustomers,
  knowledge: registerKnowledge,
  billing: registerBilling,
} as const;

export type Toolset = keyof typeof TOOLSETS;

export function isToolset(name: string | undefined): name is Toolset {
  return name !== undefined && Object.hasOwn(TOOLSETS, name);
}

export function toolsetServer(toolset: Toolset, pool: Pool): McpServer {
  const server = new McpServer({ name: `helpdesk-${toolset}`, version: "1.0.0" });
  TOOLSETS[toolset](server, pool);
  return server;
}
