import { compileTest } from "./compile.ts";
import type { Entities } from "./entities.ts";
import type { Environment, Request } from "./environment.ts";
import { environmentOf } from "./environment.ts";
import { EvaluationError } from "./evaluation-error.ts";
import type { PolicyTree } from "./expression.ts";
import type { CompiledPolicy } from "./policy-index.ts";
import { PolicyIndex } from "./policy-index.ts";

/** A compiled set of policies. */
export interface Policies {
  readonly index: PolicyIndex;
  readonly trees: readonly PolicyTree[];
}

/** Cedar's answer to a request. `reasons` are the policies that determined it, `errors` those that could not be evaluated and were skipped. */
export interface Answer {
  readonly decision: "allow" | "deny";
  readonly reasons: readonly string[];
  readonly errors: readonly { readonly policy: string; readonly message: string }[];
}

export function compileTrees(trees: readonly PolicyTree[]): Policies {
  return { index: new PolicyIndex(trees.map((tree): CompiledPolicy => ({ tree, test: compileTest(tree.condition) }))), trees };
}

/**
 * Decides as Cedar does: denied when a forbid is satisfied or no permit is; a policy that fails counts as not satisfied and is reported
 * (https://docs.cedarpolicy.com/auth/authorization.html). Bailiwick's own algebra does not skip failing forbids; it is built on the same closures.
 */
export function authorize(policies: Policies, request: Request, entities: Entities): Answer {
  const env = environmentOf(request, entities);
  const tally = new Tally(env);
  policies.index.eachCovering(
    { uid: env.principal, entity: env.principalEntity },
    { uid: env.action, entity: env.actionEntity },
    { uid: env.resource, entity: env.resourceEntity },
    (policy) => tally.ask(policy),
  );
  return tally.answer();
}

/** Collects what the asked policies say. */
export class Tally {
  readonly #env: Environment;
  readonly #permits: string[] = [];
  readonly #forbids: string[] = [];
  readonly #errors: { readonly policy: string; readonly message: string }[] = [];

  constructor(env: Environment) {
    this.#env = env;
  }

  ask({ tree, test }: CompiledPolicy): void {
    try {
      if (test(this.#env)) (tree.effect === "permit" ? this.#permits : this.#forbids).push(tree.id);
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      this.#errors.push({ policy: tree.id, message: error.message });
    }
  }

  answer(): Answer {
    if (this.#forbids.length > 0) return { decision: "deny", reasons: this.#forbids, errors: this.#errors };
    return { decision: this.#permits.length > 0 ? "allow" : "deny", reasons: this.#permits, errors: this.#errors };
  }
}
