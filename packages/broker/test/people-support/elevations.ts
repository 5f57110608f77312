import { randomBytes } from "node:crypto";
import { load, type Policy, type PolicyFile } from "@bailiwick/policy";
import { askElevation, type ElevationWish } from "../../src/domain/ask-elevation.ts";
import type { Elevation } from "../../src/domain/elevation.ts";
import { companyFiles } from "./company.ts";
import { SUPPORT_BOT } from "./rest.ts";

const BILLING = `tool: billing
connect: { mcp: { url: "http://127.0.0.1:1/mcp" } }
types: { Invoice: { id: string, amount: decimal } }
actions:
  refund: { is: "billing:refund", effect: write, args: { id: string }, resource: { type: Invoice, id: args.id }, reviewed: "sha256:${"0".repeat(64)}" }
  get_invoice: { is: "billing:read", effect: read, args: { id: string }, resource: { type: Invoice, id: args.id }, returns: { type: Invoice, at: result }, reviewed: "sha256:${"0".repeat(64)}" }
`;
const REFUNDS = `role: refunds
reason: gives money back
allow:
  - do: billing:read
  - do: billing:refund
`;
const agent = (eligible: string): string => `agent: support-bot
workflow: support
owner: ines
tenants: [acme, globex]
environments: [dev, prod]
roles: [support]
${eligible}
ceiling: { allow: ["tickets:*", "billing:*"] }
`;
const ELIGIBLE = `eligible:
  - role: refunds
    most: 4h
    reason: refunds while billing is down
    approve: { by: [support-lead], expires: 30m }
`;

/** The company, whose support agent may ask for refunds; `entry` replaces what its file says of that. */
export function companyWithRefunds(entry: string = ELIGIBLE): Policy {
  const files: readonly PolicyFile[] = [
    ...companyFiles.filter(({ path }) => path !== "agents/support.yaml"),
    { path: "agents/support.yaml", text: agent(entry) },
    { path: "tools/billing.yaml", text: BILLING },
    { path: "roles/refunds.yaml", text: REFUNDS },
  ];
  const result = load(files);
  if (result.ok) return result.policy;
  throw new Error(result.diagnostics.map(({ at, what }) => `${at.file}:${at.line} ${what}`).join("\n"));
}

/** A question of the agent itself, for a user who is nobody of the company. */
export function askedByAgent(policy: Policy, wish: Partial<ElevationWish> = {}): Elevation {
  const question = askElevation(
    policy,
    {
      agent: SUPPORT_BOT,
      role: "refunds",
      scope: [],
      reason: "billing is down",
      askedBy: { agent: wish.agent ?? SUPPORT_BOT, user: "customer-1", session: "ses_1" },
      ...wish,
    },
    { id: `elv_${randomBytes(16).toString("base64url")}`, now: new Date() },
  );
  if (!question.ok) throw new Error(question.message);
  return question.elevation;
}
