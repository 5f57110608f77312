import { compiledOf } from "../load/compiled.ts";
import type { Policy } from "../types.ts";

const known = new WeakMap<Policy, ReadonlySet<string>>();

/** Labels whose values some rule looks for in arguments: what is shown of them has to be remembered. */
export function soughtLabels(policy: Policy): ReadonlySet<string> {
  const found = known.get(policy) ?? look(policy);
  known.set(policy, found);
  return found;
}

function look(policy: Policy): ReadonlySet<string> {
  const { grants, gates } = compiledOf(policy).book;
  return new Set([...grants, ...gates].flatMap(({ content }) => (content?.arguments ?? []).flatMap(({ labels }) => labels)));
}
