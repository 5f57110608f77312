import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  cosignCheckpoint,
  emptyRoot,
  formatCheckpoint,
  formatSignedNote,
  leafHash,
  logPolicy,
  openCheckpoint,
  parseCheckpointText,
  parseSignedNote,
  signNote,
} from "../src/index.ts";
import { signer } from "./support/keys.ts";
import { codeOf, LOG_SIGNER, ORIGIN } from "./support/log.ts";

const CHECKPOINT = { origin: ORIGIN, size: 7, root: leafHash("root"), extensions: [] };
const TEXT = formatCheckpoint(CHECKPOINT);
const W1 = signer("w1.example", "cosignature");
const W2 = signer("w2.example", "cosignature");
const POLICY = logPolicy({ origin: ORIGIN, keys: [LOG_SIGNER.key] });
const WITNESSED = logPolicy({ origin: ORIGIN, keys: [LOG_SIGNER.key], witnesses: [W1.key, W2.key], quorum: 2 });
const TIME = 1_764_169_200;

describe("a checkpoint", () => {
  test("is written in the lines of the specification, and read back", () => {
    expect(
      formatCheckpoint({
        origin: "example.com/behind-the-sofa",
        size: 20852163,
        root: Buffer.from("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", "base64"),
        extensions: [],
      }),
    ).toBe("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
    const line = fc.stringMatching(/^[!-~][ -~]{0,20}$/);
    fc.assert(
      fc.property(
        line,
        fc.maxSafeNat(),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.array(line, { maxLength: 3 }),
        (origin, size, root, extensions) => {
          const text = formatCheckpoint({ origin, size, root, extensions });
          expect(parseCheckpointText(text)).toEqual({ origin, size, root: Buffer.from(root), extensions });
        },
      ),
    );
  });
  test.each([
    ["no origin", TEXT.replace(ORIGIN, "")],
    ["a size with a leading zero", TEXT.replace("\n7\n", "\n07\n")],
    ["a negative size", TEXT.replace("\n7\n", "\n-7\n")],
    ["a size with a plus", TEXT.replace("\n7\n", "\n+7\n")],
    ["a size beyond 2^53 - 1", TEXT.replace("\n7\n", "\n9007199254740992\n")],
    ["a size with an exponent", TEXT.replace("\n7\n", "\n7e1\n")],
    ["a root of 31 bytes", TEXT.replace(/\S+\n$/, `${Buffer.alloc(31).toString("base64")}\n`)],
    ["a root without padding", TEXT.replace("=\n", "\n")],
    ["two lines", TEXT.split("\n").slice(0, 2).join("\n")],
    ["an empty extension line", `${TEXT}\n`],
    ["an empty line among the extensions", `${TEXT}a\n\nb\n`],
    ["no line feed at the end", TEXT.slice(0, -1)],
    ["a carriage return", TEXT.replaceAll("\n", "\r\n")],
  ])("with %s is refused", (_, text) => {
    expect(codeOf(() => parseCheckpointText(text))).toBe("malformed");
  });
  test("cannot be written with parts that would read back as others", () => {
    for (const wrong of [
      { origin: "a\nb" },
      { origin: "" },
      { size: -1 },
      { size: 1.5 },
      { root: new Uint8Array(31) },
      { extensions: [""] },
      { extensions: ["a\nb"] },
    ]) {
      expect(codeOf(() => formatCheckpoint({ ...CHECKPOINT, ...wrong }))).toBe("malformed");
    }
  });
});

describe("opening a checkpoint", () => {
  test("accepts the log's signature, and refuses another log's, another key's and a changed one", async () => {
    const note = await signNote(TEXT, [LOG_SIGNER]);
    expect(openCheckpoint(note, POLICY)).toMatchObject({ origin: ORIGIN, size: 7, cosignatures: [] });
    const globex = "bailiwick.example/log/globex";
    expect(codeOf(() => openCheckpoint(note, logPolicy({ origin: globex, keys: [LOG_SIGNER.key] })))).toBe("foreign");
    expect(codeOf(() => openCheckpoint(note, logPolicy({ origin: ORIGIN, keys: [signer(ORIGIN, "note", "other").key] })))).toBe(
      "untrusted",
    );
    expect(codeOf(() => openCheckpoint(note.replace("\n7\n", "\n8\n"), POLICY))).toBe("bad_signature");
  });
  test("needs as many different witnesses as the policy says", async () => {
    const none = await signNote(TEXT, [LOG_SIGNER]);
    const one = await cosignCheckpoint(none, W1, TIME);
    const twice = await cosignCheckpoint(one, W1, TIME + 1);
    const both = await cosignCheckpoint(one, W2, TIME + 2);
    expect([none, one, twice, both].map((note) => codeOf(() => openCheckpoint(note, WITNESSED)))).toEqual([
      "quorum_missed",
      "quorum_missed",
      "quorum_missed",
      "accepted",
    ]);
    expect(openCheckpoint(both, WITNESSED).cosignatures.map(({ key, time }) => [key.name, time])).toEqual([
      ["w1.example", TIME],
      ["w2.example", TIME + 2],
    ]);
  });
  test("counts one witness once, also when its signature stands there twice", async () => {
    const { text, signatures } = parseSignedNote(await cosignCheckpoint(await signNote(TEXT, [LOG_SIGNER]), W1, TIME));
    const later = parseSignedNote(await cosignCheckpoint(await signNote(TEXT, [LOG_SIGNER]), W1, TIME + 9)).signatures;
    expect(codeOf(() => openCheckpoint(formatSignedNote({ text, signatures: [...signatures, ...later] }), WITNESSED))).toBe(
      "quorum_missed",
    );
  });
  test("witnesses do not stand in for the log", async () => {
    const alone = await signNote(TEXT, [signer("x.example")]);
    const both = await cosignCheckpoint(await cosignCheckpoint(alone, W1, TIME), W2, TIME);
    expect(codeOf(() => openCheckpoint(both, WITNESSED))).toBe("untrusted");
  });
  test("a signature of the log is not one of a witness with the same key", async () => {
    const asWitness = signer(ORIGIN, "cosignature");
    const note = await signNote(TEXT, [LOG_SIGNER]);
    const [own] = parseSignedNote(note).signatures;
    const posed = formatSignedNote({ text: TEXT, signatures: own === undefined ? [] : [own, { ...own, id: asWitness.key.id }] });
    const policy = logPolicy({ origin: ORIGIN, keys: [LOG_SIGNER.key], witnesses: [W1.key], quorum: 0 });
    expect(openCheckpoint(posed, policy).cosignatures).toEqual([]);
  });
  test("a cosignature that is cut off, or whose time or signature is changed, is found", async () => {
    const { text, signatures } = parseSignedNote(await cosignCheckpoint(await signNote(TEXT, [LOG_SIGNER]), W1, TIME));
    for (const length of [1, 7, 8, 71]) {
      const short = signatures.map((one) => (one.name === "w1.example" ? { ...one, signature: one.signature.subarray(0, length) } : one));
      expect(codeOf(() => openCheckpoint(formatSignedNote({ text, signatures: short }), WITNESSED))).toBe("bad_signature");
    }
    for (let byte = 0; byte < 72; byte += 1) {
      const damaged = signatures.map((one) => (one.name === "w1.example" ? { ...one, signature: flipped(one.signature, byte) } : one));
      expect(codeOf(() => openCheckpoint(formatSignedNote({ text, signatures: damaged }), WITNESSED))).toBe("bad_signature");
    }
  });
  test("keys sign only the sizes they were given", async () => {
    const [old, next] = [signer(ORIGIN, "note", "old"), signer(ORIGIN, "note", "next")];
    const policy = logPolicy({
      origin: ORIGIN,
      keys: [
        { key: old.key, from: 0, until: 10 },
        { key: next.key, from: 8, until: undefined },
      ],
    });
    const answers = await Promise.all(
      [7, 8, 10, 11].flatMap((size) =>
        [old, next].map(async (one) => {
          const note = await signNote(formatCheckpoint({ ...CHECKPOINT, size }), [one]);
          return codeOf(() => openCheckpoint(note, policy));
        }),
      ),
    );
    expect(answers).toEqual([
      "accepted",
      "key_out_of_range",
      "accepted",
      "accepted",
      "accepted",
      "accepted",
      "key_out_of_range",
      "accepted",
    ]);
  });
});

describe("a cosignature", () => {
  test("of the specification's example is placed and timed as it says", () => {
    const line =
      "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    const [parsed] = parseSignedNote(`x\n\n${line}`).signatures;
    expect(parsed).toMatchObject({ name: "witness.example.com/w1", id: 0x8d66cf3f });
    expect(Buffer.from(parsed?.signature ?? []).readBigUInt64BE(0)).toBe(1_679_315_147n);
    expect(parsed?.signature).toHaveLength(72);
  });
  test("of a time beyond 2^53 - 1 is refused, also when it was signed", async () => {
    const { text, signatures } = parseSignedNote(await signNote(TEXT, [LOG_SIGNER]));
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(2n ** 53n);
    const signature = await W1.sign(Buffer.from(`cosignature/v1\ntime ${2n ** 53n}\n${text}`));
    const late = { name: W1.key.name, id: W1.key.id, signature: Buffer.concat([time, signature]) };
    expect(codeOf(() => openCheckpoint(formatSignedNote({ text, signatures: [...signatures, late] }), WITNESSED))).toBe("bad_signature");
  });
  test("is made only of checkpoints, at a time that exists, and with a key for cosignatures", async () => {
    const note = await signNote(TEXT, [LOG_SIGNER]);
    await expect(cosignCheckpoint(await signNote("not one\n", [LOG_SIGNER]), W1, TIME)).rejects.toMatchObject({ code: "malformed" });
    await expect(cosignCheckpoint(note, LOG_SIGNER, TIME)).rejects.toMatchObject({ code: "malformed" });
    await expect(cosignCheckpoint(note, W1, -1)).rejects.toThrow(RangeError);
  });
});

test.each([
  ["without a key", { origin: ORIGIN, keys: [] }],
  ["with a quorum that its witnesses cannot meet", { origin: ORIGIN, keys: [LOG_SIGNER.key], witnesses: [W1.key], quorum: 2 }],
  ["with a key for no size", { origin: ORIGIN, keys: [{ key: LOG_SIGNER.key, from: 5, until: 4 }] }],
  ["with a key from a size that is none", { origin: ORIGIN, keys: [{ key: LOG_SIGNER.key, from: -1, until: undefined }] }],
  ["with a negative quorum", { origin: ORIGIN, keys: [LOG_SIGNER.key], quorum: -1 }],
  [
    "with one holder as two witnesses",
    { origin: ORIGIN, keys: [LOG_SIGNER.key], witnesses: [W1.key, signer("w3.example", "cosignature", "w1.example").key] },
  ],
  [
    "with the log as its own witness",
    { origin: ORIGIN, keys: [LOG_SIGNER.key], witnesses: [signer("w3.example", "cosignature", ORIGIN).key] },
  ],
  ["with a witness's key for the log", { origin: ORIGIN, keys: [W1.key] }],
  ["with a log's key for a witness", { origin: ORIGIN, keys: [LOG_SIGNER.key], witnesses: [signer("w3.example").key] }],
])("a policy %s is refused when it is made", (_, policy) => {
  expect(() => logPolicy(policy)).toThrow(RangeError);
});

test("the empty log has a checkpoint as well", async () => {
  const note = await signNote(formatCheckpoint({ origin: ORIGIN, size: 0, root: emptyRoot(), extensions: [] }), [LOG_SIGNER]);
  expect(openCheckpoint(note, POLICY)).toMatchObject({ size: 0 });
});

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, place) => (place === at ? byte ^ 1 : byte));
}
