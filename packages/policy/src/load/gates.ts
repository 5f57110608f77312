import { suggestion } from "../files/did-you-mean.ts";
import { checkShape } from "../files/check-shape.ts";
import { durationMs } from "../files/duration.ts";
import { gatesFile } from "../files/schemas.ts";
import type { GatesFile } from "../files/schemas.ts";
import { readSource } from "../files/source.ts";
import type { Source } from "../files/source.ts";
import { coversScope } from "../rules/scope.ts";
import type { ScopePattern } from "../rules/scope.ts";
import { limitsOf } from "../rules/limits.ts";
import type { Gate } from "../rules/rule.ts";
import type { CatalogAction, RuleRef } from "../types.ts";
import { DEFAULT_GATES, DEFAULT_GATES_FILE } from "./default-gates.ts";
import { contentOf, readContent } from "./content.ts";
import { askingOf, boundsOf, checkAsking, escalationOf, readApprove } from "./approve.ts";
import type { Asking } from "./approve.ts";
import { checkLimits } from "./check-limits.ts";
import { reportError } from "./findings.ts";
import type { Shaped } from "./folder.ts";
import { readHours } from "./hours.ts";
import { readFields } from "./parts.ts";
import { checkScope } from "./scopes.ts";
import { readCondition } from "./world.ts";
import type { World } from "./world.ts";

type GateEntry = GatesFile["gates"][number];

/** The built-in gates as changed by the file, then the file's own. */
export function readGates(world: World, file: Shaped<GatesFile> | undefined): readonly Gate[] {
  const builtIn = builtInGates(world);
  const own = file === undefined ? [] : file.value.gates.flatMap((entry, index) => readGate(world, file.source, entry, index));
  if (file === undefined) return [...builtIn, ...own];
  for (const name of Object.keys(file.value.defaults)) {
    if (builtIn.some((gate) => gate.ref.id === name)) continue;
    reportError(world.report, {
      code: "unknown-gate",
      at: file.source.at(["defaults", name]),
      what: `no default gate is named \`${name}\``,
      why: "the change would have no effect",
      write: suggestion(
        name,
        builtIn.map((gate) => gate.ref.id),
        "a name of the default gates",
      ),
    });
  }
  return [...builtIn.flatMap((gate) => changeDefault(world, gate, file)), ...own];
}

function builtInGates(world: World): readonly Gate[] {
  const source = readSource({ path: DEFAULT_GATES_FILE, text: DEFAULT_GATES }, world.report);
  const value = source === undefined ? undefined : checkShape(source, gatesFile, world.report);
  if (source === undefined || value === undefined) throw new Error("the built-in gates cannot be read");
  return value.gates.map((entry, index) => {
    const { approve, content } = entry.require;
    return {
      ref: { kind: "gate", id: entry.gate, at: source.at(["gates", index]), reason: entry.reason },
      effects: entry.on.effect === undefined ? undefined : new Set(entry.on.effect),
      recordsOver: entry.on.recordsOver,
      approve: approve === undefined ? undefined : askingOf(approve, approve.bounded),
      fields: { hide: [], mask: new Map() },
      limits: {},
      ...(content === undefined ? {} : { content: contentOf(content) }),
    };
  });
}

function changeDefault(world: World, gate: Gate, file: Shaped<GatesFile>): readonly Gate[] {
  const change = Object.hasOwn(file.value.defaults, gate.ref.id) ? file.value.defaults[gate.ref.id] : undefined;
  if (change === undefined) return [gate];
  if (change.off === true) return [];
  const at = (...path: readonly PropertyKey[]) => file.source.at(["defaults", gate.ref.id, ...path]);
  const approve = gate.approve === undefined ? undefined : changeAsking(gate.approve, change);
  // An unchanged one stands in every folder, also where nobody is an operator yet.
  if (approve !== undefined && WHO_ANSWERS.some((key) => change[key] !== undefined)) checkAsking(world, approve, (path) => at(...path));
  for (const [index, name] of (change.environments ?? []).entries())
    checkEnvironment(world, file.source, ["defaults", gate.ref.id, "environments", index], name);
  return [
    {
      ...gate,
      ref: { ...gate.ref, at: at(), reason: change.reason },
      environments: change.environments === undefined ? gate.environments : new Set(change.environments),
      recordsOver: gate.recordsOver === undefined ? undefined : (change.recordsOver ?? gate.recordsOver),
      approve,
    },
  ];
}

