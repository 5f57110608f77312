import { type Json, type JsonObject, REDACTED } from "@bailiwick/policy";
import type { StandIn } from "../domain/token.ts";
import type { CallIo } from "../domain/tool.ts";
import { jsonText } from "./json-text.ts";
import { isObject } from "./paths.ts";
import { writtenForms } from "./written-forms.ts";

/** The value with every text in it that has a name called by it: a tool that says back what it was sent must not tell what a token stands for. */
export function named(value: JsonObject, standIns: readonly StandIn[]): JsonObject {
  return standIns.length === 0 ? value : new Namer(standIns).object(value);
}

/** The same for one text. */
export function namedText(text: string, standIns: readonly StandIn[]): string {
  return standIns.length === 0 ? text : new Namer(standIns).text(text);
}

/** The agent's line of a call whose arguments held tokens: what the tool says meanwhile calls values by name as well. */
export function namingLine(io: CallIo, standIns: readonly StandIn[]): CallIo {
  if (standIns.length === 0) return io;
  const namer = new Namer(standIns);
  const { task } = io;
  return {
    ...io,
    progress: ({ message, ...rest }) => io.progress({ ...rest, ...(message === undefined ? {} : { message: namer.text(message) }) }),
    log: (message) => io.log(namer.object(message)),
    ask: (request) => io.ask({ ...request, params: namer.object(request.params) }),
    ...(task === undefined
      ? {}
      : {
          task: ({ statusMessage, ...status }) =>
            task({ ...status, ...(statusMessage === undefined ? {} : { statusMessage: namer.text(statusMessage) }) }),
        }),
  };
}

/** Shorter values are named only where no word goes on before or after them: `Anna` is no part of `Annapolis`. */
const MIN_INSIDE_WORDS = 8;

/** Whether a token at this place of an argument leaves its value where it will be known again: a short one, glued to a word, is not. */
export function staysKnown({ token, value }: StandIn, text: string, at: number): boolean {
  const around = text.charAt(at - 1) + text.charAt(at + token.length);
  return value.length >= MIN_INSIDE_WORDS || !/[\p{L}\p{N}{}]/u.test(around);
}

/** Characters that are compared at first; no value that has a token is shorter. */
const WINDOW = 4;
const BUCKETS = 0x1_00_00;
/**
 * Characters that may be compared for one result. Values made to begin alike, and a text made of that beginning, would keep the broker busy
 * for minutes; what cannot be looked through is not shown.
 */
const MAX_COMPARED = 50_000_000;

interface Form {
  readonly token: string;
  readonly insideWords: boolean;
}

class Namer {
  readonly #forms = new Map<string, Form>();
  /** By the first characters of forms: how long those are, the longest first. */
  readonly #lengths = new Map<string, number[]>();
  readonly #seen = new Uint8Array(BUCKETS);
  #left = MAX_COMPARED;

  constructor(standIns: readonly StandIn[]) {
    for (const { token, value } of standIns) {
      for (const form of writtenForms(value)) this.#add(folded(form), { token, insideWords: value.length >= MIN_INSIDE_WORDS });
    }
    for (const lengths of this.#lengths.values()) lengths.sort((a, b) => b - a);
  }

  #add(form: string, how: Form): void {
    if (form.length < WINDOW) return;
    this.#forms.set(form, how);
    const start = form.slice(0, WINDOW);
    const lengths = this.#lengths.get(start);
    if (lengths === undefined) this.#lengths.set(start, [form.length]);
    else if (!lengths.includes(form.length)) lengths.push(form.length);
    this.#seen[hashOf(start)] = 1;
  }

  /** The same object when nothing in it has a name. */
  object(value: JsonObject): JsonObject {
    let changed = false;
    const entries = Object.entries(value).map(([name, inner]): readonly [string, Json] => {
      const [called, next] = [this.text(name), this.#json(inner)];
      changed ||= called !== name || next !== inner;
      return [called, next];
    });
    return changed ? Object.fromEntries(entries) : value;
  }

  #json(value: Json): Json {
    if (typeof value === "string") return this.text(value);
    // Numbers keep their type, as where a field is masked.
    if (typeof value === "number") return this.#forms.has(String(value)) ? 0 : value;
    if (isList(value)) {
      const items = value.map((item) => this.#json(item));
      return items.every((item, at) => item === value[at]) ? value : items;
    }
    return isObject(value) ? this.object(value) : value;
  }

  /** A text that holds JSON is read as such, since JSON writes line ends and quotes otherwise. */
  text(text: string): string {
    const parsed = jsonText(text);
    if (parsed === undefined) return this.#plain(text);
    const inside = this.#json(parsed);
    return inside === parsed ? text : JSON.stringify(inside);
  }

  /** Looks at each place once; the longest value that begins there is named. */
  #plain(text: string): string {
    const lower = folded(text);
    const parts: string[] = [];
    let copied = 0;
    let hash = 0;
    for (let end = 0; end < lower.length; end += 1) {
      hash = step(hash, lower.charCodeAt(end));
      const at = end - WINDOW + 1;
      if (this.#seen[hash] === 0 || at < copied) continue;
      const found = this.#formAt(text, lower, at);
      if (this.#left < 0) return REDACTED;
      if (found === undefined) continue;
      parts.push(text.slice(copied, at), found.token);
      copied = at + found.length;
    }
    return copied === 0 ? text : parts.join("") + text.slice(copied);
  }

  #formAt(text: string, lower: string, at: number): { readonly token: string; readonly length: number } | undefined {
    for (const length of this.#lengths.get(lower.slice(at, at + WINDOW)) ?? []) {
      if (at + length > lower.length) continue;
      this.#left -= length;
      if (this.#left < 0) return undefined;
      const form = this.#forms.get(lower.slice(at, at + length));
      if (form !== undefined && (form.insideWords || isApart(text, at, at + length))) return { token: form.token, length };
    }
    return undefined;
  }
}

function step(hash: number, code: number): number {
  return ((hash << WINDOW) ^ code) & (BUCKETS - 1);
}

function hashOf(start: string): number {
  let hash = 0;
  for (let at = 0; at < WINDOW; at += 1) hash = step(hash, start.charCodeAt(at));
  return hash;
}

const WORD_CHARACTER = /[\p{L}\p{N}]/u;
/** What ends in a letter or digit and stands for a character that is mostly none: line ends and blanks, as JSON and addresses write them. */
const ESCAPE = /(?:\\[bfnrt]|\\u[\da-f]{4}|\\x[\da-f]{2}|%[\da-f]{2})$/iu;

/** Whether no letter or digit goes on before or after. */
function isApart(text: string, start: number, end: number): boolean {
  const goesOn = WORD_CHARACTER.test(text.charAt(start - 1)) && !ESCAPE.test(text.slice(Math.max(0, start - 6), start));
  return !goesOn && !WORD_CHARACTER.test(text.charAt(end));
}

const NOT_ASCII = /[^\0-\u007f]/u;

/**
 * In lower case; unit by unit outside of ASCII, where a letter's lower case may have another length, or depend on what stands around it (the
 * Greek sigma): a place in it is the same place in the text.
 */
function folded(text: string): string {
  if (!NOT_ASCII.test(text)) return text.toLowerCase();
  return Array.from({ length: text.length }, (_, at) => {
    const unit = text.charAt(at).toLowerCase();
    return unit.length === 1 ? unit : text.charAt(at);
  }).join("");
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
