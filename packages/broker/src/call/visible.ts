import { reach, type CatalogAction, type Json, type JsonObject, type Policy, roleScopes } from "@bailiwick/policy";
import { minutesOf } from "../domain/elevation.ts";
import { fingerprint } from "../domain/fingerprint.ts";
import type { Session } from "../domain/session.ts";
import type { ToolListing } from "../domain/tool.ts";
import { agentOf, callerOf } from "./agent-of.ts";
import { entryFor, visibleName } from "./names.ts";
import { isObject } from "./paths.ts";
import type { CallPorts } from "./ports.ts";
import type { VisibleListing } from "./surface.ts";
import { connectionKey, listingOf } from "./upstream.ts";

const NO_LISTING: VisibleListing = { tools: [], resources: [], resourceTemplates: [], prompts: [], capabilities: {} };

/**
 * What this session could ever be allowed to use, and nothing else: catalogued, unchanged since its review, reachable by some grant.
 * An upstream that cannot be reached is left out; its actions come back with it.
 */
export async function visibleTo(ports: CallPorts, session: Session): Promise<VisibleListing> {
  const policy = ports.policy();
  const reachable = policy.tools.filter((tool) => tool.actions.some((action) => mayEver(policy, session, action)));
  const listings = await Promise.all(
    reachable.map(async (tool) => {
      try {
        return onlyVisible(policy, session, tool.tool, await listingOf(ports, tool, connectionKey(session, tool.tool)));
      } catch (failure) {
        ports.onFault?.(failure);
        return NO_LISTING;
      }
    }),
  );
  return {
    tools: sorted(listings.flatMap((each) => each.tools)),
    resources: sorted(listings.flatMap((each) => each.resources)),
    resourceTemplates: sorted(listings.flatMap((each) => each.resourceTemplates)),
    prompts: sorted(listings.flatMap((each) => each.prompts)),
    capabilities: mergedCapabilities(listings.map((each) => each.capabilities)),
    ...eligibleOf(policy, session),
  };
}

/** Roles of the session's own agent only: what a delegator may ask for is for the delegator to ask. */
function eligibleOf(policy: Policy, session: Session): Pick<VisibleListing, "eligible"> {
  const eligible = agentOf(policy, session.agent)?.eligible ?? [];
  if (eligible.length === 0) return {};
  return {
    eligible: eligible.map(({ role, reason, mostMs }) => ({
      role,
      reason,
      scopes: roleScopes(policy, role),
      mostMinutes: minutesOf(mostMs),
    })),
  };
}

/** False when no grant, ceiling or session scope could ever let this session use the action. */
export function mayEver(policy: Policy, session: Session, action: CatalogAction): boolean {
  return reach(policy, callerOf(session), action.operation) !== "never";
}

function onlyVisible(policy: Policy, session: Session, tool: string, listing: ToolListing): VisibleListing {
  const find = (kind: "tool" | "prompt", name: Json | undefined): CatalogAction | undefined =>
    policy.tools.find((each) => each.tool === tool)?.actions.find((each) => each.operation.kind === kind && each.operation.name === name);
  const shown = (action: CatalogAction | undefined): action is CatalogAction => action !== undefined && mayEver(policy, session, action);
  const readable = (uri: Json | undefined): boolean => {
    const entry = typeof uri === "string" ? entryFor(policy, "resource", uri) : undefined;
    return entry?.tool.tool === tool && shown(entry.action);
  };
  return {
    tools: listing.tools.flatMap((each) => {
      const action = find("tool", each["name"]);
      return shown(action) && unchanged(policy, action, each) ? [asShown(policy, action, each)] : [];
    }),
    resources: listing.resources.filter((each) => readable(each["uri"])),
    resourceTemplates: listing.resourceTemplates.filter((each) => readable(literalStart(each["uriTemplate"]))),
    prompts: listing.prompts.flatMap((each) => {
      const action = find("prompt", each["name"]);
      return shown(action) ? [{ ...each, name: visibleName(policy, action) }] : [];
    }),
    capabilities: listing.capabilities,
  };
}

function unchanged(policy: Policy, action: CatalogAction, offered: JsonObject): boolean {
  const tool = policy.tools.find((each) => each.tool === action.operation.tool);
  return tool !== undefined && (!("mcp" in tool.connect) || action.reviewed === fingerprint(offered));
}

// Forced arguments are the broker's business: the agent is not asked for them.
function asShown(policy: Policy, action: CatalogAction, offered: JsonObject): JsonObject {
  const renamed = { ...offered, name: visibleName(policy, action) };
  const schema = offered["inputSchema"];
  const forced = Object.keys(action.force);
  if (!isObject(schema) || forced.length === 0) return renamed;
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  return {
    ...renamed,
    inputSchema: {
      ...schema,
      properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !forced.includes(name))),
      required: required.filter((name: Json) => typeof name === "string" && !forced.includes(name)),
    },
  };
}

function literalStart(template: Json | undefined): string | undefined {
  return typeof template === "string" ? template.replace(/\{.*$/su, "") : undefined;
}

function mergedCapabilities(all: readonly JsonObject[]): JsonObject {
  const merged: Record<string, Json> = {};
  for (const capabilities of all) {
    for (const [name, value] of Object.entries(capabilities)) {
      const seen = merged[name];
      merged[name] = isObject(seen) && isObject(value) ? { ...seen, ...value } : value;
    }
  }
  return merged;
}

function sorted(entries: readonly JsonObject[]): readonly JsonObject[] {
  const nameOf = (entry: JsonObject): string => String(entry["name"] ?? "") + String(entry["uri"] ?? entry["uriTemplate"] ?? "");
  return entries.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}
