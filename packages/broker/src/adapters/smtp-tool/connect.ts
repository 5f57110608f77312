import type { CatalogTool, JsonObject } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import type { ConnectionKey, ToolConnection } from "../../domain/tool.ts";
import { ToolError } from "../../domain/tool.ts";
import { builtInTool, structuredResult } from "../built-in-tool.ts";
import { composeMail } from "./compose.ts";
import { deliver } from "./deliver.ts";
import { parseMail, SEND_INPUT_SCHEMA, SEND_OUTPUT_SCHEMA } from "./message.ts";

export interface SmtpToolOptions {
  /** PEM of further trusted certificate authorities; default none beside the system's. */
  readonly ca?: string | undefined;
}

/**
 * Mail as a tool with one action, `send`. Texts of `connect` are already filled in.
 * The login comes with each call (`equipment.login`) and is dropped with its connection.
 * @throws Fault `tool_unavailable` when `connect.port` is no port number.
 */
export function connectSmtpTool(
  key: ConnectionKey,
  tool: CatalogTool,
  connect: { readonly host: string; readonly port: string; readonly from: string },
  options: SmtpToolOptions = {},
): ToolConnection {
  const port = parsePort(connect.port, key);
  const running = new Set<AbortController>();
  return builtInTool({
    key,
    tools: tool.actions
      .filter((action) => action.operation.name === "send")
      .map((action) => describeSend(action.description, connect.from)),
    instructions: "sends plain-text mail; one action, `send`",
    invoke: async (operation, args, { timeoutMs, equipment, io }) => {
      if (operation.kind !== "tool" || operation.name !== "send") {
        throw new ToolError(-32602, `\`${key.tool}\` has no action \`${operation.name}\`; use \`send\``);
      }
      if (tool.credential !== undefined && equipment.login === undefined) {
        throw new Fault(
          "credential_unavailable",
          `\`${key.tool}\` needs a login and got none; store the credential \`${tool.credential.name}\``,
        );
      }
      const mail = parseMail(args);
      const composed = await composeMail(mail, connect.from);
      const closing = new AbortController();
      running.add(closing);
      try {
        const { accepted, rejected } = await deliver(
          { host: connect.host, port, from: connect.from, login: equipment.login, ca: options.ca },
          { to: [mail.to, ...mail.cc], bytes: composed.bytes },
          { timeoutMs, signal: AbortSignal.any([io.signal, closing.signal]) },
        );
        return structuredResult({ messageId: composed.messageId, accepted, rejected });
      } finally {
        running.delete(closing);
      }
    },
    close: () => {
      for (const call of running) call.abort();
      return Promise.resolve();
    },
  });
}

function describeSend(description: string | undefined, from: string): JsonObject {
  return {
    name: "send",
    title: "Send a mail",
    description: description ?? `sends one plain-text mail from ${from}; answers which addresses the mail server accepted`,
    inputSchema: SEND_INPUT_SCHEMA,
    outputSchema: SEND_OUTPUT_SCHEMA,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  };
}

function parsePort(text: string, key: ConnectionKey): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Fault("tool_unavailable", `the port of \`${key.tool}\` is \`${text}\`; write a number from 1 to 65535 in its \`connect\``);
}
