import { suggestion } from "../files/did-you-mean.ts";
import type { RoleFile } from "../files/schemas.ts";
import type { Source } from "../files/source.ts";
import { limitsOf } from "../rules/limits.ts";
import type { Condition, Deny, Grant } from "../rules/rule.ts";
import { groupOf } from "../rules/scope.ts";
import type { RuleRef } from "../types.ts";
import { readApprove } from "./approve.ts";
import { checkLimits } from "./check-limits.ts";
import { checkConditionPlace } from "./condition-place.ts";
import { readContent } from "./content.ts";
import { reportError } from "./findings.ts";
import type { Shaped } from "./folder.ts";
import { readHours } from "./hours.ts";
import { readFields } from "./parts.ts";
import type { CheckedScope } from "./scopes.ts";
import { checkScope, checkWriteField } from "./scopes.ts";
import { withinText } from "./within.ts";
import { readCondition } from "./world.ts";
import type { Asked, World } from "./world.ts";

export interface RoleRules {
  readonly grants: readonly Grant[];
  readonly denies: readonly Deny[];
  /** Own name and everything inherited, by role. */
  readonly closure: ReadonlyMap<string, ReadonlySet<string>>;
}

export function readRoles(world: World, files: readonly Shaped<RoleFile>[]): RoleRules {
  const grants: Grant[] = [];
  const denies: Deny[] = [];
  const seen = new Map<string, string>();
  for (const { source, value } of files) {
    const other = seen.get(value.role);
    if (other !== undefined) {
      reportError(world.report, {
        code: "duplicate-id",
        at: source.at(["role"]),
        what: `role \`${value.role}\` is already written in \`${other}\``,
        why: "each role has one file",
        write: "another name, or one file",
      });
    }
    seen.set(value.role, source.path);
    for (const index of value.allow.keys()) grants.push(...readGrant(world, source, value, index));
    for (const index of value.deny.keys()) denies.push(...readDeny(world, source, value, index));
  }
  return { grants, denies, closure: closeRoles(world, files) };
}

function readGrant(world: World, source: Source, role: RoleFile, index: number): readonly Grant[] {
  const entry = role.allow[index];
  if (entry === undefined) return [];
  const at = (...path: readonly PropertyKey[]) => source.at(["allow", index, ...path]);
  const id = entry.id ?? `${role.role}/allow/${String(index + 1)}`;
  const reason = entry.reason ?? role.reason;
  if (reason === undefined) reportNoReason(world, source, ["allow", index], `grant \`${entry.do}\``);
  const scope = checkScope(world, entry.do, at("do"));
  if (scope === undefined) return [];
  const ref: RuleRef = { kind: "grant", id, at: at(), reason: reason ?? "" };
  const part = conditionReader(world, source, ["allow", index], id, scope);
  const when = part("when", "call");
  const rows = readRows(world, source, index, { entry, id, scope }) ?? part("rows", "rows");
  if (rows !== undefined) checkConditionPlace(world, at(entry.rows === undefined ? "within" : "rows"), scope.actions);
  const limits = limitsOf(entry.limits);
  checkLimits(world, limits, { actions: scope.actions, at: (path) => at("limits", ...path) });
  for (const [field, name] of (entry.fields?.write ?? []).entries())
    checkWriteField(world, name, scope.actions, at("fields", "write", field));
  if (scope.pattern.field !== undefined && entry.fields?.write !== undefined) {
    reportError(world.report, {
      code: "invalid-scope",
      at: at("fields", "write"),
      what: `\`${entry.do}\` already names the field that may be written`,
      why: "two allowlists in one grant contradict each other",
      write: `\`do: ${scope.pattern.tool}:${scope.pattern.action}\` with \`fields: { write: [...] }\``,
    });
  }
  const content = readContent(world, entry.content, { actions: scope.actions, at: (path) => at("content", ...path) });
  const approve = readApprove(world, entry.approve, { id, actions: scope.actions, at: (path) => at("approve", ...path) });
  return [
    {
      ref,
      role: role.role,
      on: [groupOf(scope.pattern)],
      scopeText: entry.do,
      when,
      rows,
      fields: readFields(world, entry.fields, scope.actions, (path) => at("fields", ...path)),
      write: scope.pattern.field === undefined ? entry.fields?.write : [scope.pattern.field],
      limits,
      ...readHours(world, entry.hours, (path) => at("hours", ...path)),
      ...(content === undefined ? {} : { content }),
      approve,
    },
  ];
}

