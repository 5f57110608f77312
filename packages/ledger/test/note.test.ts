import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatNoteKey,
  formatSignedNote,
  noteKey,
  type NoteKeyType,
  openNote,
  parseNoteKey,
  parseSignedNote,
  signNote,
} from "../src/index.ts";
import { codeOf, nth } from "./support/log.ts";
import { signer } from "./support/keys.ts";

// The example of C2SP signed-note, and a key and note of the documentation of Go's sumdb/note: made by others.
const POEM =
  "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
const PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETERS =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

const TEXT = "first\n\nthird\n";
const A = signer("a.example");
const B = signer("b.example");

describe("a note key", () => {
  test("has the id that Go computes, and reads back", () => {
    const key = parseNoteKey(PETER);
    expect(key).toMatchObject({ name: "PeterNeumann", id: 0xc74f20a3, type: "note" });
    expect(formatNoteKey(key)).toBe(PETER);
  });
  test.each<NoteKeyType>(["note", "cosignature"])("of type %s reads back", (type) => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const key = noteKey("w.example/1", bytes, type);
        expect(parseNoteKey(formatNoteKey(key))).toMatchObject({ id: key.id, name: key.name, type, publicKey: key.publicKey });
      }),
    );
  });
  test("is refused when any character of it is another", () => {
    for (let at = 0; at < PETER.length; at += 1) {
      for (const other of ["A", "+", " ", "0"]) {
        const changed = PETER.slice(0, at) + other + PETER.slice(at + 1);
        if (changed !== PETER) expect(codeOf(() => parseNoteKey(changed))).toBe("malformed");
      }
    }
  });
  test.each(["", "a b", "a+b", "a\u00a0b", "a\u3000b", "a\u0085b", "a\nb", "a\0b", "\ud800"])("cannot be named %j", (name) => {
    expect(codeOf(() => noteKey(name, new Uint8Array(32)))).toBe("malformed");
  });
  test.each([0, 31, 33, 64])("of %i bytes is refused", (length) => {
    expect(codeOf(() => noteKey("a", new Uint8Array(length)))).toBe("malformed");
  });
});

