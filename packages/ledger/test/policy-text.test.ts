import { describe, expect, test } from "vitest";
import {
  cosignCheckpoint,
  formatNoteKey,
  formatPolicyText,
  logPolicy,
  openCheckpoint,
  parsePolicyText,
  policyOfLog,
  verifyExport,
} from "../src/index.ts";
import { signer } from "./support/keys.ts";
import { codeOf, LOG_SIGNER, nth, ORIGIN, plainLog } from "./support/log.ts";

const LOG = formatNoteKey(LOG_SIGNER.key);
const OTHER_LOG = signer("bailiwick.example/log/globex");
const [X1, X2, X3, Y1, Y2] = ["x1", "x2", "x3", "y1", "y2"].map((name) => signer(`${name}.example`, "cosignature"));
const WITNESSES = [X1, X2, X3, Y1, Y2].filter((one) => one !== undefined);
const NESTED = `# whom we believe
log ${LOG} https://bailiwick.example/log
\twitness X1  ${keyOf(0)}
witness X2 ${keyOf(1)}
witness X3 ${keyOf(2)} https://x3.example/
group X 2 X1 X2 X3

witness Y1 ${keyOf(3)}
witness Y2 ${keyOf(4)}
group Y any Y1 Y2
group both all X Y
quorum both
`;

