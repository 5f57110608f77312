import type { CatalogAction, CatalogTool, JsonObject, Operation, Policy } from "@bailiwick/policy";
import { fingerprint } from "../domain/fingerprint.ts";
import type { ConnectionKey, ToolListing } from "../domain/tool.ts";
import { connect } from "../call/upstream.ts";
import type { CallPorts } from "../call/ports.ts";

/** One operation of a tool as the catalog stands to it. */
export interface ToolState {
  readonly tool: string;
  readonly operation: Operation;
  readonly state: "reviewed" | "quarantined" | "absent";
  readonly scope?: string | undefined;
  readonly effect?: string | undefined;
  readonly why?: string | undefined;
  readonly fingerprint?: string | undefined;
  readonly reviewed?: string | undefined;
}

/** One operation an upstream offers, with the fingerprint a reviewer would sign for. The entry is the upstream's own text: untrusted. */
export interface OfferedOperation {
  readonly operation: Operation;
  readonly entry: JsonObject;
  readonly fingerprint: string;
  readonly reviewed: boolean;
}

/** How every operation stands, as far as this broker has seen the upstreams of the tenant; never connects. */
export function toolStates(ports: Pick<CallPorts, "tools">, policy: Policy, tenant: string): readonly ToolState[] {
  return policy.tools.flatMap((tool) => {
    const listing = listingOf(ports, policy, tool, tenant);
    return [...tool.actions.map((action) => stateOf(tool, action, listing)), ...uncatalogued(tool, listing)];
  });
}

/** What a tool offers under this name, as this broker last saw it for the tenant; never connects. */
export function offeredEntry(
  ports: Pick<CallPorts, "tools">,
  policy: Policy,
  { tool: name, operation }: Pick<ToolState, "tool" | "operation">,
  tenant: string,
): JsonObject | undefined {
  const tool = policy.tools.find((each) => each.tool === name);
  const listing = tool === undefined ? undefined : listingOf(ports, policy, tool, tenant);
  return listing?.tools.find((entry) => entry["name"] === operation.name);
}

/** Entries that tools offer now, as far as this broker has seen them, and that a person reviewed as they are. */
export function reviewedNow(ports: Pick<CallPorts, "tools">, policy: Policy): readonly JsonObject[] {
  return policy.tools.flatMap((tool) => {
    const reviewed = new Set(tool.actions.map((action) => action.reviewed));
    const listings = policy.tenants.map((tenant) => listingOf(ports, policy, tool, tenant));
    const entries = listings.flatMap((listing) => listing?.tools ?? []);
    return entries.filter((entry) => reviewed.has(fingerprint(entry)));
  });
}

/** Connects to one tool and says what it offers now. @throws Fault `tool_unavailable`, `tool_timeout`, `credential_unavailable`. */
export async function inspectTool(
  ports: Pick<CallPorts, "tools" | "credentials">,
  policy: Policy,
  name: string,
  tenant: string,
): Promise<readonly OfferedOperation[]> {
  const tool = policy.tools.find((each) => each.tool === name);
  const key = tool === undefined ? undefined : keysOf(policy, tool, tenant)[0];
  if (tool === undefined || key === undefined) return [];
  const listing = await (await connect(ports, tool, key)).listing();
  return listing.tools.map((entry) => {
    const operation = { tool: name, kind: "tool", name: String(entry["name"]) } as const;
    const now = fingerprint(entry);
    return {
      operation,
      entry,
      fingerprint: now,
      reviewed: tool.actions.some((each) => each.operation.name === operation.name && each.reviewed === now),
    };
  });
}

function listingOf(ports: Pick<CallPorts, "tools">, policy: Policy, tool: CatalogTool, tenant: string): ToolListing | undefined {
  return keysOf(policy, tool, tenant)
    .map((key) => ports.tools.known(key))
    .find((each) => each !== undefined);
}

// Any agent of the tenant will do: the upstream's offer does not depend on who asks. The first tool of a folder is
// reviewed before there can be an agent, because an agent's ceiling names actions that are in the catalog.
function keysOf(policy: Policy, tool: CatalogTool, tenant: string): readonly ConnectionKey[] {
  const agents = policy.agents.filter((agent) => agent.tenant === tenant);
  const places = agents.length > 0 ? agents : policy.environments.map((environment) => ({ environment, workflow: REVIEW_WORKFLOW }));
  return places.map(({ environment, workflow }) => ({ tool: tool.tool, tenant, environment, workflow }));
}

/** Stands where an agent's workflow would, while a tool is looked at before any agent may use it. */
const REVIEW_WORKFLOW = "review";

function stateOf(tool: CatalogTool, action: CatalogAction, listing: ToolListing | undefined): ToolState {
  const known = { tool: tool.tool, operation: action.operation, scope: action.scope, effect: action.effect, reviewed: action.reviewed };
  if (!("mcp" in tool.connect) || action.operation.kind !== "tool") return { ...known, state: "reviewed" };
  const review = `review it with \`bailiwick tools add ${tool.tool}\``;
  if (action.reviewed === undefined) return { ...known, state: "quarantined", why: `no person has reviewed it; ${review}` };
  if (listing === undefined) return { ...known, state: "reviewed", why: "not connected yet; its fingerprint is checked at the first call" };
  const offered = listing.tools.find((each) => each["name"] === action.operation.name);
  if (offered === undefined) return { ...known, state: "absent", why: "the tool no longer offers it; remove the entry or fix the tool" };
  const now = fingerprint(offered);
  if (now === action.reviewed) return { ...known, state: "reviewed", fingerprint: now };
  return { ...known, state: "quarantined", fingerprint: now, why: `its description or schema changed since its review; ${review}` };
}

function uncatalogued(tool: CatalogTool, listing: ToolListing | undefined): readonly ToolState[] {
  const known = new Set(tool.actions.map((action) => action.operation.name));
  return (listing?.tools ?? [])
    .filter((entry) => !known.has(String(entry["name"])))
    .map((entry) => ({
      tool: tool.tool,
      operation: { tool: tool.tool, kind: "tool", name: String(entry["name"]) },
      state: "quarantined",
      fingerprint: fingerprint(entry),
      why: `it is not in the catalog; review it with \`bailiwick tools add ${tool.tool}\``,
    }));
}
