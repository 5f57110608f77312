import type { CatalogTool } from "@bailiwick/policy";
import type { Session } from "../domain/session.ts";
import { Fault } from "../domain/fault.ts";
import type { ConnectionKey, Equipment, ToolConnection, ToolListing } from "../domain/tool.ts";
import type { CallPorts } from "./ports.ts";

/** A credential as it is put on the wire, and what the filter must remove from results. */
export interface Equipped {
  readonly equipment: Equipment;
  readonly credential?: { readonly name: string; readonly version: number } | undefined;
  /** Values that must not come back: the credential itself. */
  readonly secrets: readonly string[];
}

const NOTHING: Equipment = { headers: {}, environment: {} };

/** Connections are never shared across tenants, environments or workflows. */
export function connectionKey(session: Session, tool: string): ConnectionKey {
  return { tool, tenant: session.tenant, environment: session.environment, workflow: session.workflow };
}

/**
 * Opens the credential a tool asks for and shapes it for the wire.
 * @throws Fault `credential_unavailable` when the catalog names one that this tenant, environment and workflow does not have.
 */
export async function equip(ports: Pick<CallPorts, "credentials">, tool: CatalogTool, key: ConnectionKey): Promise<Equipped> {
  const wanted = tool.credential;
  if (wanted === undefined) return { equipment: NOTHING, secrets: [] };
  const opened = await ports.credentials.open(wanted.name, key);
  if (opened === undefined) {
    throw new Fault(
      "credential_unavailable",
      `no credential \`${wanted.name}\` is bound to ${key.tenant}/${key.environment}/${key.workflow}; add it with \`bailiwick secrets put ${wanted.name}\``,
    );
  }
  requireHost(tool, opened.hosts, wanted.name);
  const equipment = { ...shape(wanted.inject, opened.value), hosts: opened.hosts };
  return { equipment, credential: { name: opened.name, version: opened.version }, secrets: [opened.value] };
}

/** Connects when needed and asks what the upstream offers. @throws Fault. */
export async function listingOf(
  ports: Pick<CallPorts, "credentials" | "tools">,
  tool: CatalogTool,
  key: ConnectionKey,
): Promise<ToolListing> {
  const known = ports.tools.known(key);
  if (known !== undefined) return known;
  return (await connect(ports, tool, key)).listing();
}

/** The live connection of this key. @throws Fault. */
export async function connect(
  ports: Pick<CallPorts, "credentials" | "tools">,
  tool: CatalogTool,
  key: ConnectionKey,
): Promise<ToolConnection> {
  const { equipment } = await equip(ports, tool, key);
  return ports.tools.connect(key, equipment);
}

function shape(inject: NonNullable<CatalogTool["credential"]>["inject"], value: string): Equipment {
  if ("header" in inject)
    return { headers: { [inject.header]: (inject.format ?? "{value}").replace("{value}", () => value) }, environment: {} };
  if ("environment" in inject) return { headers: {}, environment: { [inject.environment]: value } };
  return { headers: {}, environment: {}, login: { user: inject.login, password: value } };
}

// A credential that goes over a network is bound to hosts, so that a changed catalog cannot send it elsewhere.
// The connection checks the host it really dials against `hosts` through the equipment it is given.
function requireHost(tool: CatalogTool, hosts: readonly string[], name: string): void {
  const overNetwork = !("mcp" in tool.connect && "command" in tool.connect.mcp);
  if (overNetwork && hosts.length === 0) {
    throw new Fault(
      "credential_unavailable",
      `credential \`${name}\` is bound to no host, and tool \`${tool.tool}\` is reached over the network; put it again with \`--host\``,
    );
  }
}
