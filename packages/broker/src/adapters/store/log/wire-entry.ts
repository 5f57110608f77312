import type { KeyObject } from "node:crypto";
import { type GivenRights, isLease, type LogEntry, type RecordKind, type Reservation } from "../../../domain/audit.ts";
import { Fault } from "../../../domain/fault.ts";
import type { Subject, Subjects } from "../subjects/subjects.ts";
import type { TenantSecrets } from "../subjects/tenant-secrets.ts";
import { canonicalText, columnText } from "./canonical-text.ts";
import { type Columns, columnsOf } from "./columns.ts";
import { associatedWith, commitUnder, sealFacts } from "./sealed-facts.ts";

/** What must hold in the moment an entry is appended. */
export interface Conditions {
  /** Pseudonyms of the people it names: they must not have been erased. */
  readonly subjects?: readonly string[];
  readonly session?: string;
  readonly reservations?: readonly Reservation[];
  /** `until` in milliseconds since 1970. */
  readonly proof?: { readonly id: string; readonly until: number };
  readonly approval?: string;
  readonly bounded?: string;
  readonly elevations?: readonly string[];
}

/** An entry as `append_records` takes it. */
export interface WireEntry {
  readonly kind: RecordKind;
  readonly callId: string;
  /** Canonical text. */
  readonly leaf: string;
  readonly columns: Columns;
  readonly facts?: Buffer;
  readonly conditions?: Conditions | undefined;
  /** What its call holds while it runs: at most `max` calls hold the same at once. */
  readonly leases?: readonly Pick<Reservation, "key" | "max">[];
  /** By the tag a reservation is known under in the database, the key its caller gave. */
  readonly limitKeys?: ReadonlyMap<string, string>;
}

/** The leaf limit of C2SP tlog-tiles. */
const MAX_LEAF_BYTES = 65_535;
const MAX_CALL_ID_BYTES = 200;
/** Version of the leaf's members. */
const LEAF_VERSION = 1;

export interface WireDeps {
  readonly subjects: Pick<Subjects, "of">;
  readonly secrets: (tenant: string) => Promise<TenantSecrets>;
}

/** What an intent brings beside its entry. */
export interface IntentOptions {
  readonly session: string;
  readonly reservations: readonly Reservation[];
  readonly proof?: { readonly id: string; readonly untilMs: number } | undefined;
  readonly rights?: GivenRights | undefined;
}

/**
 * Writes an entry the way it will be hashed and stored: people as pseudonyms, what is looked for as tags, facts sealed and committed to.
 * @throws Fault `log_unavailable` when it cannot be a record: too large, nested too deep, or no usable call id.
 */
export async function wireEntry(deps: WireDeps, tenant: string, entry: LogEntry, options?: IntentOptions): Promise<WireEntry> {
  const { kind, callId } = entry;
  if (!/^[\x20-\x7e]+$/.test(callId) || callId.length > MAX_CALL_ID_BYTES) {
    throw new Fault("log_unavailable", `a call id must be 1 to ${MAX_CALL_ID_BYTES} printable characters; the record was not written`);
  }
  const secrets = await deps.secrets(tenant);
  const people = await peopleOf(deps.subjects, tenant, entry.people ?? {});
  const key = people.subject?.key ?? secrets.factsKey;
  const associated = associatedWith(tenant, callId, kind);
  const facts = entry.facts === undefined ? undefined : sealFacts(entry.facts, key, associated);
  const members = {
    ...storableNames(entry.body),
    ...people.members,
    ...(entry.task === undefined ? {} : { task: secrets.tag("task", entry.task.toWellFormed()) }),
    ...(entry.resource === undefined ? {} : { resource: taggedResource(secrets, entry.resource) }),
    ...(facts === undefined ? {} : { facts: facts.commitments }),
    ...(entry.commits === undefined ? {} : { commits: committed(key, associated, entry.commits) }),
    v: LEAF_VERSION,
    kind,
    call: callId,
  };
  const leaf = leafText(members, callId);
  return {
    kind,
    callId,
    leaf,
    columns: columnsOf(members, people.subject?.pseudonym),
    ...(facts === undefined ? {} : { facts: facts.sealed }),
    ...conditionsOf(secrets, Object.values(people.members).flat(), options),
  };
}

