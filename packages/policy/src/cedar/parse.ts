import type { PolicyJson, PolicyToJsonAnswer } from "@cedar-policy/cedar-wasm/nodejs";
import { EngineFault, withCedar } from "./cedar-instance.ts";
import { CONDITION_LIMITS, tooDeep } from "./cedar-text.ts";
import type { TextLimits } from "./cedar-text.ts";
import { withExactLiterals } from "./exact-literals.ts";

/** A policy in Cedar's JSON form, integers beyond 2^53 as bigints; or why it is none, and where. */
export type ParsedText =
  | { readonly ok: true; readonly json: PolicyJson }
  | { readonly ok: false; readonly message: string; readonly offset: number };

/**
 * Parses one policy or template by the official parser, after checking that its instance survives the text.
 * Never throws: a fault of the parser is an answer as well.
 */
export function parseText(text: string, kind: "policy" | "template", limits: TextLimits = CONDITION_LIMITS): ParsedText {
  const deep = tooDeep(text, limits);
  if (deep !== undefined) return { ok: false, message: deep, offset: 0 };
  try {
    const answer = parse(text, kind);
    if (answer.type === "failure") return failureOf(answer);
    const exact = withExactLiterals(text);
    if (exact.text === text) return { ok: true, json: answer.json };
    const again = parse(exact.text, kind);
    return again.type === "failure" ? failureOf(again) : { ok: true, json: restored(again.json, exact.restore) };
  } catch (error) {
    if (error instanceof EngineFault) return { ok: false, message: error.message, offset: 0 };
    throw error;
  }
}

function parse(text: string, kind: "policy" | "template"): PolicyToJsonAnswer {
  return withCedar((cedar) => (kind === "policy" ? cedar.policyToJson(text) : cedar.templateToJson(text)));
}

function failureOf(answer: Extract<PolicyToJsonAnswer, { type: "failure" }>): ParsedText {
  const [error] = answer.errors;
  const place = error?.sourceLocations?.[0];
  const expected = place?.label === null || place?.label === undefined ? "" : ` (${place.label})`;
  const message = (error?.message ?? "it cannot be parsed").replace(/^failed to parse policy(?: or template)? from string: /, "");
  return { ok: false, message: message + expected, offset: place?.start ?? 0 };
}

function restored(json: PolicyJson, restore: (value: number) => number | bigint): PolicyJson {
  const walk = (node: unknown): unknown => {
    if (typeof node === "number") return restore(node);
    if (Array.isArray(node)) return node.map((item) => walk(item));
    if (typeof node !== "object" || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, walk(value)]));
  };
  return {
    ...json,
    // unsafe: a walk that only replaces numbers keeps the shape; the form's own types know no bigint
    conditions: json.conditions.map((clause) => ({ ...clause, body: walk(clause.body) as typeof clause.body })),
  };
}