type Change = GatesFile["defaults"][string];

/** What is not changed stays as it ships. */
function changeAsking(asking: Asking, change: Change): Asking {
  const escalate = change.escalate === undefined ? asking.escalate : escalationOf(change.escalate);
  const bounded = change.bounded === undefined ? asking.bounded : change.bounded === false ? undefined : boundsOf(change.bounded);
  return {
    by: change.by ?? asking.by,
    count: change.count ?? asking.count,
    also: change.also ?? asking.also,
    stepUp: change.stepUp ?? asking.stepUp,
    expiresMs: change.expires === undefined ? asking.expiresMs : durationMs(change.expires),
    ...(escalate === undefined ? {} : { escalate }),
    ...(bounded === undefined ? {} : { bounded }),
  };
}

const WHO_ANSWERS = ["by", "count", "also", "escalate"] as const;

function readGate(world: World, source: Source, entry: GateEntry, index: number): readonly Gate[] {
  const at = (...path: readonly PropertyKey[]) => source.at(["gates", index, ...path]);
  const scopes = entry.on.do?.flatMap((text, place): readonly ScopePattern[] => {
    const checked = checkScope(world, text, at("on", "do", place));
    return checked === undefined ? [] : [checked.pattern];
  });
  for (const [place, name] of (entry.on.environments ?? []).entries())
    checkEnvironment(world, source, ["gates", index, "on", "environments", place], name);
  const actions = world.actions.filter((action) => matches(action, scopes, entry));
  if (actions.length === 0) reportEmptyGate(world, source, entry, index);
  const id = entry.gate;
  const when =
    entry.when === undefined
      ? undefined
      : readCondition(world, {
          id: `${id}#when`,
          text: entry.when,
          at: source.at(["gates", index, "when"], "value"),
          asked: "call",
          actions,
        });
  if (Object.keys(entry.require).length === 0) reportNoDemand(world, source, entry, index);
  const ref: RuleRef = { kind: "gate", id, at: at(), reason: entry.reason };
  const limits = limitsOf(entry.require.limits);
  checkLimits(world, limits, { actions, at: (path) => at("require", "limits", ...path) });
  const content = readContent(world, entry.require.content, { actions, at: (path) => at("require", "content", ...path) });
  return [
    {
      ref,
      scopes,
      effects: entry.on.effect === undefined ? undefined : new Set(entry.on.effect),
      environments: entry.on.environments === undefined ? undefined : new Set(entry.on.environments),
      recordsOver: entry.on.recordsOver,
      when,
      approve: readApprove(world, entry.require.approve, { id, actions, at: (path) => at("require", "approve", ...path) }),
      fields: readFields(world, entry.require.fields, actions, (path) => at("require", "fields", ...path)),
      limits,
      ...readHours(world, entry.require.hours, (path) => at("require", "hours", ...path)),
      ...(content === undefined ? {} : { content }),
    },
  ];
}

function matches(action: CatalogAction, scopes: readonly ScopePattern[] | undefined, entry: GateEntry): boolean {
  const inScope = scopes === undefined || scopes.some((pattern) => coversScope(pattern, action.scope));
  return inScope && (entry.on.effect === undefined || entry.on.effect.includes(action.effect));
}

function checkEnvironment(world: World, source: Source, path: readonly PropertyKey[], name: string): void {
  if (world.environments.includes(name)) return;
  reportError(world.report, {
    code: "unknown-environment",
    at: source.at(path),
    what: `no environment \`${name}\` exists`,
    why: "the gate would not apply where it was meant to",
    write: suggestion(name, world.environments, "an environment of `bailiwick.yaml`"),
  });
}

function reportEmptyGate(world: World, source: Source, entry: GateEntry, index: number): void {
  reportError(world.report, {
    code: "unreachable-rule",
    at: source.at(["gates", index, "on"]),
    what: `gate \`${entry.gate}\` applies to no action of the catalog`,
    why: "a gate that never applies protects nothing",
    write: "scopes and effects that occur together in the catalog",
  });
}

function reportNoDemand(world: World, source: Source, entry: GateEntry, index: number): void {
  reportError(world.report, {
    code: "unreachable-rule",
    at: source.at(["gates", index, "require"]),
    what: `gate \`${entry.gate}\` requires nothing`,
    why: "a gate without a demand looks like protection and is none",
    write: "`approve`, `fields`, `limits`, `hours` or `content`",
  });
}
