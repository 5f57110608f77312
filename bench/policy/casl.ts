import { createMongoAbility, subject } from "@casl/ability";
import type { MongoAbility, RawRuleOf } from "@casl/ability";
import type { InProcess } from "./contender.ts";
import type { Comparison, Operator, Rule, Scalar } from "./rules.ts";
import { actionsIn, typeOf } from "./rules.ts";
import type { Agent, Workload } from "./workload.ts";

type CaslRule = RawRuleOf<MongoAbility>;

/**
 * casl with one ability for each agent, made beforehand from the rules of its roles.
 * casl knows no context, so the arguments of a call are a part of its subject; forbids come last, since the last match wins.
 */
export function casl(workload: Workload): InProcess {
  const subjects = workload.questions.map(({ record, context }) => subject(record.type, { ...record.attributes, context }));
  const byRole = Map.groupBy(workload.rules, (rule) => rule.role);
  const started = performance.now();
  const abilities = new Map(workload.agents.map((agent) => [agent, abilityOf(agent, byRole)]));
  const loadMs = performance.now() - started;
  const asked = workload.questions.map(({ agent, action }, index) => {
    const ability = abilities.get(agent);
    const about = subjects[index];
    if (ability === undefined || about === undefined) throw new Error(`no ability for ${agent.id}`);
    return { ability, action, about };
  });
  return {
    kind: "in process",
    name: "casl, ability cached per agent",
    loadMs,
    batch: 20,
    decide(question) {
      const ask = asked[question];
      return ask !== undefined && ask.ability.can(ask.action, ask.about);
    },
  };
}

function abilityOf(agent: Agent, byRole: ReadonlyMap<string | undefined, readonly Rule[]>): MongoAbility {
  const rules = [undefined, ...agent.roles].flatMap((role) => byRole.get(role) ?? []);
  const permits = rules.filter((rule) => rule.effect === "permit");
  const forbids = rules.filter((rule) => rule.effect === "forbid");
  return createMongoAbility([...permits, ...forbids].map((rule) => caslRule(rule, agent)));
}

function caslRule(rule: Rule, agent: Agent): CaslRule {
  return {
    inverted: rule.effect === "forbid",
    action: [...actionsIn(rule.scope)],
    subject: typeOf(rule.tool),
    conditions: Object.fromEntries(rule.when.map((comparison) => conditionOf(comparison, agent))),
  };
}

const MONGO: Readonly<Record<Operator, string>> = { "==": "$eq", "!=": "$ne", "<=": "$lte", ">": "$gt" };

function conditionOf({ of, field, is, to }: Comparison, agent: Agent): readonly [string, Readonly<Record<string, Scalar>>] {
  const value = "principal" in to ? (agent.attributes[to.principal] ?? "") : to.value;
  return [of === "resource" ? field : `context.${field}`, { [MONGO[is]]: value }];
}
