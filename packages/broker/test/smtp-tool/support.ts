import type { CatalogAction, CatalogTool } from "@bailiwick/policy";
import type { CallIo, Equipment } from "../../src/domain/tool.ts";

export const KEY = { tool: "mail", tenant: "acme", environment: "prod", workflow: "helpdesk" };
export const SEND = { tool: "mail", kind: "tool", name: "send" } as const;

const ACTION: CatalogAction = {
  operation: SEND,
  scope: "mail:send",
  effect: "send",
  args: { to: "email", subject: "string", body: "string", "cc?": ["email"] },
  force: {},
  push: {},
  tokens: [],
  labels: {},
  destination: ["args.to"],
  timeoutMs: 10_000,
  at: { file: "tools/mail.yaml", line: 1 },
};

export const MAIL_TOOL: CatalogTool = {
  tool: "mail",
  connect: { smtp: { host: "127.0.0.1", port: "25", from: "support@acme.example" } },
  credential: { name: "mail-login", inject: { login: "helpdesk-mail" } },
  types: {},
  tenantField: {},
  tables: [],
  actions: [ACTION],
  at: { file: "tools/mail.yaml", line: 1 },
};

export function callIo(signal: AbortSignal = new AbortController().signal): CallIo {
  return { signal, capabilities: {}, progress: () => {}, log: () => {}, ask: () => Promise.reject(new Error("no agent here")) };
}

export function equipment(login?: Equipment["login"]): Equipment {
  return { headers: {}, environment: {}, login };
}

export function callOptions(login?: Equipment["login"], overrides: { timeoutMs?: number; signal?: AbortSignal } = {}) {
  return { timeoutMs: overrides.timeoutMs ?? 5_000, maxBytes: 100_000, equipment: equipment(login), io: callIo(overrides.signal) };
}
