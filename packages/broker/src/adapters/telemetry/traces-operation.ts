import type { Attributes } from "@opentelemetry/api";
import type { Connect, Operation } from "@bailiwick/policy";
import { GEN_AI, GENERAL, MCP_METHOD } from "./traces-names.ts";

const METHODS: Readonly<Record<Operation["kind"], string>> = { tool: "tools/call", resource: "resources/read", prompt: "prompts/get" };

/** The method of MCP by which an operation is asked for. */
export function methodOf(kind: Operation["kind"]): string {
  return METHODS[kind];
}

/** What a span says of a catalogued operation; the URI of a resource is left out, it may name a record. */
export function operationAttributes({ kind, name }: { readonly kind: Operation["kind"]; readonly name?: string | undefined }): Attributes {
  return {
    [MCP_METHOD]: methodOf(kind),
    ...(kind === "tool" ? { [GEN_AI.operation]: GEN_AI.executeTool } : {}),
    ...(kind === "tool" && name !== undefined ? { [GEN_AI.tool]: name } : {}),
    ...(kind === "prompt" && name !== undefined ? { [GEN_AI.prompt]: name } : {}),
  };
}

/** The name of a request to a tool; `connect` is how the catalog reaches it. */
export function requestName(operation: Operation, connect: Connect | undefined): string {
  const verb = connect !== undefined && !("mcp" in connect) ? GEN_AI.executeTool : methodOf(operation.kind);
  return operation.kind === "resource" ? verb : `${verb} ${operation.name}`;
}

/** What is said of it. Addresses as the catalog has them; one that is filled in when connecting may hold anything and is left out. */
export function requestAttributes(operation: Operation, connect: Connect | undefined): Attributes {
  const { [MCP_METHOD]: method, ...about } = operationAttributes(operation);
  if (connect === undefined) return about;
  if ("smtp" in connect) return { ...about, ...address(connect.smtp.host, connect.smtp.port) };
  if ("egress" in connect) return about;
  if ("http" in connect) return { ...about, ...addressOf(connect.http.url) };
  if ("postgres" in connect) return { ...about, ...address(connect.postgres.host, connect.postgres.port ?? "5432") };
  const mcp = { ...about, [MCP_METHOD]: method };
  if ("command" in connect.mcp) return { ...mcp, [GENERAL.transport]: "pipe" };
  return { ...mcp, ...addressOf(connect.mcp.url) };
}

function addressOf(text: string): Attributes {
  const url = text.includes("${") ? null : URL.parse(text);
  if (url === null) return { [GENERAL.transport]: "tcp" };
  return address(url.hostname, url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port);
}

function address(host: string, port: string): Attributes {
  const number = Number(port);
  return {
    [GENERAL.transport]: "tcp",
    ...(host.includes("${")
      ? {}
      : { [GENERAL.serverAddress]: host, ...(Number.isInteger(number) ? { [GENERAL.serverPort]: number } : {}) }),
  };
}
