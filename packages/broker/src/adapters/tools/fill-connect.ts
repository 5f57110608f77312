import type { Connect } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import type { ConnectionKey } from "../../domain/tool.ts";

/**
 * Fills `${tenant}`, `${environment}`, `${workflow}` and `${env:NAME}` in every text of a tool's `connect`.
 * @throws Fault `tool_unavailable` naming the variable that is not set, or the placeholder that is not known.
 */
export function fillConnect(connect: Connect, key: ConnectionKey, environment: (name: string) => string | undefined): Connect {
  const fill = (text: string): string => text.replace(PLACEHOLDER, (_, name: string) => valueOf(name, key, environment));
  if ("smtp" in connect) {
    const { host, port, from } = connect.smtp;
    return { smtp: { host: fill(host), port: fill(port), from: fill(from) } };
  }
  if ("postgres" in connect) {
    const { host, port, database, role } = connect.postgres;
    const optional = { ...(port === undefined ? {} : { port: fill(port) }), ...(role === undefined ? {} : { role: fill(role) }) };
    return { postgres: { host: fill(host), database: fill(database), ...optional } };
  }
  if ("http" in connect) return { http: { ...connect.http, url: fill(connect.http.url) } };
  if ("egress" in connect) return connect;
  if ("url" in connect.mcp) return { mcp: { url: fill(connect.mcp.url) } };
  const { command, env, cwd } = connect.mcp;
  return {
    mcp: {
      command: command.map(fill),
      ...(env === undefined ? {} : { env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)])) }),
      ...(cwd === undefined ? {} : { cwd: fill(cwd) }),
    },
  };
}

const PLACEHOLDER = /\$\{([^}]*)\}/g;

function valueOf(name: string, key: ConnectionKey, environment: (name: string) => string | undefined): string {
  if (name === "tenant") return key.tenant;
  if (name === "environment") return key.environment;
  if (name === "workflow") return key.workflow;
  if (!name.startsWith("env:")) {
    const known = "${tenant}, ${environment}, ${workflow} or ${env:NAME}";
    throw new Fault("tool_unavailable", `the tool \`${key.tool}\` uses the unknown placeholder \`\${${name}}\`; write ${known}`);
  }
  const variable = name.slice("env:".length);
  const value = environment(variable);
  if (value === undefined || value === "") {
    const message = `the tool \`${key.tool}\` needs the environment variable \`${variable}\`, which is not set; set it and start the broker again`;
    throw new Fault("tool_unavailable", message);
  }
  return value;
}
