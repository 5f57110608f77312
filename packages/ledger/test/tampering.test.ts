import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  canonicalize,
  type ExportFaultCode,
  formatCheckpoint,
  formatHeadsLine,
  formatSignedNote,
  type Hash,
  leafHash,
  logPolicy,
  parseCheckpointText,
  parseSignedNote,
  rootOf,
  signNote,
  sourceOfLeaves,
  verifyExport,
} from "../src/index.ts";
import { signer } from "./support/keys.ts";
import { LOG_SIGNER, nth, ORIGIN, plainLog, type WrittenLog, writtenLog } from "./support/log.ts";

const SIZE = 200;
const EVERY = 40;
const POLICY = logPolicy({ origin: ORIGIN, keys: [LOG_SIGNER.key] });
const RUNS_EACH = 170;
let log: WrittenLog;

beforeAll(async () => {
  log = await plainLog(SIZE, EVERY);
});

/** An export as an attacker hands it over. */
interface Forgery {
  readonly records: readonly string[];
  readonly checkpoints?: readonly string[];
  readonly leaves?: readonly Hash[];
  /** The first record that is not what was written there; for a fault of a checkpoint, the first that no good one before it covers. */
  readonly at: number;
  readonly codes: readonly ExportFaultCode[];
}

type Dice = readonly [number, number, number];
/** Each makes one forgery out of three random numbers. `undefined`: these numbers change nothing. */
const RECORD_FORGERIES: Readonly<Record<string, (dice: Dice) => Forgery | undefined>> = {
  "a changed character"([one, two, three]) {
    const at = one % SIZE;
    const text = nth(log.records, at);
    const place = two % text.length;
    const changed = text.slice(0, place) + String.fromCharCode(text.charCodeAt(place) ^ (1 << (three % 7))) + text.slice(place + 1);
    return { records: log.records.with(at, changed), at, codes: ["changed"] };
  },
  "a dropped record": ([one]) => ({
    records: log.records.toSpliced(one % SIZE, 1),
    at: one % SIZE,
    codes: one % SIZE === SIZE - 1 ? ["truncated"] : ["missing"],
  }),
  "several dropped records"([one, two]) {
    const at = one % (SIZE - 1);
    const count = 1 + (two % (SIZE - at - 1));
    return { records: log.records.toSpliced(at, count), at, codes: ["missing"] };
  },
  "two swapped records"([one, two]) {
    const [at, other] = [Math.min(one % SIZE, two % SIZE), Math.max(one % SIZE, two % SIZE)];
    if (at === other) return undefined;
    const records = log.records.with(at, nth(log.records, other)).with(other, nth(log.records, at));
    return { records, at, codes: isLastOfStretch(at) ? ["moved", "missing"] : ["moved"] };
  },
  "a record written twice"([one, two]) {
    const from = one % SIZE;
    const at = from + 1 + (two % (SIZE - from));
    const records = log.records.toSpliced(at, 0, nth(log.records, from));
    return { records, at, codes: at === SIZE ? ["uncovered"] : ["duplicated"] };
  },
  "a record put in"([one, two]) {
    const at = one % SIZE;
    return {
      records: log.records.toSpliced(at, 0, canonicalize({ forged: two })),
      at,
      codes: isLastOfStretch(at) ? ["changed"] : ["inserted"],
    };
  },
  "a stretch in another order"([one, two, three]) {
    const at = one % (SIZE - 1);
    const length = 2 + (two % (SIZE - at - 1));
    const turn = 1 + (three % (length - 1));
    const stretch = log.records.slice(at, at + length);
    return {
      records: log.records.toSpliced(at, length, ...stretch.slice(turn), ...stretch.slice(0, turn)),
      at,
      codes: ["moved", "missing"],
    };
  },
  "a cut tail": ([one]) => ({ records: log.records.slice(0, one % SIZE), at: one % SIZE, codes: ["truncated"] }),
};

