import type { ContentRules } from "../content-rules.ts";
import { compiledOf } from "../load/compiled.ts";
import type { Policy } from "../types.ts";

const known = new WeakMap<Policy, boolean>();

/** Whether any rule gives values tokens, or any action takes them. Where none does, nothing has to be looked up for a result. */
export function usesTokens(policy: Policy): boolean {
  const found = known.get(policy) ?? look(policy);
  known.set(policy, found);
  return found;
}

function look(policy: Policy): boolean {
  const { grants, gates } = compiledOf(policy).book;
  return (
    policy.tools.some(({ actions }) => actions.some(({ tokens }) => tokens.length > 0)) ||
    [...grants, ...gates].some(({ fields, content }) => [...fields.mask.values()].includes("token") || givesTokens(content))
  );
}

function givesTokens(content: ContentRules | undefined): boolean {
  return content !== undefined && [...content.arguments, ...content.results].some((each) => each.do === "token");
}
