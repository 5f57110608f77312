import type { CatalogTool } from "@bailiwick/policy";
import type { Session } from "../domain/session.ts";
import type { OpenCredential } from "../domain/credential.ts";
import { Fault } from "../domain/fault.ts";
import type { ConnectionKey, Equipment, ToolConnection, ToolListing } from "../domain/tool.ts";
import type { CallPorts } from "./ports.ts";

/** A credential as it is put on the wire, and what the filter must remove from results. */
export interface Equipped {
  readonly equipment: Equipment;
  readonly credential?: { readonly name: string; readonly version: number } | undefined;
  /** Values that must not come back: the credential itself, and its other versions that still exist. */
  readonly secrets: readonly string[];
}

const NOTHING: Equipment = { headers: {}, environment: {} };

/** Connections are never shared across tenants, environments or workflows. */
export function connectionKey(session: Session, tool: string): ConnectionKey {
  return { tool, tenant: session.tenant, environment: session.environment, workflow: session.workflow };
}

/**
 * Opens the credential a tool asks for, `version` of it when one is named, and shapes it for the wire.
 * @throws Fault `credential_unavailable` when the catalog names one that this tenant, environment and workflow does not have.
 */
export async function equip(
  ports: Pick<CallPorts, "credentials">,
  tool: CatalogTool,
  key: ConnectionKey,
  { version, session }: { readonly version?: number | undefined; readonly session?: Session | undefined } = {},
): Promise<Equipped> {
  const wanted = tool.credential;
  const held = await ports.credentials.held(key.tenant);
  if (wanted === undefined) return { equipment: NOTHING, secrets: held };
  const opened = await ports.credentials.open(wanted.name, session === undefined ? key : { ...key, session }, version);
  if (opened === undefined) {
    throw new Fault(
      "credential_unavailable",
      version === undefined
        ? `no credential \`${wanted.name}\` is bound to ${key.tenant}/${key.environment}/${key.workflow}; add it with \`bailiwick secrets set ${wanted.name}\``
        : `version ${version} of the credential \`${wanted.name}\` ended while the call was under way; repeat the call to use the new one`,
    );
  }
  const equipped = equippedWith(tool, wanted, opened);
  return { ...equipped, secrets: together(held, equipped.secrets) };
}

/** The same with a credential that is already open. @throws Fault `credential_unavailable` when it is bound to no host. */
export function equippedWith(tool: CatalogTool, wanted: NonNullable<CatalogTool["credential"]>, opened: OpenCredential): Equipped {
  requireHost(tool, opened.hosts, wanted.name);
  const equipment = { ...shape(wanted.inject, opened), hosts: opened.hosts };
  return {
    equipment,
    credential: { name: opened.name, version: opened.version },
    secrets: secretsOf(opened),
  };
}

/** The same list for the same opened credential, so that what is made of it can be kept. */
const listed = new WeakMap<OpenCredential, readonly string[]>();

function secretsOf(opened: OpenCredential): readonly string[] {
  const known = listed.get(opened) ?? [opened.value, ...opened.alsoSecret];
  listed.set(opened, known);
  return known;
}

/** Both lists as one; the same list for the same two. */
const joined = new WeakMap<readonly string[], WeakMap<readonly string[], readonly string[]>>();

function together(held: readonly string[], own: readonly string[]): readonly string[] {
  if (own.every((value) => held.includes(value))) return held;
  const byOwn = joined.get(held) ?? new WeakMap<readonly string[], readonly string[]>();
  joined.set(held, byOwn);
  const known = byOwn.get(own) ?? [...new Set([...held, ...own])];
  byOwn.set(own, known);
  return known;
}

/** Connects when needed and asks what the upstream offers. @throws Fault. */
export async function listingOf(
  ports: Pick<CallPorts, "credentials" | "tools">,
  tool: CatalogTool,
  key: ConnectionKey,
): Promise<ToolListing> {
  const known = ports.tools.known(key);
  if (known !== undefined) return known;
  try {
    return await (await connect(ports, tool, key)).listing();
  } catch (failure) {
    throw noteRefused(ports, tool, key, failure);
  }
}

/** A token that was taken back, or does not reach far enough, is got anew by the next call; this one has failed. Returns the failure to go on with. */
export function noteRefused(
  { credentials }: Pick<CallPorts, "credentials">,
  { credential }: CatalogTool,
  at: Parameters<CallPorts["credentials"]["open"]>[1],
  failure: unknown,
): unknown {
  if (credential === undefined || !(failure instanceof Fault)) return failure;
  const { challenge } = failure;
  if (!failure.credentialRefused && challenge?.error !== "insufficient_scope") return failure;
  const advice = credentials.refused?.(credential.name, at, challenge);
  return advice === undefined ? failure : new Fault("credential_unavailable", advice, { cause: failure });
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

/**
 * The connection a call goes out on. It outlives the session, so where the credential speaks for a user the connection itself (its
 * handshake, its listing) carries the broker's own, and only the call carries the user's.
 */
export function lineFor(
  ports: Pick<CallPorts, "credentials" | "tools">,
  tool: CatalogTool,
  key: ConnectionKey,
  { equipment }: Equipped,
): Promise<ToolConnection> {
  return speaksForUser(tool) ? connect(ports, tool, key) : ports.tools.connect(key, equipment);
}

/** Whether the tool is called with a partner's token for the user of the call. */
export function speaksForUser({ credential }: CatalogTool): boolean {
  return credential?.from?.startsWith("partner:") === true;
}

function shape(inject: NonNullable<CatalogTool["credential"]>["inject"], { value, login }: OpenCredential): Equipment {
  if ("header" in inject)
    return { headers: { [inject.header]: (inject.format ?? "{value}").replace("{value}", () => value) }, environment: {} };
  if ("environment" in inject) return { headers: {}, environment: { [inject.environment]: value } };
  return { headers: {}, environment: {}, login: { user: login ?? inject.login, password: value } };
}

// A credential that goes over a network is bound to hosts, so that a changed catalog cannot send it elsewhere.
// The connection checks the host it really dials against `hosts` through the equipment it is given.
function requireHost(tool: CatalogTool, hosts: readonly string[], name: string): void {
  const overNetwork = !("mcp" in tool.connect && "command" in tool.connect.mcp);
  if (overNetwork && hosts.length === 0) {
    throw new Fault(
      "credential_unavailable",
      `credential \`${name}\` is bound to no host, and tool \`${tool.tool}\` is reached over the network; set it again with \`--host\``,
    );
  }
}
