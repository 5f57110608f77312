import type { MainFile } from "../files/schemas.ts";
import type { Report } from "../files/source.ts";
import { namesOf } from "../engine/cedar-schema.ts";
import type { Condition } from "../rules/rule.ts";
import type { CatalogAction, CatalogTool, FieldType, PersonConfig, Span } from "../types.ts";
import { reportError } from "./findings.ts";
import type { LoadMemory } from "./memory.ts";

/** How a condition is asked: over the call, or over each record it touches or returns. */
export type Asked = "call" | "rows";

/** A condition and the actions it must make sense for. */
export interface ConditionUse {
  readonly condition: Condition;
  readonly asked: Asked;
  readonly actions: readonly CatalogAction[];
}

/** All that rule files are checked against. */
export interface World {
  readonly tenants: readonly string[];
  readonly environments: readonly string[];
  readonly people: readonly PersonConfig[];
  readonly peopleRoles: readonly string[];
  readonly tools: readonly CatalogTool[];
  readonly actions: readonly CatalogAction[];
  /** Actions by every name a rule can cover them by, except `*`. */
  readonly actionNames: ReadonlyMap<string, readonly CatalogAction[]>;
  readonly scopes: readonly string[];
  readonly types: ReadonlyMap<string, Readonly<Record<string, FieldType>>>;
  readonly sessionData: Readonly<Record<string, FieldType>>;
  readonly roleNames: readonly string[];
  readonly uses: ConditionUse[];
  readonly report: Report;
  readonly memory: LoadMemory;
}

export function makeWorld(
  main: MainFile,
  tools: readonly CatalogTool[],
  roleNames: readonly string[],
  { report, memory }: Pick<World, "report" | "memory">,
): World {
  const people = Object.entries(main.people).map(([id, person]): PersonConfig => ({ id, ...person }));
  const actions = tools.flatMap((tool) => tool.actions);
  return {
    tenants: main.tenants,
    environments: Object.keys(main.environments),
    people,
    peopleRoles: [...new Set(people.flatMap((person) => person.roles))].toSorted(),
    tools,
    actions,
    actionNames: actionsByName(actions),
    scopes: [...new Set(actions.map((action) => action.scope))].toSorted(),
    types: new Map(tools.flatMap((tool) => Object.entries(tool.types))),
    sessionData: main.session.data,
    roleNames,
    uses: [],
    report,
    memory,
  };
}

function actionsByName(actions: readonly CatalogAction[]): ReadonlyMap<string, readonly CatalogAction[]> {
  const named = actions.flatMap((action) => namesOf(action).map((name) => ({ name, action })));
  const groups = Map.groupBy(named, ({ name }) => name);
  groups.delete("*");
  return new Map(Array.from(groups, ([name, entries]) => [name, entries.map(({ action }) => action)]));
}

/** Parses a condition and notes it for validation against the schema. Undefined, after reporting, when it cannot be parsed. */
export function readCondition(
  world: World,
  entry: {
    readonly id: string;
    readonly text: string;
    readonly at: Span;
    readonly asked: Asked;
    readonly actions: readonly CatalogAction[];
  },
): Condition | undefined {
  const parsed = world.memory.expression(entry.text);
  if (!parsed.ok) {
    reportError(world.report, {
      code: "condition-syntax",
      at: { file: entry.at.file, line: entry.at.line + lineBreaks(entry.text, parsed.offset) },
      what: `the condition is not a Cedar expression: ${parsed.message}`,
      why: "a condition that cannot be read can neither grant nor deny",
      write: 'an expression such as `resource.region == principal.region && context.args.to.domain == "acme.example"`',
    });
    return undefined;
  }
  const { expr, usesResource } = parsed;
  const condition: Condition = { id: entry.id, form: "expression", text: entry.text, at: entry.at, expr, usesResource };
  world.uses.push({ condition, asked: entry.asked, actions: entry.actions });
  return condition;
}

function lineBreaks(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length - 1;
}
