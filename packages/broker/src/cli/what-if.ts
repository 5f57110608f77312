import {
  actionId,
  ceilingScopes,
  findAction,
  findCalled,
  forcedArguments,
  type AgentConfig,
  type CatalogAction,
  type DecisionRequest,
  type JsonObject,
  loadsRecord,
  nearest,
  type Policy,
} from "@bailiwick/policy";
import { z } from "zod";
import { CliFailure } from "./failure.ts";
import { printable } from "./text.ts";

/** The facts of a thought-up call, as they are written on a command line. */
export interface WhatIf {
  readonly agent: string;
  readonly action: string;
  readonly args?: string | undefined;
  readonly resource?: string | undefined;
  readonly user?: string | undefined;
  readonly task?: string | undefined;
  readonly sessionData?: string | undefined;
  readonly at?: string | undefined;
}

export interface Supposed {
  readonly agent: AgentConfig;
  readonly action: CatalogAction;
  readonly request: DecisionRequest;
}

/** User, task, session and record of a call that names none. */
const UNNAMED = "what-if";

/**
 * The request that the broker would have decided: forced arguments set, a session as wide as the agent's ceiling. A record that would
 * be loaded first and is not given counts as any record.
 * @throws CliFailure `usage` when the agent or the action is not exactly one, or a fact cannot be read.
 */
export function suppose(policy: Policy, given: WhatIf, now: Date): Supposed {
  const agent = agentNamed(policy, given.agent);
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
    data: objectFrom("--session-data", given.sessionData) ?? {},
    scope: ceilingScopes(policy, name),
  };
  const own = objectFrom("--args", given.args) ?? {};
  const forced = forcedArguments(action, caller);
  const passed = Object.keys(forced).find((key) => Object.hasOwn(own, key));
  if (passed !== undefined) {
    throw new CliFailure("usage", `argument \`${passed}\` is set by the broker; no agent may pass it`, ["leave it out of --args"]);
  }
  const request = {
    caller,
    operation,
    args: { ...own, ...forced },
    resource: recordFrom(action, given.resource),
    now: timeFrom(given.at, now),
  };
  return { agent, action, request };
}

/** The whole name, the end of one, or any part that only one agent has. */
function agentNamed(policy: Policy, text: string): AgentConfig {
  const { agents } = policy;
  const ways = [
    agents.filter(({ name }) => name === text),
    agents.filter(({ name }) => name.endsWith(`/${text}`)),
    agents.filter(({ name }) => name.includes(text)),
  ];
  const found = ways.find((matches) => matches.length > 0) ?? [];
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw found.length === 0
    ? new CliFailure("usage", `no agent's name contains \`${printable(text)}\``, [oneOf(agents.map(({ name }) => name))])
    : new CliFailure("usage", `\`${printable(text)}\` is part of the names of ${found.length} agents`, [
        oneOf(found.map(({ name }) => name)),
      ]);
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
  if (found.length > 0) {
    const names = found.map(({ operation }) => actionId(operation));
    throw new CliFailure("usage", `\`${printable(text)}\` is an action of several tools`, [oneOf(names)]);
  }
  const near = nearest(text, new Set(actions.flatMap(({ operation }) => [actionId(operation), operation.name])));
  throw new CliFailure("usage", `no action \`${printable(text)}\` is in the catalog`, [
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

const object = z.record(z.string(), z.json());

function objectFrom(option: string, text: string | undefined): JsonObject | undefined {
  if (text === undefined) return undefined;
  const read = object.safeParse(parsed(text));
  if (read.success) return read.data;
  throw new CliFailure("usage", `\`${option}\` is not a JSON object: \`${printable(text)}\``, [`write it as in ${option} '{"id": "T-1"}'`]);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function recordFrom(action: CatalogAction, text: string | undefined): DecisionRequest["resource"] {
  const attributes = objectFrom("--resource", text);
  if (attributes === undefined) return loadsRecord(action) ? "unknown" : undefined;
  const type = action.resource?.type ?? action.returns?.type;
  if (type === undefined)
    throw new CliFailure("usage", `\`${actionId(action.operation)}\` acts on no declared record`, ["leave out --resource"]);
  const id = attributes["id"];
  return { type, id: typeof id === "string" ? id : UNNAMED, attributes };
}

function timeFrom(text: string | undefined, now: Date): Date {
  if (text === undefined) return now;
  if (z.iso.datetime({ offset: true }).safeParse(text).success) return new Date(text);
  throw new CliFailure("usage", `\`--at\` is no RFC 3339 time: \`${printable(text)}\``, [
    "write it with its zone, as in --at 2026-11-23T10:00:00Z",
  ]);
}