const CHECKPOINT_FORGERIES: Readonly<Record<string, (dice: Dice) => Promise<Forgery | undefined>>> = {
  async "a record and its tile rewritten"([one]) {
    const at = one % SIZE;
    const text = canonicalize({ rewritten: one });
    return { records: log.records.with(at, text), leaves: log.leaves.with(at, leafHash(text)), at: interval(at), codes: ["rewritten"] };
  },
  async "a tail cut off with its tiles"([one]) {
    const size = one % SIZE;
    return { records: log.records.slice(0, size), leaves: log.leaves.slice(0, size), at: interval(size), codes: ["truncated"] };
  },
  async "a fork signed by the log itself"([one, two]) {
    const size = nth(sizes(), one % sizes().length);
    const forked = await writtenLog(log.records.slice(0, size).with(two % size, canonicalize({ forked: two })), [size]);
    return { records: log.records, checkpoints: [...log.checkpoints, ...forked.checkpoints].toSorted(), at: size - EVERY, codes: ["fork"] };
  },
  async "the fork's records instead of the log's"([one, two]) {
    const changed = two % SIZE;
    const forked = await writtenLog(log.records.with(changed, canonicalize({ forked: one })), sizes());
    return {
      records: forked.records,
      checkpoints: [...forked.checkpoints, nth(log.checkpoints, interval(changed) / EVERY)],
      at: interval(changed),
      codes: ["fork"],
    };
  },
  async "a checkpoint signed with another key"([one, two]) {
    const place = one % log.checkpoints.length;
    const { text } = parseSignedNote(nth(log.checkpoints, place));
    const name = two % 2 === 0 ? ORIGIN : "other.example";
    const note = await signNote(text, [signer(name, "note", `seed ${two}`)]);
    return { records: log.records, checkpoints: log.checkpoints.with(place, note), at: place * EVERY, codes: ["untrusted"] };
  },
  async "another key's signature under the log's name and id"([one, two]) {
    const place = one % log.checkpoints.length;
    const { text, signatures } = parseSignedNote(nth(log.checkpoints, place));
    const [other] = parseSignedNote(await signNote(text, [signer("x.example", "note", `seed ${two}`)])).signatures;
    const note = formatSignedNote({
      text,
      signatures: signatures.map((one1) => ({ ...one1, signature: other?.signature ?? one1.signature })),
    });
    return { records: log.records, checkpoints: log.checkpoints.with(place, note), at: place * EVERY, codes: ["bad_signature"] };
  },
  async "a history rewritten and signed with another key"([one, two]) {
    const at = one % SIZE;
    const forged = await writtenLog(log.records.with(at, canonicalize({ forged: two })), sizes(), [signer(ORIGIN, "note", "thief")]);
    return { ...forged, at: 0, codes: ["untrusted"] };
  },
  async "a checkpoint that counts a run wrongly, signed by the log itself"([one, two]) {
    const place = one % log.checkpoints.length;
    const checkpoint = parseCheckpointText(parseSignedNote(nth(log.checkpoints, place)).text);
    const line = formatHeadsLine({ count: two % 20, root: leafHash(String(two)) });
    const note = await signNote(formatCheckpoint({ ...checkpoint, extensions: [line] }), [LOG_SIGNER]);
    return { records: log.records, checkpoints: log.checkpoints.with(place, note), at: place * EVERY, codes: ["heads"] };
  },
  async "the last checkpoints left out"([one]) {
    const kept = one % log.checkpoints.length;
    return { records: log.records, checkpoints: log.checkpoints.slice(0, kept), at: kept * EVERY, codes: ["uncovered"] };
  },
  async "a wrong hash in a tile"([one, two]) {
    const at = one % SIZE;
    return { records: log.records, leaves: log.leaves.with(at, leafHash(`wrong ${two}`)), at, codes: ["hash_tile"] };
  },
};

describe("every tampering is found, at the first record that is not as written", () => {
  test.each(Object.entries(RECORD_FORGERIES))("%s", (_, forge) => {
    fc.assert(
      fc.property(dice(), (numbers) => {
        const forgery = forge(numbers);
        fc.pre(forgery !== undefined);
        const verdict = verify(forgery);
        expect(verdict).toMatchObject({ ok: false, at: forgery.at, until: forgery.at + 1 });
        if (!verdict.ok) expect(forgery.codes).toContain(verdict.code);
      }),
      { numRuns: RUNS_EACH },
    );
  });
  test.each(Object.entries(CHECKPOINT_FORGERIES))("%s", async (_, forge) => {
    await fc.assert(
      fc.asyncProperty(dice(), async (numbers) => {
        const forgery = await forge(numbers);
        fc.pre(forgery !== undefined);
        const verdict = verify(forgery);
        expect(verdict).toMatchObject({ ok: false, at: forgery.at });
        if (!verdict.ok) expect(forgery.codes).toContain(verdict.code);
      }),
      { numRuns: RUNS_EACH },
    );
  });
  test("these are more than 2,000 tamperings", () => {
    expect((Object.keys(RECORD_FORGERIES).length + Object.keys(CHECKPOINT_FORGERIES).length) * RUNS_EACH).toBeGreaterThan(2000);
  });
});

describe("without hash tiles", () => {
  test.each(Object.entries(RECORD_FORGERIES))("%s is found between the two checkpoints around it", (_, forge) => {
    fc.assert(
      fc.property(dice(), (numbers) => {
        const forgery = forge(numbers);
        fc.pre(forgery !== undefined);
        const verdict = verifyExport(forgery.records, { policy: POLICY, checkpoints: log.checkpoints });
        const found = verdict.ok ? undefined : { at: verdict.at, holds: verdict.until > forgery.at };
        expect(found).toEqual({ at: interval(forgery.at), holds: true });
      }),
      { numRuns: 60 },
    );
  });
});

test("an untouched export verifies", () => {
  expect(verify({ records: log.records, at: 0, codes: [] })).toMatchObject({
    ok: true,
    size: SIZE,
    covered: SIZE,
    checkpoints: 5,
    root: rootOf(sourceOfLeaves(log.leaves), SIZE),
  });
});

test("any changed character of any checkpoint is found", () => {
  for (const [place, note] of log.checkpoints.entries()) {
    for (let at = 0; at < note.length; at += 1) {
      const changed = note.slice(0, at) + String.fromCharCode(note.charCodeAt(at) ^ 1) + note.slice(at + 1);
      const verdict = verify({ records: log.records, checkpoints: log.checkpoints.with(place, changed), at: 0, codes: [] });
      expect(verdict.ok ? "accepted" : verdict.at >= place * EVERY).toBe(true);
    }
  }
});

function verify({ records, checkpoints = log.checkpoints, leaves = log.leaves }: Forgery): ReturnType<typeof verifyExport> {
  return verifyExport(records, { policy: POLICY, checkpoints, leafHashAt: (index) => leaves[index] });
}

/** The size of the last checkpoint that does not cover a record. */
function interval(index: number): number {
  return Math.min(index - (index % EVERY), SIZE);
}

/** The checkpoint comes right after it, so what follows it is not seen any more when it is described. */
function isLastOfStretch(index: number): boolean {
  return index % EVERY === EVERY - 1;
}

function sizes(): readonly number[] {
  return log.checkpoints.map((_, place) => (place + 1) * EVERY);
}

function dice(): fc.Arbitrary<Dice> {
  return fc.tuple(fc.nat(), fc.nat(), fc.nat());
}
