import { namesOf } from "../engine/cedar-schema.ts";
import type { Grant, RuleBook } from "../rules/rule.ts";
import type { AgentConfig, CatalogAction } from "../types.ts";
import { reportWarning } from "./findings.ts";
import type { World } from "./world.ts";

/** Among several permitting grants the least demanding applies, so a wider grant without approval makes an approval meaningless. */
export function warnShadowedApprovals(world: World, agents: readonly AgentConfig[], book: RuleBook): void {
  for (const agent of agents) {
    const roles = book.agentRoles.get(agent.name) ?? new Set();
    const own = book.grants.filter((grant) => grant.role === undefined || roles.has(grant.role));
    for (const asking of own.filter((grant) => grant.approve !== undefined)) {
      const by = own.find((grant) => world.actions.some((action) => shadows(grant, asking, action)));
      if (by !== undefined) warn(world, agent, asking, by);
    }
  }
}

function shadows(wide: Grant, asking: Grant, action: CatalogAction): boolean {
  const covered = [wide, asking].every((grant) => namesOf(action).some((name) => grant.on.includes(name)));
  if (wide === asking || wide.approve !== undefined || !covered) return false;
  const sameWhen = wide.when === undefined || wide.when.text === asking.when?.text;
  const sameRows = wide.rows === undefined || wide.rows.text === asking.rows?.text;
  const allFields = wide.write === undefined || (asking.write?.every((field) => wide.write?.includes(field)) ?? false);
  return sameWhen && sameRows && allFields;
}

function warn(world: World, agent: AgentConfig, asking: Grant, by: Grant): void {
  reportWarning(world.report, {
    code: "shadowed-approval",
    at: asking.ref.at,
    what: `the approval of \`${asking.ref.id}\` never happens for \`${agent.workflow}/${agent.agent}\`: \`${by.ref.id}\` (${by.ref.at.file}:${String(by.ref.at.line)}) permits the same without it`,
    why: "among several permitting grants the least demanding applies",
    write: "a narrower grant there, or a gate: gates always apply",
  });
}