/** Members of a record that is written as it stands, such as the end of a call whose broker is gone. */
export function wireMembers(kind: RecordKind, callId: string, members: Readonly<Record<string, unknown>>): WireEntry {
  const all = { ...members, v: LEAF_VERSION, kind, call: callId };
  const subject = "user" in members && typeof members["user"] === "string" ? members["user"] : undefined;
  return { kind, callId, leaf: leafText(all, callId), columns: columnsOf(all, subject) };
}

/** Members that are columns too, and names of sequences, stand in the leaf as the database can hold them: the two must not differ. */
const NAMES = ["agent", "session", "run", "tool", "action", "verdict", "status", "code", "broker"];

function storableNames(body: LogEntry["body"]): Readonly<Record<string, unknown>> {
  const members: Record<string, unknown> = { ...body };
  for (const name of NAMES) {
    const value = members[name];
    if (typeof value === "string") members[name] = columnText(value);
  }
  return members;
}

function leafText(members: object, callId: string): string {
  const leaf = canonicalText(members);
  if (Buffer.byteLength(leaf) <= MAX_LEAF_BYTES) return leaf;
  throw new Fault(
    "log_unavailable",
    `the record of call \`${callId}\` is larger than ${MAX_LEAF_BYTES} bytes and was not written; put what is large into its facts`,
  );
}

async function peopleOf(
  subjects: Pick<Subjects, "of">,
  tenant: string,
  people: NonNullable<LogEntry["people"]>,
): Promise<{ members: Record<string, string | readonly string[]>; subject: Subject | undefined }> {
  const members: Record<string, string | readonly string[]> = {};
  let subject: Subject | undefined;
  for (const [member, names] of Object.entries(people)) {
    const known = await Promise.all([names].flat().map((name) => subjects.of(tenant, name)));
    subject ??= known[0];
    members[member] = typeof names === "string" ? (known[0]?.pseudonym ?? "") : known.map((each) => each.pseudonym);
  }
  return { members, subject };
}

/** A resource's tag stands for type and id, so equal ids of two types do not meet. */
export function resourceTag({ tag }: TenantSecrets, { type, id }: { readonly type: string; readonly id: string }): string {
  return tag("resource", canonicalText([type, id]));
}

function taggedResource(secrets: TenantSecrets, resource: NonNullable<LogEntry["resource"]>): { type: string; tag: string } {
  return { type: resource.type, tag: resourceTag(secrets, resource) };
}

function committed(key: KeyObject, associated: string, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, commitUnder(key, associated, name, value)]));
}

function conditionsOf(
  secrets: TenantSecrets,
  named: readonly string[],
  options: IntentOptions | undefined,
): Pick<WireEntry, "conditions" | "leases" | "limitKeys"> {
  const subjects = named.length === 0 ? {} : { subjects: [...new Set(named)] };
  if (options === undefined) return named.length === 0 ? {} : { conditions: subjects };
  const limitKeys = new Map<string, string>();
  const wired = options.reservations.map((each) => {
    const tagged = wireReservation(secrets, each);
    limitKeys.set(tagged.key, each.key);
    return tagged;
  });
  const reservations = wired.filter((each) => !isLease(each));
  const leases = wired.filter((each) => isLease(each)).map(({ key, max }) => ({ key, max }));
  return {
    conditions: {
      ...subjects,
      session: columnText(options.session),
      ...(reservations.length === 0 ? {} : { reservations }),
      ...(options.proof === undefined ? {} : { proof: { id: options.proof.id, until: Math.trunc(options.proof.untilMs) } }),
      ...rightsOf(options.rights ?? {}),
    },
    ...(leases.length === 0 ? {} : { leases }),
    limitKeys,
  };
}

function rightsOf({ approval, bounded, elevations }: GivenRights): Pick<Conditions, "approval" | "bounded" | "elevations"> {
  return {
    ...(approval === undefined ? {} : { approval }),
    ...(bounded === undefined ? {} : { bounded }),
    ...(elevations === undefined || elevations.length === 0 ? {} : { elevations }),
  };
}

/** A budget's key names a session, and its rows are deleted with it; any other may name a person. */
const PLAIN_LIMIT = /^session-budget\|/;

/** A reservation as the counters know it; the same for taking and giving back. */
export function wireReservation({ tag }: TenantSecrets, { key, max, windowMs, amount }: Reservation): Reservation {
  const text = columnText(key);
  return {
    key: PLAIN_LIMIT.test(text) ? text : tag("limit", text),
    max,
    windowMs: isLease({ windowMs }) ? 0 : Math.max(1, Math.trunc(windowMs)),
    amount,
  };
}
