import {
  type ExportFault,
  type ExportFaultCode,
  type FolderProven,
  formatNoteKey,
  type ProvenRecord,
  type ProvenSequence,
} from "../src/index.ts";

/** What the program answers: for people, and as one JSON document. */
export interface Report {
  readonly ok: boolean;
  readonly text: string;
  readonly json: object;
}

/** A folder all of whose records are proven. `compared`: how many checkpoints of a second place were among those verified. */
export function provenReport(proven: FolderProven, compared: number | undefined): Report {
  const { origin, size, first, covered, checkpoints, skipped, disclosed } = proven;
  const root = Buffer.from(proven.root).toString("base64");
  const keys = proven.keys.map(({ key, from, until }) => ({ key: formatNoteKey(key), from, ...(until === undefined ? {} : { until }) }));
  const witnesses = proven.cosignatures.map(({ key, time }) => ({
    key: formatNoteKey(key),
    ...(time === undefined ? {} : { at: timeText(time) }),
  }));
  const lines = [
    ["log", printable(origin)],
    ["size", `${size}`],
    ["root", root],
    ["covered", `${covered} records by ${checkpoints} checkpoints`],
    ...(first > 0
      ? [["begins", `at record ${first}; older ones were retired${skipped > 0 ? `, ${skipped} checkpoints lie before` : ""}`]]
      : []),
    ...keys.map(({ key, from, until }) => ["key", `${printable(key)}, sizes from ${from}${until === undefined ? "" : ` to ${until}`}`]),
    ...witnesses.map(({ key, at }) => ["witness", `${printable(key)}${at === undefined ? "" : `, ${at}`}`]),
    ...(compared === undefined ? [] : [["compared", `with ${compared} checkpoints kept elsewhere`]]),
    ...(disclosed > 0 ? [["facts", `of ${disclosed} records shown, as the records commit to them`]] : []),
  ];
  const text = `${labelled(lines)}${size - first} records, all proven\n`;
  return {
    ok: true,
    text,
    json: { ok: true, log: origin, size, first, root, covered, checkpoints, skipped, keys, witnesses, compared, disclosed },
  };
}

export function faultReport({ code, at, until, why }: ExportFault, origin: string | undefined): Report {
  const next = NEXT[code];
  const place = until === at + 1 ? `record ${at}` : `a record from ${at} to ${until - 1}`;
  const text = [
    ...(origin === undefined ? [] : [`log  ${printable(origin)}`]),
    `NOT PROVEN (${code}): ${printable(why)}`,
    `  first bad: ${place}${at > 0 ? "; what is before it is as it was written" : ""}`,
    `  next: ${next}`,
  ];
  return { ok: false, text: text.map((line) => `${line}\n`).join(""), json: { ok: false, log: origin, code, at, until, why, next } };
}

export function recordReport({ record, index, checkpoint }: ProvenRecord): Report {
  const text = Buffer.from(record).toString("utf8");
  const { origin, size } = checkpoint;
  return {
    ok: true,
    text: `${labelled([
      ["log", printable(origin)],
      ["record", `${index} of ${size}`],
    ])}${printable(text)}\n`,
    json: { ok: true, log: origin, size, index, record: text },
  };
}

export function sequenceReport({ sequence, records, checkpoint }: ProvenSequence): Report {
  const { origin, size } = checkpoint;
  const said = `these are all ${records.length} records of ${sequence.kind} ${sequence.name} up to size ${size}`;
  const lines = records.map(({ index, text }) => `${index}  ${printable(text)}\n`).join("");
  return {
    ok: true,
    text: `${labelled([["log", printable(origin)]])}${lines}${printable(said)}\n`,
    json: { ok: true, log: origin, size, kind: sequence.kind, name: sequence.name, records },
  };
}

/** Texts of a log made safe for a terminal: what could move the cursor or hide a line is shown as an escape. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (one) => `\\u${(one.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`);
}

function labelled(lines: readonly (readonly string[])[]): string {
  return lines.map(([label = "", text = ""]) => `${label.padEnd(LABEL_WIDTH)}${text}\n`).join("");
}

function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `second ${seconds} since 1970` : date.toISOString();
}

const KEEP = "keep this folder as it is, and compare it with an export from elsewhere, a backup, or what a witness holds";
const AGAIN = "export the log again; if this stays, keep both folders and ask the log's operator";
const OTHER_KEYS =
  "compare the pinned keys with those the log's operator publishes; pin a later key if the records that introduced it were retired";

const NEXT: Readonly<Record<ExportFaultCode, string>> = {
  changed: KEEP,
  inserted: KEEP,
  missing: KEEP,
  duplicated: KEEP,
  moved: KEEP,
  truncated: "export the log again; if it still ends there its end was cut off: restore it from a backup, and keep this folder",
  rewritten: KEEP,
  fork: "keep both checkpoints: together they prove that the log's key signed two histories; show them to the witnesses",
  heads: KEEP,
  hash_tile: AGAIN,
  not_canonical: KEEP,
  too_large: KEEP,
  uncovered: AGAIN,
  facts: "do not rely on the facts that are shown; ask for them again from whoever disclosed them",
  malformed: AGAIN,
  foreign: "check that the folder and the pinned keys are of the same log",
  untrusted: OTHER_KEYS,
  bad_signature: KEEP,
  key_out_of_range: OTHER_KEYS,
  quorum_missed: "wait for the witnesses and export again, or ask them what they saw",
  not_included: KEEP,
  incomplete: "ask for the proof of the whole sequence",
  tile_missing: AGAIN,
};

const LABEL_WIDTH = 10;
