import {
  actionId,
  type ActiveElevation,
  type AgentConfig,
  type CatalogAction,
  ceilingScopes,
  type DecisionRequest,
  findAction,
  findCalled,
  forcedArguments,
  type JsonObject,
  loadsRecord,
  nearest,
  type Policy,
} from "@bailiwick/policy";

/** The facts of a thought-up call. */
export interface WhatIf {
  /** The whole name of an agent, the end of one, or any part that only one agent has. */
  readonly agent: string;
  readonly action: string;
  /** The arguments, without those the broker sets. */
  readonly args?: JsonObject | undefined;
  /** The attributes of the record the call acts on. */
  readonly record?: JsonObject | undefined;
  readonly user?: string | undefined;
  readonly task?: string | undefined;
  /** What the session says about itself. */
  readonly data?: JsonObject | undefined;
  readonly at?: Date | undefined;
  /** Rights for a time that the agent is supposed to have. */
  readonly elevations?: readonly ActiveElevation[] | undefined;
}

export interface Supposed {
  readonly agent: AgentConfig;
  readonly action: CatalogAction;
  readonly request: DecisionRequest;
}

/** A call that cannot be thought up from what is given. `next` says what to give instead. */
export class NotSupposable extends Error {
  override readonly name = "NotSupposable";
  readonly next: readonly string[];
  constructor(message: string, next: readonly string[]) {
    super(message);
    this.next = next;
  }
}

/** User, task, session and record of a call that names none. */
const UNNAMED = "what-if";

/**
 * The request that the broker would have decided: forced arguments set, a session as wide as the agent's ceiling. A record that would
 * be loaded first and is not given counts as any record. `agents` are those the asker may know of.
 * @throws NotSupposable when the agent or the action is not exactly one, or a fact does not fit the action.
 */
export function suppose(policy: Policy, agents: readonly AgentConfig[], given: WhatIf, now: Date): Supposed {
  const agent = agentNamed(agents, given.agent);
  const { action, operation } = actionNamed(policy, given.action);
  const { name, tenant, environment, workflow } = agent;
  const caller = {
    agent: name,
    tenant,
    environment,
    workflow,
    user: given.user ?? UNNAMED,
    session: UNNAMED,
    task: given.task ?? UNNAMED,
    data: given.data ?? {},
    scope: ceilingScopes(policy, name),
    ...(given.elevations === undefined ? {} : { elevations: given.elevations }),
  };
  const own = given.args ?? {};
  const forced = forcedArguments(action, caller);
  const passed = Object.keys(forced).find((key) => Object.hasOwn(own, key));
  if (passed !== undefined)
    throw new NotSupposable(`argument \`${passed}\` is set by the broker; no agent may pass it`, ["leave it out of the arguments"]);
  const request = { caller, operation, args: { ...own, ...forced }, resource: recordOf(action, given.record), now: given.at ?? now };
  return { agent, action, request };
}

function agentNamed(agents: readonly AgentConfig[], text: string): AgentConfig {
  const ways = [
    agents.filter(({ name }) => name === text),
    agents.filter(({ name }) => name.endsWith(`/${text}`)),
    agents.filter(({ name }) => name.includes(text)),
  ];
  const found = ways.find((matches) => matches.length > 0) ?? [];
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw found.length === 0
    ? new NotSupposable(`no agent's name contains \`${text}\``, [oneOf(agents.map(({ name }) => name))])
    : new NotSupposable(`\`${text}\` is part of the names of ${found.length} agents`, [oneOf(found.map(({ name }) => name))]);
}

function actionNamed(policy: Policy, text: string): { readonly action: CatalogAction; readonly operation: DecisionRequest["operation"] } {
  const actions = policy.tools.flatMap((tool) => tool.actions);
  const named = findCalled(actions, text).map((action) => ({ action, operation: action.operation }));
  // A URI below a catalogued prefix is an operation of its own.
  const below = policy.tools.flatMap(({ tool }) => {
    const operation = { tool, kind: "resource", name: text } as const;
    const action = findAction(policy, operation);
    return action === undefined ? [] : [{ action, operation }];
  });
  const found = named.length > 0 ? named : below;
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (found.length > 0)
    throw new NotSupposable(`\`${text}\` is an action of several tools`, [oneOf(found.map(({ operation }) => actionId(operation)))]);
  const near = nearest(text, new Set(actions.flatMap(({ operation }) => [actionId(operation), operation.name])));
  throw new NotSupposable(`no action \`${text}\` is in the catalog`, [
    near === undefined ? oneOf(actions.map(({ operation }) => actionId(operation))) : `did you mean \`${near}\`?`,
  ]);
}

/** Names beyond this many only make a message longer. */
const MAX_LISTED = 12;

function oneOf(names: readonly string[]): string {
  const rest = names.length - MAX_LISTED;
  return names.length === 0
    ? "there is none in this folder"
    : `name one of ${names.slice(0, MAX_LISTED).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

function recordOf(action: CatalogAction, attributes: JsonObject | undefined): DecisionRequest["resource"] {
  if (attributes === undefined) return loadsRecord(action) ? "unknown" : undefined;
  const type = action.resource?.type ?? action.returns?.type;
  if (type === undefined) throw new NotSupposable(`\`${actionId(action.operation)}\` acts on no declared record`, ["leave out the record"]);
  const id = attributes["id"];
  return { type, id: typeof id === "string" ? id : UNNAMED, attributes };
}
