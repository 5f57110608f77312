import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { evaluate } from "../evaluate.ts";
import { parseCorpus } from "./corpus.ts";
import { evaluatePii } from "./report.ts";
import { f1, score } from "./score.ts";

const ROWS = [
  { text: "😀 write to bob@example.com", spans: [[11, 26, "EMAIL_ADDRESS"]] },
  {
    text: "card 4111111111111111 of Bob",
    spans: [
      [5, 21, "CREDIT_CARD"],
      [25, 28, "PERSON"],
    ],
  },
  { text: "nothing here", spans: [] },
];

function corpusOf(rows: unknown): ReturnType<typeof parseCorpus> & { readonly ok: true } {
  const corpus = parseCorpus(JSON.stringify({ rows }));
  if (!corpus.ok) throw new Error(corpus.why);
  return corpus;
}

test("a corpus whose labels are all found scores 1, places counted in code points", () => {
  const { score: found, mistakes } = score(corpusOf(ROWS).rows, "exact");
  expect(mistakes).toEqual([]);
  expect(found.all).toEqual({ right: 2, wrong: 0, missed: 0 });
});

test("what is found without a label is wrong, a label without a finding is missed, and a place that only touches is not exact", () => {
  const { rows } = corpusOf([
    { text: "bob@example.com", spans: [] },
    { text: "call bob", spans: [[5, 8, "PHONE_NUMBER"]] },
    { text: "<bob@example.com>", spans: [[0, 17, "EMAIL_ADDRESS"]] },
  ]);
  const exact = score(rows, "exact").score;
  expect(exact.all).toEqual({ right: 0, wrong: 2, missed: 2 });
  expect(f1(exact.all)).toBe(0);
  expect(score(rows, "touching").score.all).toEqual({ right: 1, wrong: 1, missed: 1 });
});

test("the bars are met by a corpus that is found whole, and missed by one that is not", () => {
  expect(evaluatePii(corpusOf(ROWS).rows, [0.02, 0.04]).text).toContain("work exponent 1.0");
  expect(evaluatePii(corpusOf([{ text: "call bob", spans: [[5, 8, "PHONE_NUMBER"]] }]).rows, [0.01, 0.02]).met).toBe(false);
});

test("without the shared data the evaluation says so and succeeds; a file that is named must be there, and be a corpus", () => {
  const out = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const error = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const folder = mkdtempSync(join(tmpdir(), "bailiwick-evaluate-"));
  const file = join(folder, "corpus.json");
  try {
    expect(evaluate(["pii"], file)).toBe(0);
    expect(out).toHaveBeenLastCalledWith("skipped: shared data not present\n");
    expect(evaluate(["pii", "--data", file])).toBe(2);
    writeFileSync(file, "{}");
    expect(evaluate(["pii", "--data", file])).toBe(2);
    expect(evaluate(["piano"])).toBe(2);
    expect(error).toHaveBeenLastCalledWith(expect.stringContaining("usage:"));
  } finally {
    out.mockRestore();
    error.mockRestore();
  }
});
