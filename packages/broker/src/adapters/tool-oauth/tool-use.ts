import type { Policy, ToolOAuth } from "@bailiwick/policy";
import type { ToolPlace } from "../../domain/tool-access.ts";
import { fillConnect } from "../tools/index.ts";
import type { Registered } from "./own-client.ts";
import { unavailable } from "./unavailable.ts";

/** A tool whose credential is a token that the broker gets itself. */
export interface ToolUse {
  readonly tool: string;
  /** The credential's name. */
  readonly name: string;
  readonly oauth: ToolOAuth;
}

/** The tool of a credential, when that is `from: oauth`. `load` guarantees that there is one. */
export function toolUse(policy: Policy, credential: string): ToolUse | undefined {
  const found = policy.tools.find((tool) => tool.credential?.name === credential && tool.credential.from === "oauth");
  const oauth = found?.credential?.oauth;
  return found === undefined || oauth === undefined ? undefined : { tool: found.tool, name: credential, oauth };
}

/** The address of the tool's server at one place. @throws Fault. */
export function toolUrl(policy: Policy, place: ToolPlace, environment: (name: string) => string | undefined): URL {
  const connect = policy.tools.find(({ tool }) => tool === place.tool)?.connect;
  const filled = connect === undefined ? undefined : fillConnect(connect, place, environment);
  const url = filled !== undefined && "mcp" in filled && "url" in filled.mcp ? URL.parse(filled.mcp.url) : null;
  if (url === null) throw unavailable(`the tool \`${place.tool}\` is reached at no URL; correct \`connect\` in its file`);
  url.hash = "";
  return url;
}

/** The client that the tool file names, as this tenant's. */
export function registeredClient(
  { oauth }: ToolUse,
  tenant: string,
): (Registered & { readonly secretName?: string | undefined }) | undefined {
  const { client, grant } = oauth;
  if (client === undefined) return undefined;
  const id = client.id.replaceAll("${tenant}", () => tenant);
  if (client.secret !== undefined) return { id, secretName: client.secret };
  return { id, signs: grant === "client_credentials" };
}

/** A token goes to the host and port it is for and to no other; the usual port is written as none, as URLs have it. */
export function hostsOf(url: URL): readonly string[] {
  return [`${url.hostname}:${url.port}`];
}

/** What a person types to connect a tool. */
export function connectCommand({ tool, tenant, environment, workflow }: ToolPlace, scope: readonly string[] = []): string {
  const more = scope.length === 0 ? "" : ` --scope "${scope.join(" ")}"`;
  return `bailiwick tools connect ${tool} --tenant ${tenant} --environment ${environment} --workflow ${workflow}${more}`;
}
