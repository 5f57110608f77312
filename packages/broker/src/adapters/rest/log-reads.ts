import { z } from "@hono/zod-openapi";
import { hash } from "node:crypto";
import type { JsonObject } from "@bailiwick/policy";
import { adminRecord } from "../../domain/admin-record.ts";
import { adminId } from "./admin-id.ts";
import type { RestPorts } from "./ports.ts";
import { doerOf, type Principal, viaOf } from "./principal.ts";

/** Identical reads of the same person within this time are one record: a page that asks again every few seconds does not fill the log. */
const ONE_READ_MS = 10 * 60 * 1000;
/** Reads remembered; whatever is forgotten is recorded again. */
const MAX_REMEMBERED = 10_000;

/** An answered request, as the endpoints know it. */
export interface Answered {
  readonly method: string;
  /** Path of the endpoint below `/api/v1`, parameters in braces. */
  readonly path: string;
  readonly principal: Principal;
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly answer: unknown;
}

/** Records who read the logs. */
export interface LogReads {
  /**
   * Resolves when the read is recorded in each log it was of, or is none. The answer is given after that.
   * @throws Fault `log_unavailable`: nothing is shown then.
   */
  note(answered: Answered): Promise<void>;
}

const readsOf = new WeakMap<object, LogReads>();

/** Those of this broker's interface: whatever endpoint a person asks, what they read before is known. */
export function logReads(ports: RestPorts): LogReads {
  const made = readsOf.get(ports) ?? createLogReads(ports);
  readsOf.set(ports, made);
  return made;
}

function createLogReads(ports: Pick<RestPorts, "log" | "now" | "random">): LogReads {
  const recorded = new Map<string, { readonly at: number; readonly done: Promise<unknown> }>();
  const once = (key: string, record: () => Promise<unknown>): Promise<unknown> => {
    const at = ports.now().getTime();
    const known = recorded.get(key);
    if (known !== undefined && at - known.at < ONE_READ_MS) return known.done;
    recorded.delete(key);
    if (recorded.size >= MAX_REMEMBERED) recorded.delete(recorded.keys().next().value ?? "");
    const made = { at, done: record() };
    recorded.set(key, made);
    // What could not be recorded was not shown, and is tried again with the next read.
    made.done.catch(() => {
      if (recorded.get(key) === made) recorded.delete(key);
    });
    return made.done;
  };
  return {
    note: async (answered) => {
      const read = readIn(answered);
      if (read === undefined) return;
      for (const tenant of read.tenants) {
        const record = (): Promise<unknown> => ports.log.append(tenant, recordOf(ports, answered.principal, read, tenant));
        await (read.always ? record() : once(keyOf(answered.principal, read, tenant), record));
      }
    },
  };
}

interface Read {
  /** `calls`, `call`, `run` and so on, or the endpoint's path. */
  readonly what: string;
  readonly tenants: readonly string[];
  /** The one call, record, run or sequence that was read. */
  readonly of?: string | undefined;
  /** What was asked for, without positions and lengths: paging through is one read. */
  readonly filter: Readonly<Record<string, string>>;
  readonly found: (tenant: string) => number | undefined;
  readonly always: boolean;
}

/** What a request read of the logs; undefined when it showed nothing of any record. Every endpoint below these paths counts as a read. */
function readIn({ method, path, principal, params, query, answer }: Answered): Read | undefined {
  if (method.toLowerCase() !== "get" || !READING.test(path) || NO_RECORDS.has(path)) return undefined;
  const named = namedRead(path, params);
  if (named === undefined) return undefined;
  const { what, of, search, always = false, from = "filter" } = named;
  const asked = textOf(params["tenant"]) ?? textOf(query["tenant"]);
  const places = from === "place" ? [...PLACES, "from"] : PLACES;
  const filter = Object.entries(query).flatMap(([name, value]) =>
    places.includes(name) || value === undefined ? [] : [[name, String(value)] as const],
  );
  return {
    what,
    of,
    always,
    tenants: tenantIn(answer) ?? (asked === undefined ? principal.tenants : [asked]),
    filter: Object.fromEntries(search === undefined ? filter : [...filter, ["search", search]]),
    found: (tenant) => countIn(answer, tenant),
  };
}

