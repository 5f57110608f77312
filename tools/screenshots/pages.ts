/** A page of the console as it is photographed. */
export interface Photographed {
  /** Begins the file's name. */
  readonly name: string;
  /** Where it is; `approval` and `call` are the id of the demo's held call's question and of that call. */
  readonly path: (of: { readonly approval: string; readonly call: string }) => string;
  /** Keys that are pressed first, one after the other. */
  readonly keys?: readonly string[];
  /** Who looks at it: somebody with a role that it needs. */
  readonly as?: string;
  /** A word that stands on the page once it is there. */
  readonly shows: string;
}

const AGENT_PAGE = "/agents/acme~prod~helpdesk~support";
const CELL = `agent=${encodeURIComponent("bailiwick://acme/prod/helpdesk/support")}&action=tickets.update_ticket`;

/** Every page, and what can be opened on it. A new page adds a line. */
export const PAGES: readonly Photographed[] = [
  { name: "inbox", path: () => "/", shows: "Inbox" },
  { name: "card", path: ({ approval }) => `/approvals/${approval}`, shows: "Questions like this one" },
  { name: "card-approve", path: ({ approval }) => `/approvals/${approval}`, keys: ["a"], shows: "Approve once?" },
  { name: "card-edit", path: ({ approval }) => `/approvals/${approval}`, keys: ["e"], shows: "Approve with other arguments" },
  { name: "card-bounded", path: ({ approval }) => `/approvals/${approval}`, keys: ["b"], shows: "Approve several calls" },
  { name: "card-deny", path: ({ approval }) => `/approvals/${approval}`, keys: ["d"], shows: "Deny?" },
  { name: "keys", path: () => "/", keys: ["?"], shows: "Keys that do something here" },
  { name: "palette", path: () => "/", keys: ["Control+k"], shows: "Pages" },
  { name: "calls", path: () => "/calls", shows: "Calls" },
  { name: "call", path: ({ call }) => `/calls/${call}`, shows: "By the policy in force now" },
  { name: "agents", path: () => "/agents", shows: "Agents" },
  { name: "agent", path: () => AGENT_PAGE, shows: "written in" },
  { name: "agent-rights", path: () => `${AGENT_PAGE}?tab=rights`, shows: "update_ticket" },
  { name: "agent-sessions", path: () => `${AGENT_PAGE}?tab=sessions`, shows: "Sessions" },
  { name: "matrix", path: () => "/matrix", shows: "Matrix" },
  { name: "matrix-cell", path: () => `/matrix?${CELL}`, shows: "update-own-region" },
  { name: "tools", path: () => "/tools", shows: "Tools" },
  { name: "tool-review", path: () => "/tools/tickets?name=update_ticket&kind=tool&at=acme", shows: "declared in" },
  { name: "policy", path: () => "/policy?file=roles/support.yaml", as: "ines", shows: "In force: version" },
  { name: "policy-try", path: () => `/policy?view=try&${CELL}`, shows: "Decide" },
  { name: "log", path: () => "/log", shows: "Log" },
  { name: "log-proof", path: () => "/log?tab=proof", shows: "Verify this log" },
  { name: "log-standing", path: () => "/log?tab=standing", shows: "Second places of checkpoints" },
  { name: "overview", path: () => "/overview", shows: "What security teams report" },
  { name: "elevations", path: () => "/elevations", shows: "Elevations" },
  { name: "duty", path: () => "/duty", shows: "Duty" },
  { name: "habits", path: () => "/duty?tab=habits", shows: "How far back" },
  { name: "notifications", path: () => "/notifications", shows: "Nobody is told" },
  { name: "account", path: () => "/account", shows: "Passkeys" },
  { name: "people", path: () => "/people", shows: "People of your tenants" },
];
