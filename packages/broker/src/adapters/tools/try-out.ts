import type { Policy } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import type { ConnectionKey, Equipment } from "../../domain/tool.ts";
import { tryHttpCredential } from "../http-tool/probe.ts";
import { tryLogin } from "../postgres-tool/login-roles.ts";
import { tryMailLogin } from "../smtp-tool/deliver.ts";
import { fillConnect } from "./fill-connect.ts";
import { makeConnection } from "./make-connection.ts";
import { requireHost } from "./require-host.ts";

/** Uses a credential once at its tool, on a connection of its own, without any effect. @throws Fault or ToolError when it is not taken. */
export type TryOut = (key: ConnectionKey, equipment: Equipment) => Promise<void>;

/** How long a mail server may take to accept or refuse a login. */
const MAIL_TIMEOUT_MS = 10_000;

/** Databases and mail servers are logged in to; MCP servers are asked for their list, and APIs for a reviewed read without arguments. Hosts are checked as for a call. */
export function createTryOut(policy: () => Policy, environment: (name: string) => string | undefined): TryOut {
  return async (key, equipment) => {
    const tool = policy().tools.find((each) => each.tool === key.tool);
    if (tool === undefined) throw new Fault("tool_unavailable", `the tool \`${key.tool}\` is no longer in the policy`);
    const connect = fillConnect(tool.connect, key, environment);
    requireHost(key.tool, connect, equipment);
    const { login } = equipment;
    if ("postgres" in connect || "smtp" in connect) {
      if (login === undefined)
        throw new Fault("credential_unavailable", `\`${key.tool}\` takes a login; write \`inject: { login: <user> }\``);
      if ("postgres" in connect) return tryLogin(connect.postgres, login);
      const { host, port, from } = connect.smtp;
      return tryMailLogin({ host, port: Number(port), from, login }, MAIL_TIMEOUT_MS);
    }
    if ("http" in connect) return tryHttpCredential(key, tool, connect.http, equipment);
    const made = makeConnection(key, tool, connect, equipment, environment, () => undefined);
    try {
      await made.connection.listing();
    } finally {
      await made.connection.close();
    }
  };
}
