import { sha256 } from "@bailiwick/ledger";
import { columnText } from "./canonical-text.ts";

/** What a record is found by. */
export interface Columns {
  readonly at: string;
  readonly agent: string | null;
  readonly subject: string | null;
  readonly session: string | null;
  readonly run: string | null;
  readonly task: string | null;
  readonly tool: string | null;
  readonly action: string | null;
  readonly resource: string | null;
  readonly verdict: string | null;
  readonly status: string | null;
  readonly code: string | null;
  readonly approver: string | null;
  readonly ruleSet: string | null;
  readonly broker: string | null;
  /** Ids of the rules that `ruleSet` stands for, and of the elevations the call stands on: it is found by both in one way. */
  readonly rules: readonly string[];
}

/** The columns of a record, taken from its members; `misfiled` does the same to a stored leaf. */
export function columnsOf(members: Readonly<Record<string, unknown>>, subject: string | undefined): Columns {
  const text = (name: string): string | null => textOrNull(members[name]);
  const rules = decidedBy(members);
  const { approvedBy = answererOf(members), resource } = members;
  return {
    at: text("at") ?? "",
    agent: text("agent"),
    subject: subject ?? null,
    session: text("session"),
    run: text("run"),
    task: text("task"),
    tool: text("tool"),
    action: text("action"),
    resource: typeof resource === "object" && resource !== null && "tag" in resource ? textOrNull(resource.tag) : null,
    verdict: text("verdict"),
    status: text("status"),
    code: text("code"),
    approver: textOrNull(Array.isArray(approvedBy) ? approvedBy[0] : approvedBy),
    ruleSet: rules.length === 0 ? null : ruleSetId(rules),
    broker: text("broker"),
    rules,
  };
}

/** A person's answer to a held call: it is found by who gave it, also when it was no. */
function answererOf({ event, by }: Readonly<Record<string, unknown>>): unknown {
  return event === "approval.approve" || event === "approval.deny" ? by : undefined;
}

const PSEUDONYM = /^sub_[\w-]{22}$/;

/** Whose a stored leaf is: of the people it names the one whom its writer names first. */
function subjectOf(members: Readonly<Record<string, unknown>>): string | undefined {
  return ["user", "person", "by", "approver", "approvedBy"]
    .flatMap((name) => members[name])
    .find((value): value is string => typeof value === "string" && PSEUDONYM.test(value));
}

/** What a row is found by. */
export type Filed = { readonly [column in keyof Omit<Columns, "at" | "rules" | "ruleSet">]: string | null } & {
  readonly call_id: string;
  readonly kind: string;
  readonly at: Date;
  readonly rule_set: string | null;
};

/** The first column of a row that does not say what its leaf says, so that queries pass the record over; undefined when all do. */
export function misfiled(row: Filed, members: Readonly<Record<string, unknown>>): string | undefined {
  // Leaves about the log's own keys say nothing else.
  if ("logKey" in members) return row.kind === "key" ? undefined : "kind";
  const { at, rules: _, ruleSet, ...same } = columnsOf(members, subjectOf(members));
  const said = { ...same, call_id: members["call"], kind: members["kind"], rule_set: ruleSet };
  if (Date.parse(at) !== row.at.getTime()) return "at";
  return Object.entries(said).find(([column, value]) => Object.entries(row).find(([name]) => name === column)?.[1] !== value)?.[0];
}

/** 22 characters of base64url hold 132 bits. */
const ID_CHARS = 22;

/** Names a combination of rules. A policy has few, so that they are remembered. */
const ruleSetIds = new Map<string, string>();
const MAX_REMEMBERED = 10_000;

function ruleSetId(rules: readonly string[]): string {
  const joined = rules.join("\n");
  const known = ruleSetIds.get(joined);
  if (known !== undefined) return known;
  if (ruleSetIds.size >= MAX_REMEMBERED) ruleSetIds.clear();
  const id = digestOf(joined);
  ruleSetIds.set(joined, id);
  return id;
}

function digestOf(joined: string): string {
  return Buffer.from(sha256(joined), "hex").toString("base64url").slice(0, ID_CHARS);
}

function decidedBy({ rules, elevations }: Readonly<Record<string, unknown>>): readonly string[] {
  return [...new Set([...rulesOf(rules), ...elevationsOf(elevations)])].toSorted();
}

function rulesOf(rules: unknown): readonly string[] {
  if (!Array.isArray(rules)) return [];
  return rules.flatMap((rule: unknown) =>
    typeof rule === "object" && rule !== null && "id" in rule && typeof rule.id === "string" ? [columnText(rule.id)] : [],
  );
}

function elevationsOf(elevations: unknown): readonly string[] {
  if (!Array.isArray(elevations)) return [];
  return elevations.flatMap((id: unknown) => (typeof id === "string" ? [columnText(id)] : []));
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? columnText(value) : null;
}