const READING = /^\/(?:calls|audit|runs|searches)(?:\/|$)/u;
/** Signatures, hashes, sizes and states: what mirrors, witnesses and pages ask for again and again, and no record is in it. */
const NO_RECORDS = new Set([
  "/audit/status",
  "/searches",
  ...["/checkpoint", "/checkpoints", "/keys", "/base"].map((path) => `/audit/logs/{tenant}${path}`),
]);
/** Whose log is said beside the filter, and where in it one is. */
const PLACES = ["tenant", "before", "limit"];

interface NamedRead extends Partial<Pick<Read, "of" | "always">> {
  readonly what: string;
  /** A saved search has a name that a person gave it. */
  readonly search?: string | undefined;
  /** Whether `from` is a time in the filter or a place in the log. */
  readonly from?: "filter" | "place";
}

function namedRead(path: string, params: Answered["params"]): NamedRead | undefined {
  const param = (name: string): string => String(params[name]);
  switch (path) {
    case "/calls":
      return { what: "calls" };
    case "/calls/{callId}":
      // The facts of a call are what people did and wrote.
      return { what: "call", of: param("callId"), always: true };
    case "/calls/{callId}/explanation":
      return { what: "explanation", of: param("callId") };
    case "/calls/{callId}/path":
      return { what: "path", of: param("callId") };
    case "/calls/{callId}/undo":
      return { what: "undo", of: param("callId") };
    case "/runs/{run}/undo":
      return { what: "undo", of: param("run") };
    case "/runs/{run}/timeline":
      return { what: "run", of: param("run") };
    case "/searches/{name}/calls":
      return { what: "calls", search: param("name") };
    case "/audit/ended":
      return { what: "ended", from: "place" };
    case "/audit/records":
      return { what: "records", from: "place" };
    case "/audit/verify":
      return { what: "verify" };
    case "/audit/logs/{tenant}/tile/{path}":
      // The other tiles hold hashes only.
      return param("path").startsWith("entries/") ? { what: "entries" } : undefined;
    case "/audit/logs/{tenant}/proofs/records/{index}":
      return { what: "proof", of: param("index") };
    case "/audit/logs/{tenant}/proofs/sequences/{kind}/{name}":
      return { what: "proof", of: `${param("kind")} ${param("name")}` };
    default:
      return { what: path };
  }
}

function recordOf(
  ports: Pick<RestPorts, "now" | "random">,
  principal: Principal,
  { what, of, filter, found }: Read,
  tenant: string,
): ReturnType<typeof adminRecord> {
  const { user, approver, ...rest } = filter;
  const count = found(tenant);
  const facts: JsonObject = Object.keys(rest).length === 0 ? {} : { filter: rest };
  return adminRecord({
    at: ports.now(),
    event: "log.read",
    by: doerOf(principal),
    via: viaOf(principal),
    callId: adminId(ports),
    // Whom the filter names; the facts are theirs then.
    user,
    approver,
    body: {
      read: what,
      ...(of === undefined ? {} : { of }),
      ...(Object.keys(filter).length === 0 ? {} : { filter: Object.keys(filter).toSorted() }),
      ...(count === undefined ? {} : { found: count }),
    },
    facts,
  });
}

/** Of fixed length, so that what is remembered is bounded. */
function keyOf(principal: Principal, { what, of, filter }: Read, tenant: string): string {
  const who = principal.kind === "person" ? principal.person.id : null;
  const asked = Object.keys(filter)
    .toSorted()
    .map((name) => [name, filter[name]]);
  return hash("sha256", JSON.stringify([who, tenant, what, of ?? null, asked]), "base64url");
}

const ofOneTenant = z.object({ tenant: z.string() });
const listSchema = z.union([z.object({ calls: z.array(z.unknown()) }), z.object({ records: z.array(z.unknown()) })]);

/** The tenant of the one thing that was shown; an id says nothing of it. */
function tenantIn(answer: unknown): readonly string[] | undefined {
  const parsed = ofOneTenant.safeParse(answer);
  return parsed.success ? [parsed.data.tenant] : undefined;
}

/** How many calls or records of this tenant were shown. */
function countIn(answer: unknown, tenant: string): number | undefined {
  const parsed = listSchema.safeParse(answer);
  if (!parsed.success) return undefined;
  const shown = "calls" in parsed.data ? parsed.data.calls : parsed.data.records;
  return shown.filter((each) => tenantIn(each)?.[0] === tenant).length;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
