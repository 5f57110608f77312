import { createMongoAbility, subject } from "@casl/ability";
import { createHash } from "node:crypto";
import { decide, load, present } from "../../packages/policy/src/index.ts";
import type { DecisionRequest, JsonObject, Policy } from "../../packages/policy/src/index.ts";
import { openFolder, requestOf, ROWS } from "../policy/folder.ts";
import { inTurns, type Timed } from "./turns.ts";

export const BY_POLICY = "bailiwick";
export const BY_HAND = "a filter written by hand";
export const BY_CASL = "casl";

/** The records of one large result, of which some are visible: by policy, by hand and by casl. */
export async function filterTimes(rounds: number): Promise<readonly Timed[]> {
  const { policy, records } = openFolder();
  const request = requestOf("support", "list_tickets", { status: "open" });
  const { tenant } = request.caller;
  const ability = createMongoAbility([
    { action: "read", subject: "Ticket", conditions: { tenant, tier: { $lte: 2 }, region: "emea" } },
    { action: "read", subject: "Ticket", conditions: { restricted: true, status: "closed" }, inverted: true },
  ]);
  // casl marks what it has seen; its records are its own.
  const subjects = records.map((record) => subject("Ticket", { ...record }));
  return inTurns(
    [
      { name: BY_POLICY, run: () => presented(policy, request, records).length },
      {
        name: BY_HAND,
        run: () =>
          records.filter(
            ({ tenant: of, tier, region, restricted, status }) =>
              of === tenant && Number(tier) <= 2 && region === "emea" && !(restricted === true && status === "closed"),
          ).length,
      },
      { name: BY_CASL, run: () => subjects.filter((record) => ability.can("read", record)).length },
    ],
    rounds,
  );
}

function presented(policy: Policy, request: DecisionRequest, records: readonly JsonObject[]): readonly JsonObject[] {
  const decision = decide(policy, request);
  return records.flatMap((record) => {
    const seen = present(policy, request, decision, record, "Ticket", { maskSalt: SALT });
    return seen.visible ? [seen.record] : [];
  });
}

const SALT = "a secret of the bench";
/** Fields that are masked of each record. */
export const MASKS_EACH = 3;

const MASKING: Readonly<Record<string, string>> = {
  "bailiwick.yaml":
    "version: 1\ntenants: [acme]\nenvironments: { prod: {} }\npeople:\n  dana: { name: Dana, email: dana@acme.example, tenants: [acme], roles: [operator] }\n",
  "tools/tickets.yaml":
    'tool: tickets\nconnect: { mcp: { command: [x] } }\ntypes: { Ticket: { id: string, email: string, phone: string, name: string } }\nactions:\n  list: { is: "tickets:read", effect: read, returns: { type: Ticket, at: result.tickets } }\n',
  "roles/reader.yaml":
    'role: reader\nreason: r\nallow:\n  - { do: "tickets:read", fields: { mask: { email: partial, phone: hash, name: redact } } }\n',
  "agents/reader.yaml":
    'agent: reader\nworkflow: w\nowner: dana\ntenants: [acme]\nenvironments: [prod]\nroles: [reader]\nceiling: { allow: ["tickets:*"] }\n',
};

/** Three masks on each record of a large result: by policy, and by code that knows the fields. */
export async function maskTimes(rounds: number): Promise<readonly Timed[]> {
  const loaded = load(Object.entries(MASKING).map(([path, text]) => ({ path, text })));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  const { policy } = loaded;
  const records = Array.from({ length: ROWS }, (_, index) => ({
    id: `T-${String(index)}`,
    email: `customer.${String(index)}@client.example`,
    phone: `+1 555 ${String(index).padStart(7, "0")}`,
    name: `Customer ${String(index)}`,
  }));
  const request: DecisionRequest = {
    caller: {
      agent: "bailiwick://acme/prod/w/reader",
      tenant: "acme",
      environment: "prod",
      workflow: "w",
      user: "u",
      session: "s",
      task: "t",
      data: {},
      scope: ["tickets:*"],
    },
    operation: { tool: "tickets", kind: "tool", name: "list" },
    args: {},
    now: new Date("2026-11-23T10:00:00Z"),
  };
  const shown = (all: readonly JsonObject[]): number => all.reduce((sum, record) => sum + JSON.stringify(record).length, 0);
  const byHand = ({ id, email, phone }: (typeof records)[number]): JsonObject => ({
    id,
    email: `${email.slice(0, 1)}***${email.slice(email.lastIndexOf("@"))}`,
    phone: createHash("sha256")
      .update(`${String(SALT.length)}\n${SALT}${phone}`)
      .digest("hex")
      .slice(0, 12),
    name: "[redacted]",
  });
  return inTurns(
    [
      { name: BY_POLICY, run: () => shown(presented(policy, request, records)) },
      { name: "the same masks written by hand", run: () => shown(records.map(byHand)) },
    ],
    rounds,
  );
}
