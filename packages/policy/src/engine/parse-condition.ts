import type { PolicyJson } from "@cedar-policy/cedar-wasm/nodejs";
import { BadData } from "../cedar/bad-data.ts";
import { childrenOf, wholeCondition } from "../cedar/expression.ts";
import type { Expr } from "../cedar/expression.ts";
import { parseText } from "../cedar/parse.ts";
import { readPolicy } from "../cedar/read-policy.ts";

/** A parsed condition or policy. */
export type ParsedPolicy =
  | {
      readonly ok: true;
      readonly json: PolicyJson;
      /** Scope and clauses as one expression. */
      readonly expr: Expr;
      readonly usesResource: boolean;
    }
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
  const parsed = parseText(text, "policy");
  if (!parsed.ok) return { ...parsed, offset: Math.max(0, parsed.offset - shift) };
  try {
    const expr = wholeCondition(readPolicy("", parsed.json));
    return { ok: true, json: parsed.json, expr, usesResource: mentions(expr, "resource") };
  } catch (error) {
    if (error instanceof BadData) return { ok: false, message: error.message, offset: 0 };
    throw error;
  }
}

/** Whether the variable occurs anywhere in the expression. */
export function mentions(expr: Expr, name: "principal" | "action" | "resource" | "context"): boolean {
  return (expr.op === "variable" && expr.name === name) || childrenOf(expr).some((child) => mentions(child, name));
}
