import type { Actor, Step } from "./scenario.ts";

/** The same agent with a session for one ticket: everything it may do, it may do to that ticket only. */
const ONE_TICKET: Actor = {
  agent: "bailiwick://acme/prod/helpdesk/support",
  user: "u-nora",
  task: "only T-1001",
  data: {},
  scope: ["tickets:*"],
  rows: { Ticket: { id: ["T-1001"] } },
};

/** What a session that was opened for one ticket shows. */
export const ONE_TICKET_SESSION: readonly Step[] = [
  {
    shows: "a session for one ticket reads that ticket",
    actor: ONE_TICKET,
    kind: "tool",
    call: "get_ticket",
    args: { id: "T-1001" },
    reason: "work on the ticket",
    expect: { kind: "result", contains: ["T-1001"] },
  },
  {
    shows: "and no other",
    actor: ONE_TICKET,
    kind: "tool",
    call: "get_ticket",
    args: { id: "T-1002" },
    reason: "looks similar",
    expect: { kind: "refused", code: "outside_session_scope" },
  },
  {
    shows: "and sees no other in lists",
    actor: ONE_TICKET,
    kind: "tool",
    call: "list_tickets",
    args: {},
    reason: "what else is open?",
    expect: { kind: "result", contains: ["T-1001"], lacks: ["T-1002", "T-1003"] },
  },
];
