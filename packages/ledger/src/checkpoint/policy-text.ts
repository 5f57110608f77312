import { LedgerError } from "../ledger-error.ts";
import { formatNoteKey, type NoteKey, parseNoteKey } from "../note/key.ts";
import { decodeDecimal, malformed } from "../strict-text.ts";
import { type LogPolicy, logPolicy } from "./policy.ts";
import type { Quorum } from "./quorum.ts";

/** Whom a verifier believes, as a file says it; one file may be about several logs. */
export interface TrustPolicy {
  readonly logs: readonly KeyWithUrl[];
  readonly witnesses: readonly KeyWithUrl[];
  readonly quorum: Quorum;
}

export interface KeyWithUrl {
  readonly key: NoteKey;
  readonly url?: string | undefined;
}

/**
 * Reads a policy file (C2SP tlog-policy). Bytes are taken as they are: names need not be UTF-8.
 * @throws LedgerError `malformed` with the number of the line.
 */
export function parsePolicyText(file: Uint8Array | string): TrustPolicy {
  // A name is an opaque string of octets; so each octet becomes one character, and only keys and addresses are read as UTF-8.
  const text = Buffer.from(file).toString("latin1");
  if (FORBIDDEN.test(text)) return malformed("the policy holds control characters", "only tabs and line feeds are allowed");
  const lines = text.split("\n");
  // The quorum often stands last, and a name that was cut short may be the name of a smaller group.
  if (lines.pop() !== "") return malformed("the policy's last line does not end", "pass the whole file, with its last line feed");
  const reading = new Reading();
  for (const [place, line] of lines.entries()) {
    try {
      reading.line(line.split(/[ \t]+/).filter((item) => item !== ""));
    } catch (error) {
      if (error instanceof LedgerError) throw new LedgerError("malformed", `line ${place + 1} of the policy: ${error.message}`);
      throw error;
    }
  }
  return reading.policy();
}

/** Writes a policy file: the logs' keys, the witnesses, and how many of them are needed (C2SP tlog-policy). @throws RangeError for a quorum that cannot be met. */
export function formatPolicyText(policy: {
  readonly logs: readonly KeyWithUrl[];
  readonly witnesses: readonly KeyWithUrl[];
  readonly quorum: number;
}): string {
  const { logs, witnesses, quorum } = policy;
  if (!Number.isSafeInteger(quorum) || quorum < 0 || quorum > witnesses.length)
    throw new RangeError(`a quorum of ${quorum} cannot be met by ${witnesses.length} witnesses`);
  const urlOf = ({ url }: KeyWithUrl): string => (url === undefined ? "" : ` ${url}`);
  const names = witnesses.map((_, place) => `w${place + 1}`);
  return [
    ...logs.map((log) => `log ${formatNoteKey(log.key)}${urlOf(log)}`),
    ...witnesses.map((witness, place) => `witness w${place + 1} ${formatNoteKey(witness.key)}${urlOf(witness)}`),
    ...(quorum === 0 ? ["quorum none"] : [`group witnesses ${quorum} ${names.join(" ")}`, "quorum witnesses"]),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

/**
 * The part of a policy that is about one log: several keys of one name are one log's (docs/spec/log-proofs.md, "The log's keys").
 * @throws LedgerError `foreign` when the policy names no key of the log.
 */
export function policyOfLog({ logs, witnesses, quorum }: TrustPolicy, origin: string): LogPolicy {
  const keys = logs.map(({ key }) => key).filter(({ name }) => name === origin);
  if (keys.length === 0)
    throw new LedgerError("foreign", `no key of log \`${origin}\` is pinned: get one from the log's operator, by another way than the log`);
  return logPolicy({ origin, keys, witnesses: witnesses.map(({ key }) => key), quorum });
}

/** Lines read so far. */
class Reading {
  readonly #logs: KeyWithUrl[] = [];
  readonly #witnesses: KeyWithUrl[] = [];
  readonly #named = new Map<string, NoteKey | Quorum>();
  readonly #grouped = new Set<string>();
  readonly #holders = new Set<string>();
  #quorum: Quorum | undefined;

  line([keyword, ...items]: readonly string[]): void {
    if (keyword === undefined || keyword.startsWith("#")) return;
    switch (keyword) {
      case "log":
        this.#logs.push(this.#key(items, "note"));
        return;
      case "witness": {
        const [name, ...rest] = items;
        const witness = this.#key(rest, "cosignature");
        this.#define(name, witness.key);
        this.#witnesses.push(witness);
        return;
      }
      case "group":
        this.#group(items);
        return;
      case "quorum":
        this.#setQuorum(items);
        return;
    }
    malformed(`\`${keyword}\` begins no line of a policy`, "lines begin with log, witness, group, quorum or #");
  }

  policy(): TrustPolicy {
    if (this.#quorum === undefined) return malformed("the policy has no quorum", "say which witnesses are needed, or `quorum none`");
    return { logs: this.#logs, witnesses: this.#witnesses, quorum: this.#quorum };
  }

  #key([text, url, ...more]: readonly string[], type: NoteKey["type"]): KeyWithUrl {
    if (text === undefined || more.length > 0)
      return malformed("a key is missing, or too much stands after it", "write the key, then an address or nothing");
    const key = parseNoteKey(utf8(text));
    if (key.type !== type)
      return malformed(`the key of \`${key.name}\` has another purpose`, type === "note" ? "a log signs notes" : "a witness cosigns");
    const holder = Buffer.from(key.publicKey).toString("hex");
    if (this.#holders.has(holder)) return malformed(`the key of \`${key.name}\` stands twice`, "leave one of the lines out");
    this.#holders.add(holder);
    return url === undefined ? { key } : { key, url: utf8(url) };
  }

  #group([name, needed, ...members]: readonly string[]): void {
    const of = members.map((member) => {
      if (this.#grouped.has(member)) return malformed(`\`${utf8(member)}\` is a member twice`, "each name counts in one group only");
      this.#grouped.add(member);
      return this.#find(member);
    });
    const count = needed === "all" ? of.length : needed === "any" ? 1 : decodeDecimal(needed ?? "");
    if (count === undefined || count < 1 || count > of.length)
      malformed("the group can never be met, or always", "write `all`, `any` or a number from 1 to the number of its members, then them");
    else this.#define(name, { needed: count, of });
  }

  #setQuorum([name, ...more]: readonly string[]): void {
    if (name === undefined || more.length > 0 || this.#quorum !== undefined)
      malformed("there is more than one quorum, or it is not one name", "one line `quorum <name>` is needed");
    else if (name === NONE) this.#quorum = { needed: 0, of: [] };
    else {
      const found = this.#find(name);
      this.#quorum = "of" in found ? found : { needed: 1, of: [found] };
    }
  }

  #define(name: string | undefined, what: NoteKey | Quorum): void {
    if (name === undefined || name === NONE || this.#named.has(name))
      malformed(`\`${utf8(name ?? "")}\` cannot be a new name`, "a name is given once, and `none` to nobody");
    else this.#named.set(name, what);
  }

  #find(name: string): NoteKey | Quorum {
    return this.#named.get(name) ?? malformed(`\`${utf8(name)}\` is not defined above`, "define it on an earlier line");
  }
}

function utf8(octets: string): string {
  return Buffer.from(octets, "latin1").toString("utf8");
}

const NONE = "none";
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\0-\x08\x0b-\x1f\x7f]/;
