import { authorize, compilePolicies, readEntities, readRequest, readSchema } from "../../packages/policy/src/cedar/index.ts";
import type { TestFiles } from "./cedar-files.ts";

/** What the engine said about the requests of one file of the official tests. */
export interface FileResult {
  readonly path: string;
  readonly passed: number;
  readonly failures: readonly Failure[];
  readonly shouldValidate: boolean;
  readonly policies: string;
  readonly schema: string;
}

export interface Failure {
  readonly request: string;
  readonly expected: string;
  readonly got: string;
}

/** Paths of the files that hold tests; the others are what these name. */
export function testsIn(files: TestFiles): readonly string[] {
  return files.paths.filter((path) => path.endsWith(".json") && !path.endsWith("entities.json"));
}

/** Puts every request of one official test to the engine; entities and context are read with the test's schema. */
export function runTest(files: TestFiles, path: string): FileResult {
  // unsafe: the format of the official tests (cedar-policy/cedar-integration-tests); a file that breaks it makes its requests fail
  const test = parseExactly(files.read(path)) as OfficialTest;
  const policies = files.read(test.policies);
  const schema = files.read(test.schema);
  // unsafe: the same
  const entities = parseExactly(files.read(test.entities)) as EntitiesJson;
  const answer = answerer(policies, schema, entities);
  const results = test.requests.map((request) => {
    const expected = asText(request.decision, request.reason, request.errors);
    return { request: request.description, expected, got: answer(request) };
  });
  const failures = results.filter(({ expected, got }) => expected !== got);
  return { path, passed: results.length - failures.length, failures, shouldValidate: test.shouldValidate, policies, schema };
}

interface OfficialTest {
  readonly policies: string;
  readonly entities: string;
  readonly schema: string;
  readonly shouldValidate: boolean;
  readonly requests: readonly OfficialRequest[];
}

type EntitiesJson = Parameters<typeof readEntities>[0];
type RequestJson = Parameters<typeof readRequest>[0];

interface OfficialRequest extends RequestJson {
  readonly description: string;
  readonly decision: "allow" | "deny";
  readonly reason: readonly string[];
  readonly errors: readonly string[];
}

/** JSON with whole numbers beyond 2^53 as bigints, which the engine reads exactly. */
function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, ...[context]: readonly { readonly source?: string }[]) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
      ? BigInt(context?.source ?? "")
      : value,
  );
}

type Answerer = (request: OfficialRequest) => string;

/** Reads policies and entities once. What cannot be read is the answer to every request, so that no test passes unseen. */
function answerer(policies: string, schema: string, entities: EntitiesJson): Answerer {
  return orFault(
    () => {
      const compilation = compilePolicies({ staticPolicies: policies });
      if (!compilation.ok) throw new Error(compilation.errors.map((error) => error.message).join("; "));
      const types = readSchema(schema);
      const loaded = readEntities(entities, types);
      return (request) =>
        orFault(() => {
          const answer = authorize(compilation.policies, readRequest(request, types), loaded);
          return asText(
            answer.decision,
            answer.reasons,
            answer.errors.map((error) => error.policy),
          );
        }, asFault);
    },
    (fault) => () => asFault(fault),
  );
}

function orFault<T>(work: () => T, otherwise: (fault: unknown) => T): T {
  try {
    return work();
  } catch (fault) {
    return otherwise(fault);
  }
}

function asFault(fault: unknown): string {
  return `fault: ${fault instanceof Error ? fault.message : String(fault)}`;
}

function asText(decision: string, reasons: readonly string[], errors: readonly string[]): string {
  return `${decision}, reasons [${reasons.toSorted().join(" ")}], errors [${errors.toSorted().join(" ")}]`;
}
