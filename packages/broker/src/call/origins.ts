import type { CatalogAction, Json, JsonObject } from "@bailiwick/policy";
import type { ArgumentOrigin } from "../domain/approval.ts";
import type { Session } from "../domain/session.ts";
import type { StandIn } from "../domain/token.ts";
import { isObject, readPath } from "./paths.ts";
import { structuredOf } from "./structured.ts";
import type { LimitedCall } from "./types.ts";

/** A value that a tool's answer showed to an agent: by which call, and whether the catalog calls its field untrusted. */
export interface Seen {
  readonly callId: string;
  readonly action: string;
  readonly untrusted: boolean;
}

/** What was seen in runs, for as long as this broker remembers it. The first sight of a value counts. */
export interface RunMemory {
  /** `look` says what was seen: called once, at leisure, and before anybody asks for this run. */
  note(tenant: string, run: string, look: () => Sightings): void;
  find(tenant: string, run: string, value: string): Seen | undefined;
}

/** Values, and what is known of all of them. */
export type Sightings = readonly { readonly values: Iterable<string>; readonly seen: Seen }[];

/** Texts are looked through for what could be passed on as an argument, up to here. */
const MAX_TEXT_CHARS = 64 * 1024;
/** Values of one answer that are remembered. */
const MAX_VALUES = 2_000;
/** Longer texts are no recipients, accounts or ids. */
const MAX_VALUE_CHARS = 200;
/** Words of a text that could be an address, a number or an id. */
const WORD = /[^\s"'`<>()[\]{},;|]{4,200}/gu;

/** Remembers what the agent is shown of an answer; the answer does not wait for it. */
export function noteSeen(memory: RunMemory, session: Session, call: Pick<LimitedCall, "callId" | "action">, shown: JsonObject): void {
  memory.note(session.tenant, session.run, () => sightings(call, shown));
}

function sightings({ action, callId }: Pick<LimitedCall, "callId" | "action">, shown: JsonObject): Sightings {
  const untrusted = untrustedFields(action);
  const seen = { callId, action: action.scope };
  const trusted = new Set<string>();
  const doubtful = new Set<string>();
  const at = action.returns === undefined ? shown : readPath({ result: structuredOf(shown) ?? null }, action.returns.at);
  collect(at ?? shown, "", (path, value) => (untrusted.has(path) ? doubtful : trusted).add(value));
  return [
    { values: trusted, seen: { ...seen, untrusted: false } },
    { values: doubtful, seen: { ...seen, untrusted: true } },
  ];
}

/** Where the arguments came from that say where a call goes, what it costs and which record it is about. */
export function originsOf(
  memory: RunMemory,
  call: Pick<LimitedCall, "action" | "args" | "session" | "standIns">,
): readonly ArgumentOrigin[] {
  const { action, args, session, standIns = [] } = call;
  const paths = [
    ...action.destination,
    ...(action.cost === undefined ? [] : [action.cost]),
    ...(action.resource === undefined ? [] : [action.resource.id]),
  ];
  return [...new Set(paths)].flatMap((path) => {
    const argument = path.replace(/^args\./u, "");
    return scalarsOf(readPath({ args }, path)).map((value) => ({ argument, ...originOf(memory, session, value, standIns) }));
  });
}

function originOf(memory: RunMemory, session: Session, value: string, standIns: readonly StandIn[]): Omit<ArgumentOrigin, "argument"> {
  if (isGiven(session, value)) return { from: "user" };
  // Where the agent was shown a token, the result held the token; inside a longer text its braces are no part of the word.
  const tokens = standIns.filter((each) => each.value === value).map(({ token }) => token);
  const names = [value, ...tokens, ...tokens.map((token) => token.slice(1, -1))];
  const seen = names.map((name) => memory.find(session.tenant, session.run, normal(name))).find((each) => each !== undefined);
  return seen === undefined ? { from: "agent" } : { from: "result", ...seen };
}

/** Whether the session was opened with it: in its data, or as a word of its task. */
function isGiven({ task, data }: Session, value: string): boolean {
  const wanted = normal(value);
  if (wordsOf(task).some((word) => normal(word) === wanted) || normal(task) === wanted) return true;
  let found = false;
  collect(data, "", (_, given) => (found ||= given === wanted));
  return found;
}

/** Fields of the action's records that hold somebody else's words. */
function untrustedFields({ labels }: CatalogAction): ReadonlySet<string> {
  return new Set(Object.entries(labels).flatMap(([path, all]) => (all.includes("untrusted") ? [path] : [])));
}

/** Tells every value, and every word of a text, in one spelling; `path` is that of the field, without places in lists. */
function collect(value: Json, path: string, tell: (path: string, value: string) => void, left = { values: MAX_VALUES }): void {
  if (left.values <= 0) return;
  if (Array.isArray(value)) {
    for (const each of value) collect(each, path, tell, left);
  } else if (isObject(value)) {
    for (const [name, each] of Object.entries(value)) collect(each, path === "" ? name : `${path}.${name}`, tell, left);
  } else if (typeof value === "string" || typeof value === "number") {
    for (const word of wordsOf(String(value).slice(0, MAX_TEXT_CHARS))) {
      if ((left.values -= 1) < 0) return;
      tell(path, normal(word));
    }
  }
}

function wordsOf(text: string): readonly string[] {
  const words: readonly string[] = text.match(WORD) ?? [];
  // Most values are one word, and need not be told twice.
  return text.length > MAX_VALUE_CHARS || words[0] === text ? words : [text, ...words];
}

/** A full stop at the end of a sentence is none of an address. */
function normal(value: string): string {
  return value
    .trim()
    .replace(/[.:!?]+$/u, "")
    .toLowerCase();
}

function scalarsOf(value: Json | undefined): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((each) => scalarsOf(each));
  return typeof value === "string" || typeof value === "number" ? [String(value)] : [];
}
