import type { CredentialOpener } from "../../domain/credential.ts";
import type { ToolPlace } from "../../domain/tool-access.ts";
import { requireBoundHost } from "../mcp-client/index.ts";
import type { AuthorizationServer } from "./metadata.ts";
import type { Registered } from "./own-client.ts";
import { registeredClient, type ToolUse } from "./tool-use.ts";
import { isGrantText } from "./sealed-grant.ts";
import { unavailable } from "./unavailable.ts";

/**
 * The tool file's client with its secret, for a server whose token endpoint the secret is bound to.
 * @throws Fault `credential_unavailable` when this place has no such secret, or it is bound to other hosts.
 */
export async function openClient(
  { stored }: { readonly stored: CredentialOpener },
  use: ToolUse,
  place: ToolPlace,
  server: AuthorizationServer,
): Promise<Registered | undefined> {
  const client = registeredClient(use, place.tenant);
  if (client?.secretName === undefined) return client;
  const { secretName: name, id } = client;
  const opened = await stored.open(name, place);
  const url = URL.parse(server.token_endpoint);
  if (opened === undefined || isGrantText(opened.value) || url === null)
    throw unavailable(
      `the client secret \`${name}\` of tool \`${use.tool}\` is not bound to ${place.tenant}/${place.environment}/${place.workflow}; add it with \`bailiwick secrets set ${name} --host ${url?.host ?? "<host>"}\``,
    );
  requireBoundHost(use.tool, { headers: {}, environment: {}, hosts: opened.hosts }, url.hostname, url.port);
  return { id, secret: opened.value };
}
