import type { Expr, PolicyJson } from "@cedar-policy/cedar-wasm/nodejs";
import { EngineFault, withCedar } from "../cedar/cedar-instance.ts";
import { tooDeep } from "../cedar/cedar-text.ts";

/** What a Cedar text speaks of; found in its parsed form, so that strings and comments do not count. */
export interface Mentions {
  readonly principal: boolean;
  readonly resource: boolean;
  readonly context: boolean;
  readonly action: boolean;
  /** The whole of `context` is used as a value, not one of its attributes. */
  readonly wholeContext: boolean;
  /** Every attribute name read or tested anywhere. */
  readonly attributes: ReadonlySet<string>;
}

export type ParsedPolicy =
  | { readonly ok: true; readonly json: PolicyJson; readonly mentions: Mentions }
  | { readonly ok: false; readonly message: string; readonly offset: number };

/** Text put before an expression to make it a policy. The closing part starts on a new line, so that a comment cannot swallow it. */
const OPEN = "permit(principal, action, resource) when {\n";
const CLOSE = "\n};";

/** Makes the whole policy text of an expression for one scope. */
export function wrapExpression(text: string, scope = "principal, action, resource"): { readonly text: string; readonly offset: number } {
  const open = `permit(${scope}) when {\n`;
  return { text: `${open}${text}${CLOSE}`, offset: open.length };
}

/** Parses one expression; a text that closes the braces early and goes on is refused. */
export function parseExpression(text: string): ParsedPolicy {
  const parsed = parsePolicy(wrapExpression(text).text, OPEN.length);
  if (!parsed.ok) return parsed;
  const only = parsed.json.conditions.length === 1 && parsed.json.conditions[0]?.kind === "when";
  return only ? parsed : { ok: false, message: "it is more than one expression", offset: 0 };
}

/** Parses one whole policy. `shift` is taken off error offsets. */
export function parsePolicy(text: string, shift = 0): ParsedPolicy {
  const deep = tooDeep(text);
  if (deep !== undefined) return { ok: false, message: deep, offset: 0 };
  try {
    const answer = withCedar((cedar) => cedar.policyToJson(text));
    if (answer.type === "success") return { ok: true, json: answer.json, mentions: mentionsOf(answer.json) };
    const [error] = answer.errors;
    const place = error?.sourceLocations?.[0];
    const expected = place?.label === null || place?.label === undefined ? "" : ` (${place.label})`;
    const message = (error?.message ?? "it cannot be parsed").replace(/^failed to parse policy from string: /, "");
    return { ok: false, message: message + expected, offset: Math.max(0, (place?.start ?? shift) - shift) };
  } catch (error) {
    if (error instanceof EngineFault) return { ok: false, message: error.message, offset: 0 };
    throw error;
  }
}

function mentionsOf(policy: PolicyJson): Mentions {
  const variables = new Set<string>();
  const attributes = new Set<string>();
  let wholeContext = false;
  const walk = (node: unknown, accessed: boolean): void => {
    if (Array.isArray(node)) {
      for (const item of node) walk(item, false);
      return;
    }
    if (typeof node !== "object" || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === "Value") continue;
      if (key === "Var") {
        variables.add(String(value));
        if (value === "context" && !accessed) wholeContext = true;
        continue;
      }
      if ((key === "." || key === "has") && isAccess(value)) {
        for (const name of [value.attr].flat()) attributes.add(name);
        walk(value.left, true);
        continue;
      }
      walk(value, false);
    }
  };
  for (const condition of policy.conditions) walk(condition.body, false);
  const principal = variables.has("principal") || policy.principal.op !== "All";
  const resource = variables.has("resource") || policy.resource.op !== "All";
  return { principal, resource, context: variables.has("context"), action: variables.has("action"), wholeContext, attributes };
}

function isAccess(value: unknown): value is { readonly left: Expr; readonly attr: string | readonly string[] } {
  return typeof value === "object" && value !== null && "left" in value && "attr" in value;
}
