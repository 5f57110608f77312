import { suggestion } from "../files/did-you-mean.ts";
import type { TestFile } from "../files/schemas.ts";
import type { AgentConfig, CatalogAction } from "../types.ts";
import { actionId } from "../engine/cedar-schema.ts";
import { reportError } from "./findings.ts";
import type { Shaped } from "./folder.ts";
import type { World } from "./world.ts";

/** Checks that tests speak of agents and actions that exist, so that none passes by asking about nothing. */
export function checkTests(world: World, agents: readonly AgentConfig[], files: readonly Shaped<TestFile>[]): void {
  const names = agents.map((agent) => agent.name);
  for (const { source, value } of files) {
    for (const [index, test] of value.tests.entries()) {
      if (!names.includes(test.agent)) {
        reportError(world.report, {
          code: "unknown-agent",
          at: source.at(["tests", index, "agent"]),
          what: `no agent \`${test.agent}\` exists`,
          why: "the test would ask about nobody",
          write: suggestion(test.agent, names, "an agent of `agents/`"),
        });
      }
      const eligible = agents.find(({ name }) => name === test.agent)?.eligible.map(({ role }) => role) ?? [];
      for (const [place, role] of (test.elevated ?? []).entries()) {
        if (eligible.includes(role)) continue;
        reportError(world.report, {
          code: "unknown-role",
          at: source.at(["tests", index, "elevated", place]),
          what: `\`${test.agent}\` may not ask for the role \`${role}\``,
          why: "an elevation to it would count for nothing",
          write: suggestion(role, eligible, "a role of the agent's `eligible`"),
        });
      }
      const called = findCalled(world.actions, test.call);
      if (called.length === 1) continue;
      reportError(world.report, {
        code: "unknown-action",
        at: source.at(["tests", index, "call"]),
        what: called.length === 0 ? `no action \`${test.call}\` exists` : `\`${test.call}\` is an action of several tools`,
        why: "the test would not ask what it means",
        write:
          called.length === 0
            ? suggestion(
                test.call,
                world.actions.map((action) => actionId(action.operation)),
                "an action of the catalog",
              )
            : `\`${actionId(called[0]?.operation ?? { tool: "", kind: "tool", name: "" })}\``,
      });
    }
  }
}

/** Actions that a test's or a person's `call` text names: `tool.action`, or the bare name. */
export function findCalled(actions: readonly CatalogAction[], call: string): readonly CatalogAction[] {
  const exact = actions.filter((action) => actionId(action.operation) === call);
  return exact.length > 0 ? exact : actions.filter((action) => action.operation.name === call);
}
