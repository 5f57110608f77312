import type { Expr } from "../cedar/expression.ts";
import { allOf } from "../cedar/expression.ts";
import { namesOf } from "../engine/cedar-schema.ts";
import type { Grant } from "../rules/rule.ts";
import type { Known } from "../cedar/specialize.ts";
import type { AgentConfig, CatalogAction } from "../types.ts";
import type { Holders, Pair } from "./checks/holders.ts";
import { conditionsOf, isNever, put } from "./checks/holders.ts";
import { isImpossible } from "./checks/parts.ts";
import { loadsRecord } from "./condition-place.ts";
import { reportWarning } from "./findings.ts";
import type { World } from "./world.ts";

/**
 * Among several permitting grants the least demanding applies, so a wider grant without approval makes an approval meaningless.
 * Warned of is only what is proven: wherever the asking grant holds, the other one does too. A grant that holds in some of the same
 * calls is the usual way to spare the harmless ones, and so is one in the same file that covers only some of the actions or environments:
 * no findings. From another file, for instance of an inherited role, it is more likely an accident. A gate's approval cannot be bypassed,
 * since gates are AND.
 */
export function warnShadowedApprovals(world: World, holders: Holders): void {
  const asking = holders.grants.filter((grant) => grant.approve !== undefined);
  for (const grant of asking) {
    for (const [name, agents] of Map.groupBy(holders.of(grant.role), ({ workflow, agent }) => `${workflow}/${agent}`)) {
      const asked = askedPairs(holders, grant, agents);
      const bypassed = asked.filter(
        ({ by }) => by !== undefined && (by.ref.at.file !== grant.ref.at.file || asked.every((pair) => pair.by !== undefined)),
      );
      const [first] = bypassed;
      if (first?.by !== undefined) warn(world, { asking: grant, by: first.by, asked, bypassed, name });
    }
  }
}

/** A call for which a grant would ask, and the grant that lets it through without. */
interface Asked extends Pair {
  readonly by: Grant | undefined;
}

function askedPairs(holders: Holders, asking: Grant, agents: readonly AgentConfig[]): readonly Asked[] {
  return [...holders.pairs(agents, holders.actionsOf(asking))].flatMap(({ agent, action }) => {
    const others = holders.rulesOf(agent).grants.find(namesOf(action));
    const wide = others.filter((grant) => grant !== asking && grant.approve === undefined && allowsAsMuch(grant, asking, action));
    if (wide.length === 0) return [{ agent, action, by: undefined }];
    const known = holders.known(agent, action);
    const asked = put(conditionsOf(asking), known);
    // What the grant never permits here it does not ask for either.
    if (asked.length > 0 && isImpossible(asked)) return [];
    return [{ agent, action, by: wide.find((grant) => bypasses(grant, asked, action, known)) }];
  });
}

function bypasses(wide: Grant, asked: readonly Expr[], action: CatalogAction, known: Known): boolean {
  if (isNever(conditionsOf(wide), known)) return false;
  const deciding = put(decidingOf(wide, action), known);
  return deciding.length === 0 || isImpossible([...asked, { op: "!", of: allOf(deciding) }]);
}

/** Fields and number of records of every call that the asking grant permits. */
function allowsAsMuch(wide: Grant, asking: Grant, action: CatalogAction): boolean {
  const fields = wide.write === undefined || (asking.write?.every((field) => wide.write?.includes(field)) ?? false);
  const [most, asked] = [wide.limits.records, asking.limits.records];
  return fields && (most === undefined || action.batch === undefined || (asked !== undefined && asked <= most));
}

/**
 * The conditions that decide whether the call goes through. Where records are seen only in the result, that is `when` alone: the call
 * runs under the least demanding grant, and then shows nothing beyond that grant's rows.
 */
function decidingOf({ when, rows }: Grant, action: CatalogAction): readonly Expr[] {
  return conditionsOf(loadsRecord(action) ? { when, rows } : { when });
}

/** Names beyond these only make a message longer. */
const MAX_NAMED = 3;

interface Finding {
  readonly asking: Grant;
  readonly by: Grant;
  readonly asked: readonly Asked[];
  readonly bypassed: readonly Asked[];
  readonly name: string;
}

function warn(world: World, { asking, by, asked, bypassed, name }: Finding): void {
  const scopes = new Set(bypassed.map(({ action }) => action.scope));
  const agents = new Set(bypassed.map(({ agent }) => agent.name));
  const where = bypassed.length === asked.length ? "" : ` on ${listed(scopes)}`;
  const whom = agents.size === new Set(asked.map(({ agent }) => agent.name)).size ? `\`${name}\`` : listed(agents);
  reportWarning(world.report, {
    code: "shadowed-approval",
    at: asking.ref.at,
    what: `the approval of \`${asking.ref.id}\` never happens${where} for ${whom}: \`${by.ref.id}\` (${by.ref.at.file}:${String(by.ref.at.line)}) lets the same calls through without it`,
    why: "among several permitting grants the least demanding applies",
    write: "a `when` or scope there that leaves these calls out, or a gate: gates always apply",
  });
}

function listed(names: ReadonlySet<string>): string {
  const shown = [...names].slice(0, MAX_NAMED).map((name) => `\`${name}\``);
  return `${shown.join(", ")}${names.size > MAX_NAMED ? " and others" : ""}`;
}
