import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SHARED_DATA_FOLDER } from "../needs.ts";
import { parseCorpus } from "./pii/corpus.ts";
import { evaluatePii } from "./pii/report.ts";

const USAGE = `usage: npm run evaluate -- pii [--data <file>] [--json]

Scans labelled texts for personal data and compares what was found with the labels: precision, recall and F1 by type, megabytes a second,
and the time that hostile texts of growing size take. Without --data: the file of the shared test data, when it is there.
Exit 0 when the bars are met, 1 when not, 2 on wrong usage.
`;

const DEFAULT_FILE = join(SHARED_DATA_FOLDER, "pii/presidio-open.json");

/** Data to stdout, talk to stderr. */
export function evaluate(argv: readonly string[], defaultFile = DEFAULT_FILE): number {
  const options = parse(argv);
  if (options === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const file = options.data ?? defaultFile;
  if (!existsSync(file) || !statSync(file).isFile()) {
    if (options.data === undefined) {
      process.stdout.write("skipped: shared data not present\n");
      return 0;
    }
    process.stderr.write(`\`${file}\` is no file; name one in the format of the shared corpus\n`);
    return 2;
  }
  const corpus = parseCorpus(readFileSync(file, "utf8"));
  if (!corpus.ok) {
    process.stderr.write(`\`${file}\` is not in the format of the shared corpus: ${corpus.why}\n`);
    return 2;
  }
  const { text, data, met } = evaluatePii(corpus.rows);
  process.stdout.write(options.json ? `${JSON.stringify(data, undefined, 2)}\n` : text);
  return met ? 0 : 1;
}

function parse(argv: readonly string[]): { readonly data: string | undefined; readonly json: boolean } | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { data: { type: "string" }, json: { type: "boolean", default: false } },
    });
    return positionals.join(" ") === "pii" ? { data: values.data, json: values.json } : undefined;
  } catch {
    return undefined;
  }
}
