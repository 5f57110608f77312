import type { Connect } from "@bailiwick/policy";
import type { Equipment } from "../../domain/tool.ts";
import { requireBoundHost } from "../mcp-client/index.ts";

/** Keeps a credential from an address it is not bound to; programs this machine starts have none. @throws Fault `credential_unavailable`. */
export function requireHost(tool: string, connect: Connect, equipment: Equipment): void {
  if (equipment.hosts === undefined || isStdio(connect)) return;
  if ("smtp" in connect) return requireBoundHost(tool, equipment, connect.smtp.host, connect.smtp.port);
  if ("postgres" in connect) return requireBoundHost(tool, equipment, connect.postgres.host, connect.postgres.port ?? "5432");
  const address = "http" in connect ? connect.http.url : "mcp" in connect && "url" in connect.mcp ? connect.mcp.url : undefined;
  if (address === undefined) return;
  const url = URL.parse(address);
  // What is no address is refused where the connection is made.
  if (url !== null) requireBoundHost(tool, equipment, url.hostname, url.port === "" ? (url.protocol === "http:" ? "80" : "443") : url.port);
}

export function isStdio(connect: Connect): boolean {
  return "mcp" in connect && "command" in connect.mcp;
}
