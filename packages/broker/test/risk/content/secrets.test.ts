import { expect, test } from "vitest";
import { scan } from "../../../src/risk/content/index.ts";
import { base62, crc32, isBech32 } from "../../../src/risk/content/secrets/checks.ts";
import { type Alphabet, SECRET_FORMS, type SecretForm } from "../../../src/risk/content/secrets/table.ts";

// No value stands in this file whole: scanners of code hosts would take it for one that leaked.
const SAMPLES: Readonly<Record<Alphabet, string>> = {
  hex: "0123456789abcdef",
  upper: "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
  alnum: "a1B2c3D4e5F6g7H8i9J0",
  word: "a1B2-c3D4_e5F6g7H8",
  token: "a1B2c3D4e5F6g7H8",
  base64: "a1B2c3D4e5F6g7H8",
};

const SHAPED: Readonly<Record<string, string>> = {
  "Slack webhook": `T${"0A1".repeat(3)}/B${"0A1".repeat(3)}/${"aB3d".repeat(6)}`,
  "Discord webhook": `${"1234567890".repeat(2).slice(0, 18)}/${"aB3d".repeat(17)}`,
  "SendGrid key": `${"aB3d".repeat(6).slice(0, 22)}.${"aB3d".repeat(11).slice(0, 43)}`,
  "Airtable token": `${"aB3d".repeat(4).slice(0, 14)}.${"0a1b".repeat(16)}`,
  "Postman key": `${"0a1b".repeat(6)}-${"0a1b".repeat(9).slice(0, 34)}`,
  "Grafana token": `${"aB3d".repeat(8)}_${"0a1b".repeat(2)}`,
};

function sampleOf({ what, alphabet, least }: SecretForm): string {
  return SHAPED[what] ?? SAMPLES[alphabet].repeat(Math.ceil(least / SAMPLES[alphabet].length)).slice(0, least);
}

test.each(SECRET_FORMS.map((form) => [`${form.what} (${form.prefix})`, form] as const))(
  "a value in the form of %s is found",
  (_name, form) => {
    const value = form.prefix + sampleOf(form);
    for (const text of [value, `use ${value} here`, `{"key":"${value}"}`, `key=${value}\n`]) {
      const [one, ...more] = scan(text, ["secret"]);
      expect(more).toEqual([]);
      expect(text.slice(one?.start, one?.end)).toBe(value);
      expect(one?.what).toBe(form.what);
    }
    expect(scan(form.prefix + sampleOf(form).slice(0, form.least - 1), ["secret"])).toEqual([]);
  },
);

test("prefixes are not told twice", () => {
  const prefixes = SECRET_FORMS.map(({ prefix }) => prefix);
  expect(new Set(prefixes).size).toBe(prefixes.length);
  expect(new Set(SECRET_FORMS.map(({ what }) => what)).size).toBeGreaterThanOrEqual(55);
});

const BODY = "aB3d".repeat(8).slice(0, 30);
const CHECKED = ["gh", "p_", BODY, base62(crc32(BODY)).padStart(6, "0")].join("");

test("check digits make a token sure, and are enough inside of a word", () => {
  expect(scan(`token${CHECKED}`, ["secret"])).toMatchObject([{ start: 5, end: 45, sure: "checked" }]);
  const wrong = CHECKED.slice(0, -1) + (CHECKED.endsWith("a") ? "b" : "a");
  expect(scan(wrong, ["secret"])).toMatchObject([{ sure: "shaped" }]);
  expect(scan(`word${wrong}`, ["secret"])).toEqual([]);
});

test("CRC-32 gives its published check value", () => {
  expect(crc32("123456789")).toBe(0xcb_f4_39_26);
});

test("bech32 accepts BIP 173's valid strings and no changed one", () => {
  for (const valid of [
    "A12UEL5L",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
  ]) {
    expect(isBech32(valid)).toBe(true);
    expect(isBech32(valid.replace(/.$/u, "q"))).toBe(false);
  }
});

const JWT = [`{"alg":"none","typ":"JWT"}`, `{"sub":"1"}`, "signature"].map((part) => Buffer.from(part).toString("base64url")).join(".");

test("a token of three parts whose first says `alg` is found", () => {
  expect(scan(`Bearer ${JWT}, and`, ["secret"])).toMatchObject([{ start: 7, end: 7 + JWT.length, what: "JSON Web Token" }]);
  expect(scan(JWT.split(".").slice(0, 2).join("."), ["secret"])).toEqual([]);
  expect(scan(JWT.replace(/^[^.]+/u, Buffer.from(`{"typ":"thing"}`).toString("base64url")), ["secret"])).toEqual([]);
});

test.each(["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "PGP "])("a private key of PEM label `%s` is found, whole and cut off", (label) => {
  const name = `${label}PRIVATE KEY${label === "PGP " ? " BLOCK" : ""}`;
  const key = `-----BEGIN ${name}-----\nMIIB${"aB3d".repeat(30)}\n-----END ${name}-----`;
  expect(scan(`a ${key} b`, ["secret"])).toMatchObject([{ start: 2, end: 2 + key.length }]);
  expect(scan(key.slice(0, -30), ["secret"])).toMatchObject([{ start: 0, end: key.length - 30 }]);
});

test("a public key or a certificate is none", () => {
  expect(scan("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", ["secret"])).toEqual([]);
  expect(scan("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", ["secret"])).toEqual([]);
});

test.each([
  ["postgres://app:h4rdPass@db.example/x", "h4rdPass"],
  ["https://user:p%40ss-1@example.com", "p%40ss-1"],
  ["redis://:only-pass@cache:6379", "only-pass"],
  ["amqp://u:with@sign7@host", "with@sign7"],
])("the password in `%s` is found", (text, password) => {
  expect(scan(text, ["secret"]).map(({ start, end }) => text.slice(start, end))).toEqual([password]);
});

test.each(["https://example.com:8080/a@b", "postgres://app:<password>@db", "postgres://app:${PASS}@db", "https://user@example.com"])(
  "no password stands in `%s`",
  (text) => {
    expect(scan(text, ["secret"])).toEqual([]);
  },
);

const CHOSEN = ["Tr0ub4", "dor&3x"].join("");

test.each([
  [`password=${CHOSEN}`],
  [`"api_key": "${CHOSEN}"`],
  [`{\\"client_secret\\":\\"${CHOSEN}\\"}`],
  [`Your password is ${CHOSEN}.`],
  [`Authorization: Bearer ${CHOSEN}`],
  [`DB_PASSWORD := '${CHOSEN}'`],
])("a random value beside its key word is found in `%s`", (text) => {
  expect(scan(text, ["secret"]).map(({ start, end }) => text.slice(start, end))).toEqual([CHOSEN]);
});

test("an ampersand ends a value in a query", () => {
  const text = "/x?token=Tr0ub4dor9&lang=en";
  expect(scan(text, ["secret"]).map(({ start, end }) => text.slice(start, end))).toEqual(["Tr0ub4dor9"]);
});

test.each([
  ["password: required"],
  ["token = request.headers"],
  ["password=********"],
  ["api_key: <your key here>"],
  ["secret: changeme-please"],
  ["the password is wrong again"],
  [`reference ${CHOSEN}`],
  ["token: aaaaaaaa1"],
])("`%s` holds no secret", (text) => {
  expect(scan(text, ["secret"])).toEqual([]);
});

test("a secret wins over a link that holds it", () => {
  const text = `https://x.example/?key=${CHECKED}`;
  expect(scan(text, ["url", "secret"]).map(({ kind }) => kind)).toEqual(["url", "secret"]);
});
