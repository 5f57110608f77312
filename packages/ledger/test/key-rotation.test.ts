import { describe, expect, test } from "vitest";
import {
  canonicalize,
  type ExportVerdict,
  type KeyChange,
  keyChangeRecord,
  logPolicy,
  type NoteSigner,
  openCheckpoint,
  parseKeyChange,
  verifyExport,
} from "../src/index.ts";
import { signer } from "./support/keys.ts";
import { codeOf, LOG_SIGNER, ORIGIN, record, writtenLog } from "./support/log.ts";

const POLICY = logPolicy({ origin: ORIGIN, keys: [LOG_SIGNER.key] });

describe("the log's keys rotate", () => {
  const OLD = LOG_SIGNER;
  const NEXT = signer(ORIGIN, "note", "next");
  const introduce = keyChangeRecord({ change: "introduce", key: NEXT.key });
  const retire = keyChangeRecord({ change: "retire", key: OLD.key });

  test("with an overlap that the log records, and the verifier pins what is left", async () => {
    const records = [record(0), introduce, record(2), record(3), retire, record(5)];
    const { verdict, checkpoints } = await rotated(records, [
      [1, OLD],
      [3, OLD],
      [4, NEXT],
      [6, NEXT],
    ]);
    expect(proven(verdict).keys).toEqual([
      { key: OLD.key, from: 0, until: 4 },
      { key: expect.objectContaining({ id: NEXT.key.id }), from: 2, until: undefined },
    ]);
    const pinned = logPolicy({ origin: ORIGIN, keys: proven(verdict).keys });
    expect(checkpoints.map((note) => openCheckpoint(note, pinned).size)).toEqual([1, 3, 4, 6]);
    expect(verifyExport(records, { policy: pinned, checkpoints })).toMatchObject({ ok: true, keys: proven(verdict).keys });
  });
  test("and a key is not believed before a checkpoint under an older one covers its introduction", async () => {
    const { verdict } = await rotated(
      [record(0), introduce, record(2)],
      [
        [1, OLD],
        [3, NEXT],
      ],
    );
    expect(verdict).toMatchObject({ ok: false, code: "untrusted", at: 1 });
  });
  test("and a key that the log never introduced is not believed", async () => {
    const { verdict } = await rotated(
      [record(0), record(1)],
      [
        [1, OLD],
        [2, NEXT],
      ],
    );
    expect(verdict).toMatchObject({ ok: false, code: "untrusted", at: 1 });
  });
  test("and a retired key signs no later checkpoint", async () => {
    const records = [introduce, record(1), retire, record(3)];
    expect(
      (
        await rotated(records, [
          [1, OLD],
          [2, OLD],
          [4, OLD],
        ])
      ).verdict,
    ).toMatchObject({ ok: false, code: "key_out_of_range", at: 2 });
    expect(
      (
        await rotated(records, [
          [1, OLD],
          [2, OLD],
          [4, NEXT],
        ])
      ).verdict,
    ).toMatchObject({ ok: true });
  });
  test("and the only key cannot be retired, nor one whose successor no checkpoint vouches for", async () => {
    expect(
      (
        await rotated(
          [record(0), retire],
          [
            [1, OLD],
            [2, OLD],
          ],
        )
      ).verdict,
    ).toMatchObject({ ok: false, code: "key_out_of_range", at: 1, until: 2 });
    expect(
      (
        await rotated(
          [record(0), introduce, retire],
          [
            [1, OLD],
            [3, OLD],
          ],
        )
      ).verdict,
    ).toMatchObject({ ok: false, code: "key_out_of_range", at: 2, until: 3 });
  });
  test("and a key is introduced once, and retired once", async () => {
    expect(
      (
        await rotated(
          [introduce, introduce],
          [
            [1, OLD],
            [2, OLD],
          ],
        )
      ).verdict,
    ).toMatchObject({ ok: false, code: "key_out_of_range", at: 1 });
    const twice = [introduce, retire, retire, record(3)];
    expect(
      (
        await rotated(twice, [
          [1, OLD],
          [4, NEXT],
        ])
      ).verdict,
    ).toMatchObject({ ok: false, code: "key_out_of_range", at: 2 });
  });
  test("and a record that begins like one about keys and is none is a fault of the log", async () => {
    const records = [record(0), '{"logKey":{"change":"introduce"}}'];
    expect((await rotated(records, [[2, OLD]])).verdict).toMatchObject({ ok: false, code: "malformed", at: 1, until: 2 });
  });
  test("and a changed introduction is found as any changed record is", async () => {
    const thief = keyChangeRecord({ change: "introduce", key: signer(ORIGIN, "note", "thief").key });
    const { checkpoints } = await rotated([record(0), introduce, record(2)], [[3, OLD]]);
    expect(verifyExport([record(0), thief, record(2)], { policy: POLICY, checkpoints })).toMatchObject({
      ok: false,
      code: "rewritten",
      at: 0,
      until: 3,
    });
  });
  test("and a record that says nothing about keys, or only looks so, changes none", () => {
    expect(parseKeyChange(introduce)).toMatchObject({ change: "introduce" } satisfies Partial<KeyChange>);
    expect(parseKeyChange(canonicalize({ args: introduce, kind: "intent" }))).toBeUndefined();
    expect(parseKeyChange(canonicalize({ agent: "x", logKey: { change: "introduce" } }))).toBeUndefined();
    for (const text of [
      '{"logKey":{"change":"introduce","key":"x"}}',
      '{"logKey":1}',
      introduce.replace("introduce", "grant"),
      `${introduce} `,
    ]) {
      expect(codeOf(() => parseKeyChange(text))).toBe("malformed");
    }
  });
});

/** A log whose checkpoints are signed with different keys, and how it verifies with the first key alone. */
async function rotated(
  records: readonly string[],
  signed: readonly (readonly [number, NoteSigner])[],
): Promise<{ verdict: ExportVerdict; checkpoints: readonly string[] }> {
  const checkpoints: string[] = [];
  for (const [size, one] of signed) checkpoints.push(...(await writtenLog(records.slice(0, size), [size], [one])).checkpoints);
  return { verdict: verifyExport(records, { policy: POLICY, checkpoints }), checkpoints };
}

function proven(verdict: ExportVerdict): Extract<ExportVerdict, { ok: true }> {
  if (!verdict.ok) throw new Error(verdict.why);
  return verdict;
}
