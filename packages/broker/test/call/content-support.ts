import type { JsonObject, Policy } from "@bailiwick/policy";
import { fingerprint } from "../../src/domain/fingerprint.ts";
import { OFFERED, testPolicy } from "./support.ts";

const reviewed = (name: string): string => fingerprint(OFFERED.find((each) => each["name"] === name) ?? {});

/** The mail server and the desk of the tests: `unlisted` sends, `get_ticket` and `ping` read. */
export function mailPolicy(
  grants: { readonly send?: string; readonly read?: string; readonly ping?: string; readonly gates?: string } = {},
): Policy {
  return testPolicy({
    "tools/tickets.yaml": `tool: tickets
connect: { mcp: { command: [unused] } }
types:
  Ticket: { id: string, tenant: string, requester: string, body: string, "phone?": string }
tenantField: { Ticket: tenant }
actions:
  get_ticket: { is: "tickets:read", effect: read, args: { id: string }, resource: { type: Ticket, id: args.id }, returns: { type: Ticket, at: result }, labels: { body: [restricted] }, reviewed: "${reviewed("get_ticket")}" }
  update_ticket: { is: "tickets:note", effect: write, args: { id: string, "note?": string, "parts?": [string], "any?": any }, tokens: [args.note], reviewed: "${reviewed("update_ticket")}" }
  ping: { is: "health:ping", effect: read, args: { "text?": string }, reviewed: "${reviewed("ping")}" }
  unlisted: { is: "mail:send", effect: send, args: { to: email, body: string, "cc?": [string], "any?": any }, destination: [args.to], tokens: [args.to, args.body], reviewed: "${reviewed("unlisted")}" }
`,
    "roles/support.yaml": `role: support
reason: works the tickets
allow:
  - do: tickets:read
${indented(grants.read)}
  - do: tickets:note
  - do: mail:send
${indented(grants.send)}
  - do: health:ping
${indented(grants.ping)}
`,
    "agents/support.yaml": `agent: support
workflow: helpdesk
owner: dana
tenants: [acme, globex]
environments: [prod]
roles: [support]
ceiling: { allow: ["tickets:*", "health:*", "mail:*"] }
`,
    "gates.yaml": `defaults:
  external-send: { off: true, reason: these tests look at texts }
${grants.gates ?? "gates: []"}
`,
  });
}

function indented(text = ""): string {
  return text
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");
}

/** What a tool answers in words. */
export function said(text: string): JsonObject {
  return { content: [{ type: "text", text }] };
}
