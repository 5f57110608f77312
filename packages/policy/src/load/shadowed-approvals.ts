import type { Expr } from "../cedar/expression.ts";
import { allOf } from "../cedar/expression.ts";
import { actionId, namesOf } from "../engine/cedar-schema.ts";
import { ONE_CALL } from "../rules/limits.ts";
import type { Grant } from "../rules/rule.ts";
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
    const byAgent = Map.groupBy(holders.of(grant.role), ({ workflow, agent, roles }) => `${workflow}/${agent} ${roles.join()}`);
    for (const agents of byAgent.values()) {
      const name = `${agents[0]?.workflow ?? ""}/${agents[0]?.agent ?? ""}`;
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

/** Grants beside one asking grant that are compared with it for one action; where there are more, the rest are taken not to bypass it. */
const MAX_RIVALS = 50;

/** `agents` are identities of one agent, which differ in tenant and environment alone. */
function askedPairs(holders: Holders, asking: Grant, agents: readonly AgentConfig[]): readonly Asked[] {
  const known = new Map<string, boolean>();
  const remember = (key: string, find: () => boolean): boolean => {
    const found = known.get(key) ?? find();
    known.set(key, found);
    return found;
  };
  return [...holders.pairs(agents, holders.actionsOf(asking))].flatMap((pair) => {
    const wide = rivalsOf(holders, asking, pair);
    if (wide.length === 0) return [{ ...pair, by: undefined }];
    const keyOf = (grants: readonly Grant[]): string => grants.map((grant) => partKey(holders, grant, pair)).join("\n");
    // What the grant never permits here it does not ask for either.
    if (remember(keyOf([asking]), () => isNever(conditionsOf(asking), holders.known(pair.agent, pair.action)))) return [];
    return [{ ...pair, by: wide.find((grant) => remember(keyOf([asking, grant]), () => bypasses(holders, grant, asking, pair))) }];
  });
}

function rivalsOf(holders: Holders, asking: Grant, { agent, action }: Pair): readonly Grant[] {
  const others = holders.rulesOf(agent).grants.find(namesOf(action));
  const wide = others.filter((grant) => grant !== asking && grant.approve === undefined && allowsAsMuch(grant, asking, action));
  const [always, sometimes] = [wide.filter((grant) => isUnconditional(grant)), wide.filter((grant) => !isUnconditional(grant))];
  return [...always.slice(0, 1), ...sometimes.slice(0, MAX_RIVALS)];
}

function isUnconditional({ when, rows }: Grant): boolean {
  return when === undefined && rows === undefined;
}

/** The same for pairs between which the conditions of the grant cannot tell. */
function partKey(holders: Holders, grant: Grant, { agent, action }: Pair): string {
  const depends = holders.dependenceOf(grant);
  return `${grant.ref.id} ${depends.place ? agent.name : ""} ${depends.action ? actionId(action.operation) : String(loadsRecord(action))}`;
}

function bypasses(holders: Holders, wide: Grant, asking: Grant, { agent, action }: Pair): boolean {
  const known = holders.known(agent, action);
  if (isNever(conditionsOf(wide), known)) return false;
  const deciding = put(decidingOf(wide, action), known);
  return deciding.length === 0 || isImpossible([...put(conditionsOf(asking), known), { op: "!", of: allOf(deciding) }]);
}

/** At any time, and fields, records, cost and recipients of every call that the asking grant permits. */
function allowsAsMuch(wide: Grant, asking: Grant, action: CatalogAction): boolean {
  const fields = wide.write === undefined || (asking.write?.every((field) => wide.write?.includes(field)) ?? false);
  const drawn = { records: action.batch !== undefined, cost: action.cost !== undefined, recipients: action.destination.length > 0 };
  const amounts = ONE_CALL.every((bound) => {
    const [most, asked] = [wide.limits[bound], asking.limits[bound]];
    return most === undefined || !drawn[bound] || (asked !== undefined && asked <= most);
  });
  return fields && amounts && wide.hours === undefined;
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
