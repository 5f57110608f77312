import type { ToolFile } from "../files/schemas.ts";
import type { Report, Source } from "../files/source.ts";
import { type Finding, reportError } from "./findings.ts";

type Declared = NonNullable<ToolFile["credential"]>;

/** `from: oauth` and its `oauth` block: a token goes to one MCP server, and a client's secret to one authorization server. */
export function checkToolOAuth(source: Source, tool: ToolFile, credential: Declared, tenants: readonly string[], report: Report): void {
  const { from, oauth } = credential;
  const wrong = (key: string, what: string, why: string, write: string): void =>
    at(source, ["credential", key], report, { code: "credential-oauth", what, why, write });
  if (oauth === undefined || from !== "oauth") {
    if (oauth !== undefined)
      wrong("oauth", "`oauth` stands beside another source", "a credential has one source", "`from: oauth`, or no `oauth`");
    if (from === "oauth")
      wrong("from", "`from: oauth` without saying how", "what may be asked for is decided here", "`oauth: { grant, scope }` beside it");
    return;
  }
  if (!("mcp" in tool.connect && "url" in tool.connect.mcp) || !("header" in credential.inject))
    wrong(
      "from",
      "only an MCP server reached by URL takes an access token",
      "it travels in a header of each request",
      '`connect: { mcp: { url } }` and `inject: { header: authorization, format: "Bearer {value}" }`',
    );
  if (credential.hosts !== undefined)
    wrong("hosts", "`hosts` beside `from: oauth`", "a token goes to the tool's own server and to no other", "no `hosts`");
  if (credential.rotate !== undefined) wrong("rotate", "`rotate` beside `from: oauth`", "tokens are renewed when they end", "no `rotate`");
  checkClient(oauth, tenants, (what, why, write) => wrong("oauth", what, why, write));
}

function checkClient(
  { grant, issuer, client }: NonNullable<Declared["oauth"]>,
  tenants: readonly string[],
  wrong: (what: string, why: string, write: string) => void,
): void {
  if (issuer === undefined && (client !== undefined || grant === "client_credentials"))
    wrong(
      "a client of the broker's own without `issuer`",
      "the tool's server would choose who is shown the client's secret",
      "`issuer: https://<authorization server>` beside it",
    );
  if (grant === "client_credentials" && client === undefined)
    wrong("`client_credentials` without a client", "no person is there to register one for", "`client: { id, secret: <credential> }`");
  const sharedByTenants = grant === "client_credentials" && client?.secret === undefined && client?.id.includes("${tenant}") === false;
  if (sharedByTenants && tenants.length > 1)
    wrong(
      "all tenants would be one client at the authorization server",
      "a credential belongs to one tenant",
      "`${tenant}` in `client.id`, or a `secret`, which is stored for each tenant",
    );
}

/** A token is of one resource (RFC 8707). */
export function reportSharedToken(source: Source, name: string, report: Report): void {
  at(source, ["credential", "name"], report, {
    code: "credential-oauth",
    what: `another tool has its tokens under the name \`${name}\``,
    why: "a token is for one server",
    write: "another name",
  });
}

function at(source: Source, path: readonly string[], report: Report, finding: Omit<Finding, "at">): void {
  reportError(report, { ...finding, at: source.at(path) });
}
