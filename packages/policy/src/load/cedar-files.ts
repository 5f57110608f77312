import type { ActionConstraint, EntityUidJson } from "@cedar-policy/cedar-wasm/nodejs";
import { cutPolicies, lineAt } from "../cedar/cedar-text.ts";
import type { CedarPiece } from "../cedar/cedar-text.ts";
import { actionId } from "../engine/cedar-schema.ts";
import type { ParsedPolicy } from "../engine/parse-condition.ts";
import type { Condition, Deny, Grant } from "../rules/rule.ts";
import type { PolicyFile, RuleRef, Span } from "../types.ts";
import { checkConditionPlace, filtersResults, loadsRecord } from "./condition-place.ts";
import { reportError } from "./findings.ts";
import type { World } from "./world.ts";

export interface CedarRules {
  readonly grants: readonly Grant[];
  readonly denies: readonly Deny[];
}

/**
 * Policies of policies/*.cedar: `permit` is a grant without obligations, `forbid` a deny.
 * Each is asked as a permit, so that the engine reports whether it matched or failed; what that means is our algebra.
 */
export function readCedarFiles(world: World, files: readonly PolicyFile[]): CedarRules {
  const rules = files.flatMap((file) => cutPolicies(file.text).map((piece, index) => readPiece(world, file, piece, index)));
  return { grants: rules.flatMap((rule) => rule?.grant ?? []), denies: rules.flatMap((rule) => rule?.deny ?? []) };
}

interface PieceRule {
  readonly grant?: Grant;
  readonly deny?: Deny;
}

function readPiece(world: World, file: PolicyFile, piece: CedarPiece, index: number): PieceRule | undefined {
  const at: Span = { file: file.path, line: lineAt(file.text, piece.start) };
  const parsed = world.memory.policy(piece.text);
  if (!parsed.ok) {
    reportError(world.report, {
      code: "condition-syntax",
      at: { file: file.path, line: lineAt(file.text, piece.start + parsed.offset) },
      what: `this is not a Cedar policy: ${parsed.message}`,
      why: "a policy that cannot be read can neither grant nor deny",
      write: '`@reason("...") permit(principal in Role::"support", action in Action::"tickets:read", resource) when { ... };`',
    });
    return undefined;
  }
  const { json } = parsed;
  const reason = json.annotations?.["reason"];
  if (reason === undefined || reason.trim() === "") {
    reportError(world.report, {
      code: "no-reason",
      at,
      what: `this \`${json.effect}\` has no reason`,
      why: "a rule whose reason nobody wrote down cannot be reviewed",
      write: '`@reason("why this rule exists")` above it',
    });
  }
  const id = json.annotations?.["id"] ?? `${file.path.replace(/^policies\/|\.cedar$/g, "")}/${String(index + 1)}`;
  const text = asPermit(piece);
  if (text === undefined) return undefined;
  return makeRule(world, { id, at, reason: reason ?? "", text, parsed });
}

function makeRule(
  world: World,
  entry: {
    readonly id: string;
    readonly at: Span;
    readonly reason: string;
    readonly text: string;
    readonly parsed: Extract<ParsedPolicy, { ok: true }>;
  },
): PieceRule {
  const { json, expr, usesResource } = entry.parsed;
  const named = namedActions(json.action);
  const on = named ?? ["*"];
  const actions = named === undefined ? world.actions : [...new Set(named.flatMap((name) => world.actionNames.get(name) ?? []))];
  if (json.effect === "permit" && named === undefined) {
    reportError(world.report, {
      code: "god-mode",
      at: entry.at,
      what: "this `permit` covers every action",
      why: "nobody can review or bound a right to everything",
      write: '`action in Action::"tickets:read"`, or `action in [...]`',
    });
  }
  const condition: Condition = {
    id: `${entry.id}#policy`,
    form: "policy",
    text: entry.text,
    at: entry.at,
    expr,
    usesResource,
  };
  world.uses.push({ condition, asked: usesResource ? "rows" : "call", actions });
  if (usesResource && named !== undefined) checkConditionPlace(world, entry.at, actions);
  if (usesResource && named === undefined && json.effect === "forbid") reportBroadRows(world, entry.at);
  const ref: RuleRef = { kind: json.effect === "permit" ? "grant" : "deny", id: entry.id, at: entry.at, reason: entry.reason };
  const parts = usesResource ? { rows: condition } : { when: condition };
  if (json.effect === "forbid") return { deny: { ref, role: undefined, on, ...parts } };
  const scopeText = on.join(", ");
  return { grant: { ref, role: undefined, on, scopeText, ...parts, fields: { hide: [], mask: new Map() }, limits: {} } };
}

function reportBroadRows(world: World, at: Span): void {
  const lost = world.actions.find((action) => !loadsRecord(action) && !filtersResults(action));
  if (lost === undefined) return;
  reportError(world.report, {
    code: "rows-never-evaluated",
    at,
    what: `this \`forbid\` speaks of \`resource\` but also covers \`${actionId(lost.operation)}\`, whose record is never seen`,
    why: "it would have to refuse every such call",
    write: "the actions it is meant for: `action in [...]`",
  });
}

function asPermit(piece: CedarPiece): string | undefined {
  if (piece.effectAt === undefined) return undefined;
  return `${piece.text.slice(0, piece.effectAt)}permit${piece.text.slice(piece.effectAt + "permit".length)}`;
}

/** Ids of the actions a policy's scope names; undefined when it names none and so means all. */
function namedActions(constraint: ActionConstraint): readonly string[] | undefined {
  if (constraint.op === "All") return undefined;
  if ("entities" in constraint) return constraint.entities.map((uid) => idOf(uid));
  return "entity" in constraint ? [idOf(constraint.entity)] : [];
}

function idOf(uid: EntityUidJson): string {
  return "__entity" in uid ? uid.__entity.id : uid.id;
}