describe("a policy file (C2SP tlog-policy)", () => {
  test("is read with nested groups, comments, tabs and addresses", () => {
    const { logs, witnesses, quorum } = parsePolicyText(NESTED);
    expect(logs.map(({ key, url }) => [formatNoteKey(key), url])).toEqual([[LOG, "https://bailiwick.example/log"]]);
    expect(witnesses.map(({ key }) => key.name)).toEqual(["x1.example", "x2.example", "x3.example", "y1.example", "y2.example"]);
    expect(quorum).toMatchObject({ needed: 2, of: [{ needed: 2 }, { needed: 1 }] });
  });

  test.each([
    ["two of X and one of Y", [0, 2, 4], "accepted"],
    ["all", [0, 1, 2, 3, 4], "accepted"],
    ["all of X and none of Y", [0, 1, 2], "quorum_missed"],
    ["one of X and all of Y", [0, 3, 4], "quorum_missed"],
    ["nobody", [], "quorum_missed"],
  ] as const)("accepts a checkpoint by its groups: %s", async (_, who, answer) => {
    const { records, checkpoints } = await plainLog(20, 20);
    let note = nth(checkpoints, 0);
    for (const place of who) note = await cosignCheckpoint(note, nth(WITNESSES, place), 1_764_169_200);
    const policy = policyOfLog(parsePolicyText(NESTED), ORIGIN);
    expect(codeOf(() => openCheckpoint(note, policy))).toBe(answer);
    expect(verifyExport(records, { policy, checkpoints: [note] }).ok).toBe(answer === "accepted");
  });

  test("counts cosignatures of one checkpoint that came by different ways together", async () => {
    const { records, checkpoints } = await plainLog(20, 20);
    const notes = await Promise.all([0, 1, 3].map((place) => cosignCheckpoint(nth(checkpoints, 0), nth(WITNESSES, place), 1_764_169_200)));
    const policy = policyOfLog(parsePolicyText(NESTED), ORIGIN);
    const verdict = verifyExport(records, { policy, checkpoints: notes });
    expect(verdict.ok && verdict.cosignatures.map(({ key }) => key.name)).toEqual(["x1.example", "x2.example", "y1.example"]);
    expect(verifyExport(records, { policy, checkpoints: notes.slice(1) })).toMatchObject({ code: "quorum_missed" });
  });

  test("that we write is read back, for no witness, some and all", () => {
    const witnesses = WITNESSES.map(({ key }) => ({ key }));
    for (const quorum of [0, 1, 3, 5]) {
      const text = formatPolicyText({ logs: [{ key: LOG_SIGNER.key, url: "https://bailiwick.example" }], witnesses, quorum });
      const read = parsePolicyText(text);
      expect(read.quorum.needed).toBe(quorum);
      expect(formatPolicyText({ ...read, quorum })).toBe(text);
    }
    expect(() => formatPolicyText({ logs: [], witnesses, quorum: 6 })).toThrow(RangeError);
  });

  test("may be about several logs, and names no log it does not list", () => {
    const trust = parsePolicyText(`log ${LOG}\nlog ${formatNoteKey(OTHER_LOG.key)}\nquorum none\n`);
    expect(policyOfLog(trust, OTHER_LOG.key.name).keys.map(({ key }) => key.name)).toEqual([OTHER_LOG.key.name]);
    expect(codeOf(() => policyOfLog(trust, "elsewhere.example/log"))).toBe("foreign");
  });

  test("takes names that are no UTF-8 as they are", () => {
    const bytes = Buffer.concat([
      Buffer.from("witness "),
      Buffer.of(0xff, 0x4b),
      Buffer.from(` ${keyOf(0)}\nquorum `),
      Buffer.of(0xff, 0x4b, 0x0a),
    ]);
    expect(parsePolicyText(bytes).quorum).toMatchObject({ needed: 1 });
    expect(codeOf(() => parsePolicyText(Buffer.concat([bytes.subarray(0, -3), Buffer.of(0xfe, 0x4b, 0x0a)])))).toBe("malformed");
  });

  test.each([
    ["without a quorum", `log ${LOG}\n`],
    ["with two", "quorum none\nquorum none\n"],
    ["with a quorum that is not defined", "quorum X\n"],
    ["with a quorum defined after it", `quorum X\nwitness X ${keyOf(0)}\n`],
    ["whose last line is cut short", `witness X ${keyOf(0)}\nquorum X`],
    ["with a carriage return", "quorum none\r\n"],
    ["with an unknown line", "quorum none\nseal X\n"],
    ["with a log's key twice", `log ${LOG}\nlog ${LOG}\nquorum none\n`],
    ["with a witness's key as a log's", `log ${keyOf(0)}\nquorum none\n`],
    ["with a log's key as a witness's", `witness X ${LOG}\nquorum X\n`],
    ["with a name given twice", `witness X ${keyOf(0)}\nwitness X ${keyOf(1)}\nquorum X\n`],
    ["with a witness called none", `witness none ${keyOf(0)}\nquorum none\n`],
    ["with one witness in two groups", `witness X ${keyOf(0)}\ngroup A any X\ngroup B any X\nquorum A\n`],
    ["with none in a group", `witness X ${keyOf(0)}\ngroup A any X none\nquorum A\n`],
    ["with an empty group", "group A any\nquorum A\n"],
    ["with a group of nobody needed", `witness X ${keyOf(0)}\ngroup A 0 X\nquorum A\n`],
    ["with more needed than members", `witness X ${keyOf(0)}\ngroup A 2 X\nquorum A\n`],
    ["with a number that is spelled otherwise", `witness X ${keyOf(0)}\ngroup A 01 X\nquorum A\n`],
    ["with something after a key's address", `log ${LOG} https://x.example more\nquorum none\n`],
    ["with a key that is none", "log x\nquorum none\n"],
  ])("is refused %s", (_, text) => {
    expect(codeOf(() => parsePolicyText(text))).toBe("malformed");
  });

  test("that is refused says in which line", () => {
    expect(() => parsePolicyText("# one\n\nseal X\n")).toThrow(/^line 3 of the policy: /);
  });
});

test("a quorum that counts a stranger, or a witness twice, is no policy", () => {
  const [one, two] = WITNESSES.map(({ key }) => key);
  if (one === undefined || two === undefined) throw new RangeError("two witnesses are needed");
  const base = { origin: ORIGIN, keys: [LOG_SIGNER.key], witnesses: [one] };
  expect(() => logPolicy({ ...base, quorum: { needed: 1, of: [two] } })).toThrow(RangeError);
  expect(() => logPolicy({ ...base, quorum: { needed: 1, of: [one, { needed: 1, of: [one] }] } })).toThrow(RangeError);
});

function keyOf(place: number): string {
  return formatNoteKey(nth(WITNESSES, place).key);
}
