import type { Expr } from "@cedar-policy/cedar-wasm/nodejs";
import { withCedar } from "../cedar/cedar-instance.ts";
import { ask } from "../engine/evaluator.ts";
import type { Answers } from "../engine/evaluator.ts";
import { parseExpression, parsePolicy } from "../engine/parse-condition.ts";
import { Compiled } from "../load/compiled.ts";
import type { ConditionMentions } from "../load/compiled.ts";
import type { Condition } from "../rules/rule.ts";
import type { Judged, Truth } from "../decide/situation.ts";
import { truthOf } from "../decide/situation.ts";

/** One part of a condition whose parts are joined by `&&`, and how it came out for the call. */
export interface Conjunct {
  readonly text: string;
  readonly expression: Expr;
  readonly truth: Truth;
}

/** Asks each part of the conditions by itself. A whole policy of a .cedar file is one part per `when`. */
export function conjunctsOf(judged: Judged, conditions: readonly (Condition | undefined)[]): readonly Conjunct[] {
  const parts = conditions.flatMap((condition) => (condition === undefined ? [] : splitCondition(condition)));
  const mentions = new Map(parts.map((part): readonly [string, ConditionMentions] => [part.condition.id, part]));
  const { book, vocabulary, actions, prefixes } = judged.compiled;
  const compiled = new Compiled({ book, vocabulary, actions, prefixes, mentions });
  const askable = parts.map((part) => part.condition).filter((condition) => judged.recordState === "known" || !condition.usesResource);
  const answers: Answers = ask(compiled, askable, { ...judged.facts, record: judged.record });
  return parts.map((part) => ({
    text: part.condition.text,
    expression: part.expression,
    truth: truthOf({ ...judged, answers }, part.condition),
  }));
}

interface Part extends ConditionMentions {
  readonly expression: Expr;
}

function splitCondition(condition: Condition): readonly Part[] {
  const parsed = condition.form === "expression" ? parseExpression(condition.text) : parsePolicy(condition.text);
  if (!parsed.ok) return [];
  const whens = parsed.json.conditions.map((clause) => (clause.kind === "when" ? clause.body : { "!": { arg: clause.body } }));
  return whens
    .flatMap((body) => flatten(body))
    .flatMap((expression, index) => {
      const text = textOf(expression);
      const part = text === undefined ? undefined : parseExpression(text);
      if (text === undefined || part === undefined || !part.ok) return [];
      const { attributes, wholeContext, principal, resource } = part.mentions;
      return [
        {
          condition: {
            id: `${condition.id}&${String(index)}`,
            form: "expression",
            text,
            at: condition.at,
            usesResource: resource,
          } as const,
          expression,
          attributes,
          wholeContext,
          principal,
        },
      ];
    });
}

function flatten(expression: Expr): readonly Expr[] {
  if (!("&&" in expression)) return [expression];
  const { left, right } = expression["&&"] as { readonly left: Expr; readonly right: Expr };
  return [...flatten(left), ...flatten(right)];
}

/** Cedar text of a parsed expression on one line. */
function textOf(expression: Expr): string | undefined {
  const answer = withCedar((cedar) =>
    cedar.policyToText({
      effect: "permit",
      principal: { op: "All" },
      action: { op: "All" },
      resource: { op: "All" },
      conditions: [{ kind: "when", body: expression }],
    }),
  );
  if (answer.type === "failure") return undefined;
  const open = answer.text.indexOf("{", answer.text.indexOf("when"));
  const close = answer.text.lastIndexOf("}");
  const text = answer.text
    .slice(open + 1, close)
    .trim()
    .replaceAll(/\s*\n\s*/g, " ");
  return isWrapped(text) ? text.slice(1, -1).trim() : text;
}

/** Whether the first bracket closes at the very end. */
function isWrapped(text: string): boolean {
  if (!text.startsWith("(") || !text.endsWith(")") || text.includes('"')) return false;
  let depth = 0;
  for (const [index, character] of Array.from(text).entries()) {
    if (character === "(") depth += 1;
    if (character === ")") depth -= 1;
    if (depth === 0) return index === text.length - 1;
  }
  return false;
}
