import { lineAt } from "../../cedar/cedar-text.ts";
import { childrenOf } from "../../cedar/expression.ts";
import type { Expr } from "../../cedar/expression.ts";
import { printUid } from "../../cedar/print.ts";
import { CedarRecord, CedarSet, Uid } from "../../cedar/value.ts";
import type { Value } from "../../cedar/value.ts";
import { NO_RECORD } from "../../engine/cedar-schema.ts";
import { suggestion } from "../../files/did-you-mean.ts";
import type { Condition } from "../../rules/rule.ts";
import type { AgentConfig } from "../../types.ts";
import type { DiagnosticCode } from "../findings.ts";
import { reportError } from "../findings.ts";
import type { World } from "../world.ts";

/** A kind of name that conditions speak of, and all that exist. */
interface Kind {
  readonly code: DiagnosticCode;
  readonly noun: string;
  readonly known: ReadonlySet<string>;
  readonly otherwise: string;
}

/**
 * Checks that every role, action, agent and type a condition names exists. Cedar compares with a name that nothing bears without
 * a word, and is then false for ever. Returns the ids of the conditions that name something unknown.
 */
export function checkConditionNames(world: World, agents: readonly AgentConfig[]): ReadonlySet<string> {
  const ids: ReadonlyMap<string, Kind> = new Map([
    ["Role", kind("unknown-role", "role", world.roleNames, "a role of `roles/`")],
    ["Action", kind("unknown-action", "action or scope", world.actionNames.keys(), "a scope of the catalog")],
    [
      "Agent",
      kind(
        "unknown-agent",
        "agent",
        agents.map((agent) => agent.name),
        "an agent of `agents/`",
      ),
    ],
  ]);
  const types = kind("unknown-type", "type", [...world.types.keys(), "Agent", "Role", "Action", NO_RECORD], "a type of a tool");
  const wrong = new Set<string>();
  for (const { condition } of world.uses) {
    for (const named of new Map(namesIn(condition.expr).map((one) => [one.text, one])).values()) {
      const unknown = named.id !== undefined && types.known.has(named.type) ? ids.get(named.type) : types;
      const name = named.id !== undefined && types.known.has(named.type) ? named.id : named.type;
      if (unknown === undefined || unknown.known.has(name)) continue;
      wrong.add(condition.id);
      report(world, condition, named.text, name, unknown);
    }
  }
  return wrong;
}

function kind(code: DiagnosticCode, noun: string, known: Iterable<string>, otherwise: string): Kind {
  return { code, noun, known: new Set(known), otherwise };
}

/** `Role::"support"`, or the type after `is`. */
export interface Named {
  readonly type: string;
  readonly id: string | undefined;
  readonly text: string;
}

export function namesIn(expr: Expr, found: Named[] = []): readonly Named[] {
  if (expr.op === "value") for (const uid of uidsIn(expr.value)) found.push({ type: uid.type, id: uid.id, text: printUid(uid) });
  if (expr.op === "is") found.push({ type: expr.type, id: undefined, text: expr.type });
  for (const child of childrenOf(expr)) namesIn(child, found);
  return found;
}

function uidsIn(value: Value): readonly Uid[] {
  if (typeof value !== "object") return NONE;
  if (value instanceof Uid) return [value];
  if (value instanceof CedarSet) return value.items.flatMap((item) => uidsIn(item));
  return value instanceof CedarRecord ? [...value.fields.values()].flatMap((field) => uidsIn(field)) : NONE;
}

const NONE: readonly Uid[] = [];

function report(world: World, { text, at }: Condition, named: string, name: string, { code, noun, known, otherwise }: Kind): void {
  // An expression has no positions; a name that is written in another way than it prints is shown at the first line.
  const offset = Math.max(0, text.indexOf(named));
  reportError(world.report, {
    code,
    at: { file: at.file, line: at.line + lineAt(text, offset) - 1 },
    what: `no ${noun} \`${name}\` exists`,
    why: "what compares with a name that nothing bears is never true, and nobody is told",
    write: suggestion(name, [...known], otherwise),
  });
}
