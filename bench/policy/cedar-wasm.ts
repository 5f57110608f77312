import { preparsePolicySet, statefulIsAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import { cedarCall, cedarPolicies } from "./cedar-form.ts";
import type { InProcess } from "./contender.ts";
import type { Workload } from "./workload.ts";

export const CEDAR_WASM = "cedar-wasm, stateful, JSON each call";

/** Cedar's own engine in WebAssembly, as its users call it: the policies preparsed, entities and context as JSON on each call. */
export function cedarWasm(workload: Workload): InProcess {
  const calls = workload.questions.map(cedarCall);
  const staticPolicies = cedarPolicies(workload);
  // A preparsed set cannot be removed again, so each size has its own.
  const preparsedPolicySetId = `bench-${workload.rules.length}`;
  const started = performance.now();
  const parsed = preparsePolicySet(preparsedPolicySetId, { staticPolicies });
  const loadMs = performance.now() - started;
  if (parsed.type === "failure") throw new Error(`cedar-wasm does not accept the policies: ${JSON.stringify(parsed.errors).slice(0, 500)}`);
  return {
    kind: "in process",
    name: CEDAR_WASM,
    loadMs,
    batch: 1,
    decide(question) {
      const call = calls[question];
      if (call === undefined) throw new Error(`no question ${question}`);
      const answer = statefulIsAuthorized({ ...call, preparsedPolicySetId });
      if (answer.type === "failure") throw new Error(`cedar-wasm failed: ${JSON.stringify(answer.errors).slice(0, 500)}`);
      if (answer.response.diagnostics.errors.length > 0) throw new Error("a policy of the bench errs, which no peer expresses alike");
      return answer.response.decision === "allow";
    },
  };
}