describe("opening a note", () => {
  test("accepts the note of Go's documentation with its key", () => {
    const { text, verified } = openNote(PETERS, [parseNoteKey(PETER)]);
    expect(text).toBe(PETERS.slice(0, PETERS.indexOf("\n\n") + 1));
    expect(verified.map(({ key }) => key.name)).toEqual(["PeterNeumann"]);
  });
  test("splits a text that has empty lines itself at the last one", () => {
    expect(parseSignedNote(POEM)).toMatchObject({
      text: "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n",
      signatures: [{ name: "quasimodo.example/salvatore" }],
    });
    expect(formatSignedNote(parseSignedNote(POEM))).toBe(POEM);
  });
  test("needs one trusted signature, and ignores those of unknown keys", async () => {
    const note = await signNote(TEXT, [A, B]);
    expect(openNote(note, [A.key]).verified).toHaveLength(1);
    expect(openNote(note, [B.key]).verified).toHaveLength(1);
    expect(openNote(note, [A.key, B.key]).verified).toHaveLength(2);
    expect(codeOf(() => openNote(note, [signer("c.example").key]))).toBe("untrusted");
    expect(codeOf(() => openNote(note, []))).toBe("untrusted");
  });
  test("ignores a key with a trusted name and another id, and one with a trusted id under another name", async () => {
    const imposter = signer("a.example", "note", "other");
    const note = await signNote(TEXT, [imposter, B]);
    expect(openNote(note, [A.key, B.key]).verified.map(({ key }) => key.name)).toEqual(["b.example"]);
    const line = nth(parseSignedNote(await signNote(TEXT, [A])).signatures, 0);
    const renamed = formatSignedNote({ text: TEXT, signatures: [{ ...line, name: "z.example" }, ...parseSignedNote(note).signatures] });
    expect(openNote(renamed, [A.key, B.key]).verified.map(({ key }) => key.name)).toEqual(["b.example"]);
  });
  test("refuses the whole note when one trusted key's signature does not fit, also a second one of the same key", async () => {
    const { signatures } = parseSignedNote(await signNote(TEXT, [A, B]));
    const [one, two] = [nth(signatures, 0), nth(signatures, 1)];
    const wrong = { ...one, signature: two.signature };
    expect(codeOf(() => openNote(formatSignedNote({ text: TEXT, signatures: [wrong, two] }), [A.key, B.key]))).toBe("bad_signature");
    expect(codeOf(() => openNote(formatSignedNote({ text: TEXT, signatures: [one, wrong] }), [A.key]))).toBe("bad_signature");
  });
  test("does not tell two keys with the same name and id apart, and says so", async () => {
    const note = await signNote(TEXT, [A]);
    expect(() => openNote(note, [A.key, A.key])).toThrow(RangeError);
  });
  test("refuses every note that differs in one character", async () => {
    const note = await signNote(TEXT, [A]);
    for (let at = 0; at < note.length; at += 1) {
      for (const code of [1, 2, 0x20]) {
        const changed = note.slice(0, at) + String.fromCharCode(note.charCodeAt(at) ^ code) + note.slice(at + 1);
        expect(codeOf(() => openNote(changed, [A.key]))).toMatch(/^(malformed|bad_signature|untrusted)$/);
      }
      expect(codeOf(() => openNote(note.slice(0, at) + note.slice(at + 1), [A.key]))).not.toBe("accepted");
      expect(codeOf(() => openNote(note.slice(0, at), [A.key]))).not.toBe("accepted");
    }
  });
  test("accepts 16 signatures, and refuses a note with hundreds", async () => {
    const { signatures } = parseSignedNote(await signNote(TEXT, [A]));
    const others = Array.from({ length: 15 }, (_, place) => ({ ...nth(signatures, 0), name: `w${place}.example` }));
    expect(openNote(formatSignedNote({ text: TEXT, signatures: [...others, ...signatures] }), [A.key]).verified).toHaveLength(1);
    const line = "— w.example AAAAAAA=\n".repeat(200);
    expect(codeOf(() => parseSignedNote(`${TEXT}\n${line}`))).toBe("malformed");
  });
  test.each([
    ["a million characters", `${"x".repeat(1_000_000)}\n\n— a AAAAAAA=\n`],
    ["no signature", `${TEXT}\n`],
    ["no empty line", "text\n— a AAAAAAA=\n"],
    ["no line feed at the end", `${TEXT}\n— a AAAAAAA=`],
    ["a hyphen for the dash", `${TEXT}\n- a AAAAAAA=\n`],
    ["base64 with loose bits", `${TEXT}\n— a AAAAAAB=\n`],
    ["base64 without padding", `${TEXT}\n— a AAAAAAA\n`],
    ["base64url", `${TEXT}\n— a AAAAAA-_\n`],
    ["nothing after the key id", `${TEXT}\n— a AAAAAA==\n`],
    ["two spaces", `${TEXT}\n— a  AAAAAAA=\n`],
    ["something after the signature", `${TEXT}\n— a AAAAAAA= x\n`],
    ["a plus in the name", `${TEXT}\n— a+b AAAAAAA=\n`],
    ["a tab", "te\txt\n\n— a AAAAAAA=\n"],
    ["a carriage return", `text\r\n\r\n— a AAAAAAA=\r\n`],
    ["broken Unicode", "te\ud800xt\n\n— a AAAAAAA=\n"],
  ])("refuses a note with %s", (_, note) => {
    expect(codeOf(() => parseSignedNote(note))).toBe("malformed");
  });
});

describe("signing a note", () => {
  test("is refused when the private key is not that of the public one", async () => {
    await expect(signNote(TEXT, [{ key: A.key, sign: B.sign }])).rejects.toMatchObject({ code: "bad_signature" });
  });
  test("is refused for a text that could not be told from its signatures, and for a witness's key", async () => {
    await expect(signNote("no line feed", [A])).rejects.toMatchObject({ code: "malformed" });
    await expect(signNote("a\tb\n", [A])).rejects.toMatchObject({ code: "malformed" });
    await expect(signNote(TEXT, [signer("w.example", "cosignature")])).rejects.toMatchObject({ code: "malformed" });
    await expect(signNote(TEXT, [])).rejects.toMatchObject({ code: "malformed" });
  });
});
