import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { withCedar } from "../../packages/policy/src/cedar/cedar-instance.ts";
import { SHARED_DATA_FOLDER, SHARED_DATA_VARIABLE } from "../needs.ts";
import { filesInFolder, filesOfCorpus } from "./cedar-files.ts";
import type { TestFiles } from "./cedar-files.ts";
import { runTest, testsIn } from "./cedar-suite.ts";
import type { FileResult } from "./cedar-suite.ts";

const USAGE = `usage: npm run conformance -- cedar [--corpus <tar.gz or folder>] [--json]

Puts the official tests of Cedar (github.com/cedar-policy/cedar-integration-tests) to the policy engine: the hand-written suites and
the generated corpus. Exit 0 when every request is answered as they say, 1 otherwise, 2 on wrong usage or without the tests.
`;

/** How many failures are shown in full. */
const MAX_SHOWN = 10;

/** `npm run conformance -- cedar`. Returns the exit code. */
export function conformCedar(argv: readonly string[]): number {
  const options = parse(argv);
  if (options === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const handWritten = join(SHARED_DATA_FOLDER, "cedar");
  const corpus = options.corpus ?? join(handWritten, "corpus-tests.tar.gz");
  if (!existsSync(corpus)) {
    const advice = `set ${SHARED_DATA_VARIABLE} to the folder that holds \`cedar/\`, or name the corpus with --corpus`;
    process.stderr.write(`the official tests are not at \`${corpus}\`: ${advice}\n`);
    return 2;
  }
  const suites = [
    ...(existsSync(handWritten) ? [run("hand-written", filesInFolder(handWritten))] : []),
    run("corpus", filesOfCorpus(corpus)),
  ];
  process.stdout.write(options.json ? `${JSON.stringify(asJson(suites))}\n` : asLines(suites));
  return suites.every((suite) => suite.failed.length === 0) ? 0 : 1;
}

function parse(argv: readonly string[]): { readonly json: boolean; readonly corpus?: string } | undefined {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        json: { type: "boolean", default: false },
        corpus: { type: "string" },
      },
    });
    return values;
  } catch {
    return undefined;
  }
}

interface Suite {
  readonly name: string;
  readonly files: number;
  readonly passed: number;
  readonly failed: readonly FileResult[];
  /** Files whose `shouldValidate` is not what the official validator of this version says; nothing of ours. */
  readonly otherVerdicts: number;
}

function run(name: string, files: TestFiles): Suite {
  process.stderr.write(`running ${name} ...\n`);
  const results = testsIn(files).map((path) => runTest(files, path));
  return {
    name,
    files: results.length,
    passed: results.reduce((sum, result) => sum + result.passed, 0),
    failed: results.filter((result) => result.failures.length > 0),
    otherVerdicts: results.filter((result) => validates(result) !== result.shouldValidate).length,
  };
}

function validates({ policies, schema }: FileResult): boolean {
  const answer = withCedar((cedar) => cedar.validate({ schema, policies: { staticPolicies: policies } }));
  return answer.type === "success" && answer.validationErrors.length === 0;
}

function asLines(suites: readonly Suite[]): string {
  const failures = suites.flatMap((suite) =>
    suite.failed.flatMap((file) => file.failures.map(({ request, expected, got }) => ({ path: file.path, request, expected, got }))),
  );
  const shown = failures
    .slice(0, MAX_SHOWN)
    .map(({ path, request, expected, got }) => `\n${path}, ${request}\n  expected ${expected}\n  got      ${got}\n`);
  const more = failures.length > MAX_SHOWN ? [`\nand ${failures.length - MAX_SHOWN} more\n`] : [];
  const lines = suites.map(
    (suite) =>
      `${suite.name.padEnd(14)}${suite.passed} of ${suite.passed + failedRequests(suite)} requests in ${suite.files} files pass, ` +
      `${suite.failed.length} files with failures (the validator's verdict is another than the file's in ${suite.otherVerdicts})\n`,
  );
  return `${[...shown, ...more].join("")}\n${lines.join("")}${headline(suites)}\n`;
}

function headline(suites: readonly Suite[]): string {
  const passed = suites.reduce((sum, suite) => sum + suite.passed, 0);
  const failed = suites.reduce((sum, suite) => sum + failedRequests(suite), 0);
  return `conformance cedar: ${passed} passed, ${failed} failed`;
}

function failedRequests(suite: Suite): number {
  return suite.failed.reduce((sum, file) => sum + file.failures.length, 0);
}

function asJson(suites: readonly Suite[]): unknown {
  return {
    conformance: "cedar",
    suites: suites.map(({ failed, ...suite }) => ({ ...suite, failed: failed.map(({ path, failures }) => ({ path, failures })) })),
    headline: headline(suites),
  };
}
