import { decide } from "../decide/decide.ts";
import { ceilingScopes } from "../decide/reach.ts";
import { forcedArguments } from "../facts/request-facts.ts";
import { checkShape } from "../files/check-shape.ts";
import { testFile } from "../files/schemas.ts";
import type { TestFile } from "../files/schemas.ts";
import { readSource } from "../files/source.ts";
import type { Source } from "../files/source.ts";
import { compiledOf } from "../load/compiled.ts";
import { findCalled } from "../load/check-tests.ts";
import { DEFAULT_GATES_FILE } from "../load/default-gates.ts";
import { compareText } from "../load/findings.ts";
import { present } from "../present/present.ts";
import type { ActiveElevation, Decision, DecisionRequest, Policy, PolicyFile, PolicyTestReport, Presented, RuleRef } from "../types.ts";

type Test = TestFile["tests"][number];
type Failure = PolicyTestReport["failed"][number];

/** Runs the folder's own tests. `now` stands in for tests that name no time. A file that does not load counts as one failure. */
export function runTests(policy: Policy, files: readonly PolicyFile[], now: Date): PolicyTestReport {
  const failed: Failure[] = [];
  const seen = new Set<string>();
  let passed = 0;
  for (const file of files.filter(({ path }) => /^tests\/[^/]+\.yaml$/.test(path)).toSorted((a, b) => compareText(a.path, b.path))) {
    const source = readSource(file, () => undefined);
    const value = source === undefined ? undefined : checkShape(source, testFile, () => undefined);
    if (source === undefined || value === undefined) {
      failed.push({
        at: { file: file.path, line: 1 },
        name: file.path,
        expected: "a file of tests",
        actual: "a file that `load` refuses",
        rules: [],
      });
      continue;
    }
    for (const [index, test] of value.tests.entries()) {
      const failure = runOne(policy, source, test, index, now, seen);
      if (failure === undefined) passed += 1;
      else failed.push(failure);
    }
  }
  return { passed, failed, unexercised: allRules(policy).filter((rule) => !seen.has(rule.id)) };
}

function runOne(policy: Policy, source: Source, test: Test, index: number, now: Date, seen: Set<string>): Failure | undefined {
  const asked = requestOf(policy, test, now);
  const at = source.at(["tests", index]);
  if (asked === undefined)
    return { at, name: test.name, expected: test.expect, actual: `no agent \`${test.agent}\` or action \`${test.call}\``, rules: [] };
  const decision = decide(policy, asked);
  for (const rule of determiningRules(decision)) seen.add(rule.id);
  const presented =
    test.resource === undefined || typeof asked.resource !== "object"
      ? undefined
      : present(policy, asked, decision, test.resource, asked.resource.type);
  const wrong = mismatches(test, decision, presented);
  if (wrong.length === 0) return undefined;
  return {
    at,
    name: test.name,
    expected: wrong.map((one) => one.expected).join(", "),
    actual: wrong.map((one) => one.actual).join(", "),
    rules: decision.rules,
  };
}

function requestOf(policy: Policy, test: Test, now: Date): DecisionRequest | undefined {
  const agent = policy.agents.find((candidate) => candidate.name === test.agent);
  const [action] = findCalled(
    policy.tools.flatMap((tool) => tool.actions),
    test.call,
  );
  if (agent === undefined || action === undefined) return undefined;
  const { name, tenant, environment, workflow } = agent;
  const caller = {
    agent: name,
    tenant,
    environment,
    workflow,
    user: test.user ?? "test-user",
    session: "test-session",
    task: test.task ?? "test-task",
    data: test.data ?? {},
    scope: test.scope ?? ceilingScopes(policy, name),
    ...(test.elevated === undefined ? {} : { elevations: test.elevated.map((role) => elevationTo(role)) }),
  };
  const type = action.resource?.type ?? action.returns?.type;
  const id = test.resource?.["id"];
  const resource =
    test.resource === undefined || type === undefined
      ? undefined
      : { type, id: typeof id === "string" ? id : "test-record", attributes: test.resource };
  const args = { ...test.args, ...forcedArguments(action, caller) };
  return { caller, operation: action.operation, args, resource, now: test.now === undefined ? now : new Date(test.now) };
}

/** In force at whatever time the test asks. */
function elevationTo(role: string): ActiveElevation {
  return { id: `test-${role}`, role, scope: [], until: new Date(8_640_000_000_000_000) };
}

interface Mismatch {
  readonly expected: string;
  readonly actual: string;
}

function mismatches(test: Test, decision: Decision, presented: Presented | undefined): readonly Mismatch[] {
  const found: Mismatch[] = [];
  const code = decision.refusal?.code;
  if (decision.verdict !== test.expect)
    found.push({
      expected: test.expect,
      actual: code === undefined ? decision.verdict : `${decision.verdict} (${code}: ${decision.refusal?.message ?? ""})`,
    });
  if (test.code !== undefined && code !== test.code) found.push({ expected: `code ${test.code}`, actual: `code ${code ?? "none"}` });
  if (test.rule !== undefined && !determiningRules(decision).some((rule) => rule.id.includes(test.rule ?? ""))) {
    found.push({
      expected: `rule ${test.rule}`,
      actual: `rules ${determiningRules(decision)
        .map((rule) => rule.id)
        .join(", ")}`,
    });
  }
  for (const key of ["hidden", "masked"] as const) {
    const wanted = test[key];
    if (wanted === undefined) continue;
    const actual = presented?.[key] ?? [];
    if (wanted.toSorted().join() !== actual.toSorted().join())
      found.push({ expected: `${key} ${wanted.join(", ")}`, actual: `${key} ${actual.join(", ") || "nothing"}` });
  }
  return found;
}

/** With those that only speak of texts, where they are the folder's own. */
function determiningRules({ rules, content = [] }: Decision): readonly RuleRef[] {
  const own = content.map(({ rule }) => rule).filter((rule) => rule.at.file !== DEFAULT_GATES_FILE);
  return [...new Set([...rules, ...own])];
}

/** Every rule of the folder; built-in gates and ceilings that only bound are no one's to test. */
function allRules(policy: Policy): readonly RuleRef[] {
  const { book } = compiledOf(policy);
  return [...book.grants, ...book.denies, ...book.gates].map((rule) => rule.ref).filter((rule) => rule.at.file !== DEFAULT_GATES_FILE);
}
