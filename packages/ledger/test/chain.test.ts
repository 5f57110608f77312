import * as fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalize, type ChainRecord, chainVerifier, commit, genesis, recordHash, verifyChain } from "../src/index.ts";

const MIN_RECORDS = 3;

test("an untouched chain verifies, and its head is the last record", () => {
  fc.assert(
    fc.property(chains(), (records) => {
      const last = records.at(-1);
      expect(verifyChain(records)).toEqual({ ok: true, count: records.length, head: { seq: last?.seq, hash: last?.hash } });
    }),
  );
});

test("an empty chain verifies and has no head", () => {
  expect(verifyChain([])).toEqual({ ok: true, count: 0, head: undefined });
});

test("one changed character anywhere in a record is found at that record", () => {
  fc.assert(
    fc.property(chains(), fc.nat(), fc.constantFrom("kind", "callId", "body", "prev", "hash"), fc.nat(), (records, pick, field, at) => {
      const index = pick % records.length;
      const victim = nth(records, index);
      const text = victim[field];
      const place = at % text.length;
      const flipped = text.slice(0, place) + (text[place] === "0" ? "1" : "0") + text.slice(place + 1);
      expect(verifyChain(records.with(index, { ...victim, [field]: flipped }))).toMatchObject({ ok: false, at: victim.seq });
    }),
  );
});

test("a changed record whose own hash was made to fit is found at the record after it", () => {
  fc.assert(
    fc.property(chains(), fc.nat(), (records, pick) => {
      const index = pick % (records.length - 1);
      const changed = { ...nth(records, index), body: '{"forged":true}' };
      expect(verifyChain(records.with(index, { ...changed, hash: recordHash(changed) }))).toMatchObject({ ok: false, at: index + 2 });
    }),
  );
});

test("a dropped record is found at its place", () => {
  fc.assert(
    fc.property(chains(), fc.nat(), (records, pick) => {
      const index = pick % (records.length - 1);
      expect(verifyChain(records.toSpliced(index, 1))).toMatchObject({ ok: false, at: index + 1 });
    }),
  );
});

test("dropped records in the middle are found even when the rest is renumbered", () => {
  fc.assert(
    fc.property(chains(), fc.nat(), (records, pick) => {
      const index = pick % (records.length - 1);
      const renumbered = records.toSpliced(index, 1).map((record, place) => ({ ...record, seq: place + 1 }));
      expect(verifyChain(renumbered)).toMatchObject({ ok: false, at: index + 1 });
    }),
  );
});

test("two swapped records are found at the first of them", () => {
  fc.assert(
    fc.property(chains(), fc.nat(), fc.nat(), (records, one, two) => {
      const [first, second] = [one % records.length, two % records.length].toSorted((left, right) => left - right);
      fc.pre(first !== undefined && second !== undefined && first !== second);
      const swapped = records.with(first ?? 0, nth(records, second ?? 0)).with(second ?? 0, nth(records, first ?? 0));
      expect(verifyChain(swapped)).toMatchObject({ ok: false, at: (first ?? 0) + 1 });
    }),
  );
});

test("a record written twice is found at the second place", () => {
  fc.assert(
    fc.property(chains(), fc.nat(), (records, pick) => {
      const index = pick % records.length;
      expect(verifyChain(records.toSpliced(index, 0, nth(records, index)))).toMatchObject({ ok: false, at: index + 2 });
    }),
  );
});

test("another tenant's log does not pass for this one", () => {
  fc.assert(
    fc.property(chains(), (records) => {
      const moved = records.map((record) => ({ ...record, tenant: "globex" }));
      expect(verifyChain(moved)).toMatchObject({ ok: false, at: 1 });
    }),
  );
});

test("a cut tail looks whole by itself, and is found with the head kept in a second place", () => {
  fc.assert(
    fc.property(chains(), fc.nat(), (records, pick) => {
      const kept = 1 + (pick % (records.length - 1));
      const whole = verifyChain(records);
      const head = whole.ok ? whole.head : undefined;
      expect(verifyChain(records.slice(0, kept))).toMatchObject({ ok: true, count: kept });
      expect(verifyChain(records.slice(0, kept), { head })).toMatchObject({ ok: false, at: kept + 1 });
    }),
  );
});

test("a log rewritten from a record on is found at the head kept in a second place", () => {
  fc.assert(
    fc.property(chains(), fc.nat(), (records, pick) => {
      const keep = pick % records.length;
      const rewritten = chain([
        ...records.slice(0, keep).map((record) => record.body),
        '{"rewritten":true}',
        ...records.slice(keep + 1).map((record) => record.body),
      ]);
      const last = nth(records, records.length - 1);
      expect(verifyChain(rewritten)).toMatchObject({ ok: true });
      expect(verifyChain(rewritten, { head: { seq: last.seq, hash: last.hash } })).toMatchObject({ ok: false, at: last.seq });
    }),
  );
});

test("a chain read in pages verifies like one read at once", () => {
  fc.assert(
    fc.property(chains(), fc.nat(), (records, pick) => {
      const cut = pick % records.length;
      const first = verifyChain(records.slice(0, cut));
      const verifier = chainVerifier({ from: first.ok ? first.head : undefined });
      for (const record of records.slice(cut)) expect(verifier.push(record)).toBe(true);
      expect(verifier.verdict()).toMatchObject({ ok: true, count: records.length - cut });
    }),
  );
});

test("a commitment holds for its value and salt only", () => {
  const salt = new Uint8Array(32).fill(7);
  expect(commit({ a: 1 }, salt)).toBe(commit({ a: 1 }, salt));
  expect(commit({ a: 2 }, salt)).not.toBe(commit({ a: 1 }, salt));
  expect(commit({ a: 1 }, new Uint8Array(32).fill(8))).not.toBe(commit({ a: 1 }, salt));
  expect(() => commit({ a: 1 }, new Uint8Array(31))).toThrow(RangeError);
});

function chains(): fc.Arbitrary<readonly ChainRecord[]> {
  return fc
    .array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: MIN_RECORDS, maxLength: 12 })
    .map((bodies) => chain(bodies.map(canonicalize)));
}

function chain(bodies: readonly string[]): readonly ChainRecord[] {
  let prev = genesis("acme");
  return bodies.map((body, index) => {
    const record = { tenant: "acme", seq: index + 1, kind: "intent", callId: `call_${index}`, body, prev };
    const hash = recordHash(record);
    prev = hash;
    return { ...record, hash };
  });
}

function nth(records: readonly ChainRecord[], index: number): ChainRecord {
  const record = records[index];
  if (record === undefined) throw new RangeError(`no record at ${index}`);
  return record;
}
