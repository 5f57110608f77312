import { type JsonObject, load, type Policy, type PolicyFile } from "@bailiwick/policy";
import type { Store } from "../../src/adapters/store/index.ts";
import type { CallPorts } from "../../src/call/ports.ts";
import type { CallAnswer } from "../../src/call/types.ts";
import { fingerprint } from "../../src/domain/fingerprint.ts";
import type { Session } from "../../src/domain/session.ts";
import { structured, type TestTool, world } from "../call/support.ts";
import { bearer } from "../plain-session.ts";

const OFFERED: readonly JsonObject[] = ["charge", "notify", "mark", "look"].map((name) => ({ name, inputSchema: { type: "object" } }));
const reviewed = (name: string): string => fingerprint(OFFERED.find((each) => each["name"] === name) ?? {});

const agentFile = (name: string, more: string): string => `agent: ${name}
workflow: shop
owner: dana
tenants: [acme]
environments: [prod]
roles: [clerk]
ceiling: { allow: ["till:*"] }
${more}`;

/** A shop with two agents, whose only role may do everything within `limits`. `gates` is the whole file's list. */
export function tillPolicy(
  limits: string,
  { gates = "[]", agents = "" }: { readonly gates?: string; readonly agents?: string } = {},
): Policy {
  const off = ["payment", "external-send", "bulk"].map((name) => `  ${name}: { off: true, reason: not what is tested }\n`).join("");
  const files: Record<string, string> = {
    "bailiwick.yaml": `version: 1
tenants: [acme]
environments: { prod: {} }
people: { dana: { name: Dana, email: dana@acme.example, tenants: [acme], roles: [manager] } }
`,
    "tools/till.yaml": `tool: till
connect: { mcp: { command: [unused] } }
types: { Row: { id: string } }
actions:
  charge: { is: "till:charge", effect: pay, args: { amount: decimal, "no?": integer }, cost: args.amount, reviewed: "${reviewed("charge")}" }
  notify: { is: "till:notify", effect: send, args: { to: [string], "no?": integer }, destination: [args.to], reviewed: "${reviewed("notify")}" }
  mark: { is: "till:mark", effect: write, args: { ids: [string], "no?": integer }, batch: args.ids, reviewed: "${reviewed("mark")}" }
  look: { is: "till:look", effect: read, args: { rows: integer, "no?": integer }, returns: { type: Row, at: result.rows }, reviewed: "${reviewed("look")}" }
`,
    "roles/clerk.yaml": `role: clerk
reason: works the till
allow:
${["charge", "notify", "mark", "look"].map((name) => `  - do: till:${name}\n    limits: ${limits}\n`).join("")}`,
    "agents/clerk.yaml": agentFile("clerk", agents),
    "agents/helper.yaml": agentFile("helper", agents),
    "gates.yaml": `defaults:\n${off}gates: ${gates}\n`,
  };
  const loaded = load(Object.entries(files).map(([path, text]): PolicyFile => ({ path, text })));
  if (!loaded.ok) throw new Error(loaded.diagnostics.map(({ at, what }) => `${at.file}:${at.line} ${what}`).join("\n"));
  return loaded.policy;
}

export interface Till {
  readonly ports: CallPorts;
  readonly tool: TestTool;
  readonly session: Session;
  call(name: string, args: JsonObject, as?: Session): Promise<CallAnswer>;
  /** Goes on with a held call. */
  resume(ticket: string, name: string, args: JsonObject, as?: Session): Promise<CallAnswer>;
}

/** One broker over the store. `as` makes its session another agent's or another run's. */
export async function till(
  store: Store,
  policy: Policy,
  as: Partial<Session> = {},
  override?: (ports: CallPorts) => CallPorts,
): Promise<Till> {
  const { ports, tool, session: first, call } = await world(store, override, policy);
  tool.listing = { ...tool.listing, tools: OFFERED };
  tool.answer = (_, args) => structured({ rows: Array.from({ length: Number(args["rows"] ?? 0) }, (__, at) => ({ id: `r${at}` })) });
  const session: Session = { ...first, id: `${first.id}_till`, workflow: "shop", agent: CLERK, scope: ["till:*"], ...as };
  await store.sessions.create(session);
  return {
    ports,
    tool,
    session,
    call: (name, args, by = session) => call(name, args, { presented: bearer(by.id) }),
    resume: (ticket, name, args, by = session) => call(name, args, { presented: bearer(by.id), ticket }),
  };
}

export const CLERK = "bailiwick://acme/prod/shop/clerk";
export const HELPER = "bailiwick://acme/prod/shop/helper";
