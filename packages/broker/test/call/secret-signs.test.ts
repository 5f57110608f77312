import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FoundKinds, isSecretMember, maskedText } from "../../src/call/content-tools.ts";
import { decodedViews } from "../../src/call/encoded.ts";
import { mayHoldSecret } from "../../src/call/secret-signs.ts";
import { scan } from "../../src/risk/content/index.ts";
import { type Alphabet, SECRET_FORMS } from "../../src/risk/content/secrets/table.ts";

/** Characters of each alphabet, mixed so that a piece of any length looks random. */
const CHARACTERS: Readonly<Record<Alphabet, string>> = {
  hex: "3f9a1c07e5b2d846",
  alnum: "k3Xv9TqL2mZ8RwB5nYc7Jd",
  upper: "K3XV9TQL2MZ8RWB5NYC7JD",
  word: "k3Xv9-TqL2mZ8_RwB5nYc7Jd",
  token: "k3Xv9.TqL2mZ8_RwB5nYc7Jd",
  base64: "k3Xv9+TqL2mZ8/RwB5nYc7Jd",
};
const sample = ({ prefix, alphabet, least }: (typeof SECRET_FORMS)[number]): string =>
  prefix + CHARACTERS[alphabet].repeat(Math.ceil(least / CHARACTERS[alphabet].length)).slice(0, least);

const KEYED = [
  "password",
  "passwords",
  "passwd",
  "passphrase",
  "pwd",
  "secret",
  "client_secret",
  "secret_access_key",
  "secret-key",
  "api_key",
  "apikey",
  "access_key",
  "private-key",
  "auth_token",
  "access-token",
  "refresh_token",
  "token",
  "credential",
  "kennwort",
  "passwort",
  "mot de passe",
  "contraseña",
  "contrasena",
].map((word) => `${word}: kT9$vq2LmX7!pz`);
const PEM = ["-----BEGIN ", "PRIVATE KEY-----\nMIIBVgIBADANBg\n-----END ", "PRIVATE KEY-----"].join("");
const JWT = [JSON.stringify({ alg: "HS256" }), JSON.stringify({ sub: "u" }), "signature-bytes"]
  .map((part) => Buffer.from(part).toString("base64url"))
  .join(".");
const PLAIN = [...SECRET_FORMS.map(sample), ...KEYED, "Authorization: Bearer k3Xv9TqL2mZ8", "postgres://bob:x7Q@db.internal/app", PEM, JWT];

const percent = (text: string): string => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
const columns = (text: string, mark: string): string => [...Buffer.from(text)].map((byte) => byte.toString(16).padStart(2, "0")).join(mark);
const ENCODINGS: readonly (readonly [string, (text: string) => string])[] = [
  ["plain", (text) => text],
  ["base64", (text) => Buffer.from(text).toString("base64")],
  ["base64 in short lines", (text) => Buffer.from(text).toString("base64").replaceAll(/.{9}/gu, "$&\n")],
  ["base64url behind two characters", (text) => `ab${Buffer.from(text).toString("base64url")}`],
  ["base64 of base64", (text) => Buffer.from(Buffer.from(text).toString("base64")).toString("base64")],
  ["hex", (text) => Buffer.from(text).toString("hex")],
  ["hex behind a digit", (text) => `7${Buffer.from(text).toString("hex")}`],
  ["hex in columns", (text) => columns(text, " ")],
  ["hex with colons", (text) => columns(text, ":")],
  ["percent", percent],
  ["percent of percent", (text) => percent(text).replaceAll("%", "%25")],
  ["HTML", (text) => text.replaceAll(/[a-z0-9]/giu, (char) => `&#${char.charCodeAt(0)};`)],
  ["JSON's escapes", (text) => text.replaceAll(/[a-z0-9]/giu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)],
];

const cleaned = (text: string): string => {
  const found: FoundKinds = new Map();
  // Two kinds: then nothing is taken for clean at a glance.
  return maskedText(text, { kinds: ["secret", "iban"], measure: "redact" }, { maskSalt: "", token: () => "" }, found);
};

describe("a text that is taken for clean at a glance", () => {
  test.each(ENCODINGS)("holds no secret in %s, as it is or in JSON", (_, encode) => {
    let found = 0;
    for (const secret of PLAIN) {
      const text = encode(secret);
      const written = JSON.stringify({ note: `see ${text}` });
      if (cleaned(text) === text) continue;
      found += 1;
      expect([mayHoldSecret(text), mayHoldSecret(`see ${text}`), mayHoldSecret(written)], text).toEqual([true, true, true]);
    }
    // The samples are secrets to the scanner, all but a few whose form needs a shape of its own.
    expect(found).toBeGreaterThan(PLAIN.length * 0.85);
  });
  test("holds none, whatever stands around", () => {
    const pieces = fc.oneof(
      fc.constantFrom(...PLAIN),
      fc.string(),
      fc.base64String(),
      fc.constantFrom(" ", "\n", '"', ":", "@", "://", "%"),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 6 }), fc.constantFrom(...ENCODINGS), (parts, [, encode]) => {
        const text = parts.map((part, at) => (at % 2 === 0 ? part : encode(part))).join("");
        if (mayHoldSecret(text)) return;
        expect(scan(text, ["secret"])).toEqual([]);
        for (const view of decodedViews(text)) expect(scan(view.text, ["secret"])).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
  test("has no name that tells a secret", () => {
    for (const name of [
      "db_password",
      "PWD",
      "x-api-key",
      "p_a_s_s_w_o_r_d",
      "accessToken",
      "private.key",
      "credentials",
      "clientSecret",
    ]) {
      expect(isSecretMember(name)).toBe(true);
      expect(mayHoldSecret(JSON.stringify({ [name]: "kT9$vq2LmX7!pz" }))).toBe(true);
    }
  });
  test("is an ordinary record", () => {
    const record = {
      id: "T-1001",
      uid: "3f2b8c1e-5d7a-4e9b-a1c2-0d9e8f7a6b5c",
      subject: "Printer on floor 3 does not work",
      createdAt: "2026-11-27T01:24:07.123Z",
      requester: "jane.doe@acme.example",
      url: "https://acme.example/tickets/view/100123?page=2",
      digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    };
    expect(mayHoldSecret(JSON.stringify(record))).toBe(false);
    expect(mayHoldSecret(JSON.stringify(record, null, 2))).toBe(false);
  });
});

test("a picture does not use up the stack", () => {
  const picture = Buffer.alloc(6_000_000, 0x9b).toString("base64");
  expect(maskedText(picture, { kinds: ["secret"], measure: "redact" }, { maskSalt: "", token: () => "" }, new Map())).toBe(picture);
  expect(decodedViews(picture)).toEqual([]);
});
