import { digest } from "@bailiwick/ledger";
import { forcedArguments, type CatalogAction, type CatalogTool, type JsonObject, type Operation, type Policy } from "@bailiwick/policy";
import { fingerprint } from "../domain/fingerprint.ts";
import type { Session } from "../domain/session.ts";
import type { ConnectionKey } from "../domain/tool.ts";
import { callerOf } from "./agent-of.ts";
import { entryFor, type Entry } from "./names.ts";
import type { CallPorts } from "./ports.ts";
import { Refusal } from "./refusal.ts";
import { holdsSecret } from "./scrub.ts";
import { namingLine } from "./naming.ts";
import { withValues } from "./tokens.ts";
import type { Trail } from "./trail.ts";
import type { IdentifiedCall, IncomingCall } from "./types.ts";
import { connectionKey, equip, listingOf, speaksForUser } from "./upstream.ts";

/**
 * Says which reviewed action is meant, with exactly which arguments: forced ones set, all under one digest.
 * An action that is not catalogued, or no longer what a person reviewed, is quarantined.
 * @throws Refusal `tool_unknown`, `tool_unreviewed`, `argument_invalid`, `malformed_request`.
 */
export async function identify(
  ports: CallPorts,
  session: Session,
  trail: Pick<Trail, "callId" | "incoming" | "arrivedAt" | "proof">,
): Promise<IdentifiedCall> {
  const { callId, incoming, arrivedAt } = trail;
  const policy = ports.policy();
  const entry = entryFor(policy, incoming.kind, incoming.name);
  if (entry === undefined) throw await unknownAction(ports, policy, session, incoming);
  const key = connectionKey(session, entry.tool.tool);
  const reviewed = await reviewedFingerprint(ports, entry, key);
  const operation = operationOf(entry.action, incoming);
  const given = agentArguments(entry.action, incoming);
  // What an undo writes was in a record, where a text that looks like a token is no more than that, whoever put it there.
  const { args: meant, standIns } =
    session.undo === undefined ? await withValues(ports, session, entry.action, given) : { args: given, standIns: [] };
  const args = { ...meant, ...forcedArguments(entry.action, callerOf(session)) };
  await requireNoCredential(ports, entry.tool, key, args);
  return {
    callId,
    operation,
    tool: entry.tool,
    action: entry.action,
    fingerprint: reviewed,
    args,
    argsDigest: argumentsDigest(operation, args),
    connection: key,
    ...(standIns.length === 0 ? {} : { standIns }),
    incoming: standIns.length === 0 ? incoming : { ...incoming, io: namingLine(incoming.io, standIns) },
    arrivedAt,
    ...(trail.proof === undefined ? {} : { proof: trail.proof }),
  };
}

/** The digest that approvals and permits are bound to: SHA-256 over the canonical form of operation and arguments. */
export function argumentsDigest(operation: Operation, args: JsonObject): string {
  try {
    return digest({ tool: operation.tool, kind: operation.kind, name: operation.name, args });
  } catch {
    throw new Refusal(
      "argument_invalid",
      "the arguments have no canonical form: text that is not well-formed Unicode, or nesting beyond 128 levels; send plain JSON",
    );
  }
}

/**
 * The fingerprint a person reviewed, checked against what the upstream offers now.
 * @throws Refusal `tool_unreviewed`.
 */
export async function reviewedFingerprint(
  ports: Pick<CallPorts, "credentials" | "tools">,
  entry: Entry,
  key: ConnectionKey,
): Promise<string> {
  const { tool, action } = entry;
  if (!("mcp" in tool.connect) || action.operation.kind !== "tool") {
    return definitionDigest(tool, action);
  }
  const listing = await listingOf(ports, tool, key);
  const offered = listing.tools.find((each) => each["name"] === action.operation.name);
  if (offered === undefined) throw quarantined(tool.tool, action.operation.name, "the tool no longer offers it");
  const now = fingerprint(offered);
  if (action.reviewed === undefined) throw quarantined(tool.tool, action.operation.name, "no person has reviewed it");
  if (action.reviewed !== now)
    throw quarantined(tool.tool, action.operation.name, "its description or schema changed since a person reviewed it");
  return now;
}

/** What a person reviewed of an action that the catalog itself defines. */
function definitionDigest({ tables }: CatalogTool, action: CatalogAction): string {
  const { scope, effect, statement, table, sql, request, operation } = action;
  const named = tables.filter(({ name }) => table?.name === name || sql?.tables.includes(name) === true);
  return digest({
    scope,
    effect,
    statement: statement?.sql ?? null,
    name: operation.name,
    ...(table === undefined ? {} : { table }),
    ...(sql === undefined ? {} : { sql: { ...sql } }),
    ...(request === undefined ? {} : { request: { ...request, body: request.body ?? null } }),
    ...(named.length === 0 ? {} : { tables: named.map(({ name, schema, type, key, columns }) => ({ name, schema, type, key, columns })) }),
  });
}

function operationOf(action: CatalogAction, incoming: IncomingCall): Operation {
  return incoming.kind === "resource" ? { ...action.operation, name: incoming.name } : action.operation;
}

function agentArguments(action: CatalogAction, incoming: IncomingCall): JsonObject {
  const given = incoming.args ?? {};
  if (!isJsonObject(given)) {
    throw new Refusal("malformed_request", "the arguments are not a JSON object; send an object with one member per argument");
  }
  const forced = Object.keys(action.force).find((name) => Object.hasOwn(given, name));
  if (forced !== undefined) {
    throw new Refusal("argument_invalid", `argument \`${forced}\` is set by the broker; leave it out`, {
      next: [{ kind: "narrow", field: forced, allowed: [] }],
    });
  }
  return given;
}

// The body was parsed by JSON.parse at the edge, so whatever is an object here is JSON.
function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// An agent that can write the credential down has got hold of it: nothing of the call is kept, because the records would hold it too.
async function requireNoCredential(ports: CallPorts, tool: CatalogTool, key: ConnectionKey, args: JsonObject): Promise<void> {
  // A partner's token is fetched only once the policy has spoken, and is gone within minutes.
  const own = tool.credential === undefined || speaksForUser(tool) ? undefined : tool.credential.name;
  const secrets =
    own === undefined
      ? await ports.credentials.held(key.tenant)
      : await equip(ports, tool, key).then(
          (equipped) => equipped.secrets,
          // A credential that cannot be opened stops the call where it is needed, after the policy has spoken.
          () => [],
        );
  if (holdsSecret(args, secrets)) {
    throw new Refusal("argument_invalid", "the arguments hold a credential of this broker, which no agent may know; leave it out", {
      next: [{ kind: "ask_owner", owner: "operator", text: "find out which credential the agent got hold of and how, and rotate it" }],
    });
  }
}

async function unknownAction(ports: CallPorts, policy: Policy, session: Session, incoming: IncomingCall): Promise<Refusal> {
  for (const tool of policy.tools) {
    const known = ports.tools.known(connectionKey(session, tool.tool));
    if (incoming.kind === "tool" && known?.tools.some((each) => each["name"] === incoming.name) === true) {
      return quarantined(tool.tool, incoming.name, "it is not in the catalog");
    }
  }
  return new Refusal("tool_unknown", `no action \`${incoming.name}\` is known here; ask for the list of tools`);
}

function quarantined(tool: string, name: string, why: string): Refusal {
  return new Refusal("tool_unreviewed", `\`${tool}.${name}\` is quarantined: ${why}`, {
    next: [{ kind: "ask_owner", owner: "policy author", text: `review it with \`bailiwick tools add ${tool}\`` }],
  });
}