/** `rows` with what `within` adds; undefined where it adds nothing, or where `rows` cannot be read and is yet to be reported. */
function readRows(
  world: World,
  source: Source,
  index: number,
  { entry, id, scope }: { readonly entry: RoleFile["allow"][number]; readonly id: string; readonly scope: CheckedScope },
): Condition | undefined {
  const young = withinText(world, entry.within, scope, (field) => source.at(["allow", index, "within", field]));
  // Parentheses in a text that is no expression by itself could be closed too early.
  if (young === undefined || (entry.rows !== undefined && !world.memory.expression(entry.rows).ok)) return undefined;
  const at = entry.rows === undefined ? source.at(["allow", index, "within"]) : source.at(["allow", index, "rows"], "value");
  const text = entry.rows === undefined ? young : `(${entry.rows}\n) && ${young}`;
  return readCondition(world, { id: `${id}#rows`, text, at, asked: "rows", actions: scope.actions });
}

function readDeny(world: World, source: Source, role: RoleFile, index: number): readonly Deny[] {
  const entry = role.deny[index];
  if (entry === undefined) return [];
  const at = (...path: readonly PropertyKey[]) => source.at(["deny", index, ...path]);
  const id = entry.id ?? `${role.role}/deny/${String(index + 1)}`;
  const reason = entry.reason ?? role.reason;
  if (reason === undefined) reportNoReason(world, source, ["deny", index], `deny \`${entry.do}\``);
  const scope = checkScope(world, entry.do, at("do"));
  if (scope === undefined) return [];
  const part = conditionReader(world, source, ["deny", index], id, scope);
  const when = part("when", "call");
  const rows = part("rows", "rows");
  if (rows !== undefined) checkConditionPlace(world, at("rows"), scope.actions);
  const ref: RuleRef = { kind: "deny", id, at: at(), reason: reason ?? "" };
  return [{ ref, role: role.role, on: [groupOf(scope.pattern)], field: scope.pattern.field, when, rows }];
}

type ConditionReader = (key: "when" | "rows", asked: Asked) => Condition | undefined;

function conditionReader(world: World, source: Source, base: readonly PropertyKey[], id: string, scope: CheckedScope): ConditionReader {
  return (key, asked) => {
    const text: unknown = valueAt(source.value, [...base, key]);
    if (typeof text !== "string") return undefined;
    const condition = readCondition(world, {
      id: `${id}#${key}`,
      text,
      at: source.at([...base, key], "value"),
      asked,
      actions: scope.actions,
    });
    if (condition !== undefined && asked === "call" && condition.usesResource) reportRecordInWhen(world, condition.at);
    return condition;
  };
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const step of path) current = typeof current === "object" && current !== null ? Reflect.get(current, step) : undefined;
  return current;
}

function reportRecordInWhen(world: World, at: RuleRef["at"]): void {
  reportError(world.report, {
    code: "resource-in-when",
    at,
    what: "`when` speaks of `resource`",
    why: "`when` is about the caller and the arguments; conditions on records filter results as well and are written apart",
    write: "the part about the record under `rows`",
  });
}

function reportNoReason(world: World, source: Source, path: readonly PropertyKey[], rule: string): void {
  reportError(world.report, {
    code: "no-reason",
    at: source.at(path),
    what: `${rule} has no reason, neither its own nor its role's`,
    why: "a right whose reason nobody wrote down cannot be reviewed",
    write: "`reason: why this right is needed`",
  });
}

function closeRoles(world: World, files: readonly Shaped<RoleFile>[]): ReadonlyMap<string, ReadonlySet<string>> {
  const byName = new Map(files.map((file) => [file.value.role, file]));
  for (const { source, value } of files) {
    for (const [index, parent] of value.extends.entries()) {
      if (byName.has(parent)) continue;
      reportError(world.report, {
        code: "unknown-role",
        at: source.at(["extends", index]),
        what: `no role \`${parent}\` exists`,
        why: "what it would grant or deny is unknown",
        write: suggestion(parent, world.roleNames, "a role of `roles/`"),
      });
    }
  }
  const closure = new Map<string, ReadonlySet<string>>();
  for (const name of byName.keys()) closure.set(name, reachable(name, byName));
  for (const [name, { source, value }] of byName) {
    const cyclic = value.extends.find((parent) => closure.get(parent)?.has(name) === true);
    if (cyclic === undefined) continue;
    reportError(world.report, {
      code: "role-cycle",
      at: source.at(["extends"]),
      what: `role \`${name}\` extends itself through \`${cyclic}\``,
      why: "roles that contain each other are one role with two names",
      write: "remove one of the `extends`",
    });
  }
  return closure;
}

function reachable(name: string, byName: ReadonlyMap<string, Shaped<RoleFile>>): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...(byName.get(next)?.value.extends ?? []));
  }
  return found;
}
