import type { JsonObject } from "@bailiwick/policy";
import type { AskedAccess, ToolAccess, ToolPlace } from "../../domain/tool-access.ts";
import { authorizationUrl, checkedCode } from "./authorization.ts";
import { openClient } from "./client-secret.ts";
import type { FoundServer } from "./find-server.ts";
import { clientOf } from "./granted-tokens.ts";
import { ownClient, type Self } from "./own-client.ts";
import type { ToolOAuthPorts } from "./ports.ts";
import { recordToken, recordVersion } from "./record-token.ts";
import { type Flow, openFlow, sealFlow } from "./sealed-flow.ts";
import { isGrantText, readGrant, sealedText, type ToolGrant } from "./sealed-grant.ts";
import { askedScope, requireWithin, withOffline } from "./scopes.ts";
import { requestTokens, type Tokens } from "./token-endpoint.ts";
import { hostsOf, toolUrl, type ToolUse, toolUse } from "./tool-use.ts";
import { unavailable } from "./unavailable.ts";

export interface ConnectPorts extends ToolOAuthPorts {
  /** What this broker is to authorization servers. */
  readonly self: Self;
  /** Where people's browsers reach this broker, without a trailing slash. */
  readonly people: string;
  /** Seals what travels with the browser; 32 bytes. */
  readonly key: Uint8Array;
  random(bytes: number): Uint8Array;
  /** Spends a name until `expiresAt`; false when it was spent before. */
  spend(name: string, expiresAt: Date): Promise<boolean>;
  readonly documents: ReadonlyMap<string, JsonObject>;
}

/** From the command to the person's yes: a password, a second factor and a form. */
export const CONNECT_MS = 10 * 60_000;
/** Browsers keep cookies of 4,096 bytes with their names and attributes. */
const MAX_TICKET_CHARS = 3_700;

/** See ToolAccess. */
export function createToolAccess(ports: ConnectPorts): ToolAccess {
  return {
    documents: ports.documents,
    begin: (place, asked) => begin(ports, place, asked),
    enter: (link, person) => enter(ports, link, person),
    finish: (ticket, answer) => finish(ports, ticket, answer),
  };
}

async function begin(ports: ConnectPorts, place: ToolPlace, asked: AskedAccess): Promise<{ url: string; expiresAt: Date }> {
  const use = connectable(ports, place);
  requireOneAddress(ports, place);
  const found = await findFor(ports, use, place);
  const { server, resource, challenged } = found;
  const scope = askedScope(use.tool, use.oauth.scope, challenged, [...asked.scope, ...(await scopeBefore(ports, use, place))]);
  const client = await ownClient(ports.fetch, server, ports.self, await openClient(ports, use, place, server));
  const { by, via } = asked;
  const begun = { outcome: "begun", issuer: server.issuer, client: client.id, scope };
  await recordToken(ports, { event: "tool.connect", by, via }, place, begun);
  const random = (): string => Buffer.from(ports.random(32)).toString("base64url");
  const flow: Flow = {
    id: random(),
    ...place,
    by,
    via,
    issuer: server.issuer,
    ...(resource === undefined ? {} : { resource }),
    scope: [...withOffline(server, scope)],
    // The secret of the tool file's client is opened again when it is needed.
    client: {
      id: client.id,
      method: client.method,
      ...(use.oauth.client !== undefined || client.secret === undefined ? {} : { secret: client.secret }),
    },
    state: random(),
    verifier: random(),
  };
  const expiresAt = new Date(ports.now().getTime() + CONNECT_MS);
  const link = await sealFlow(ports.key, "link", flow, expiresAt);
  if (link.length > MAX_TICKET_CHARS)
    throw unavailable("the authorization server's registration is too long to travel in a browser's cookie");
  return { url: `${ports.people}/oauth/tool-connect?link=${link}`, expiresAt };
}

/** INVARIANT: a link is opened once, and by the person it was made for: another one's account must not end up behind the tool. */
async function enter(ports: ConnectPorts, link: string, person: string | undefined): Promise<{ location: string; ticket: string }> {
  const { flow, expiresAt } = await openFlow(ports.key, "link", link, ports.now());
  if ("person" in flow.by && flow.by.person !== person)
    throw unavailable(`this link is for \`${flow.by.person}\`; sign in here as that person, then open it again`);
  const { server } = await serverOf(ports, flow);
  if (!(await ports.spend(`tool-connect ${flow.id}`, expiresAt)))
    throw unavailable("this link was opened before; make a new one with `bailiwick tools connect`");
  const { client, state, verifier, scope, resource } = flow;
  const redirectUri = ports.self.redirectUri;
  const location = authorizationUrl({ server, clientId: client.id, redirectUri, state, verifier, resource, scope });
  return { location: location.href, ticket: await sealFlow(ports.key, "ticket", flow, expiresAt) };
}

async function finish(ports: ConnectPorts, ticket: string | undefined, answer: URLSearchParams): Promise<ToolPlace & { lasting: boolean }> {
  if (ticket === undefined)
    throw unavailable("this answer is to nothing that was begun in this browser; begin with `bailiwick tools connect`");
  const { flow, expiresAt } = await openFlow(ports.key, "ticket", ticket, ports.now());
  if (!(await ports.spend(`tool-return ${flow.id}`, expiresAt)))
    throw unavailable("this answer was used before; make a new link with `bailiwick tools connect`");
  const { tool, tenant, environment, workflow, by, via, issuer, resource, client } = flow;
  const place: ToolPlace = { tool, tenant, environment, workflow };
  const use = connectable(ports, place);
  const { server } = await serverOf(ports, flow);
  const code = checkedCode(server, answer, flow.state);
  const own = await clientOf(ports, use, place, flow, server);
  const tokens = await requestTokens(ports, server, own, {
    grant_type: "authorization_code",
    code,
    redirect_uri: ports.self.redirectUri,
    code_verifier: flow.verifier,
    resource,
  });
  const granted = tokens.scope ?? flow.scope;
  requireWithin(tool, use.oauth.scope, granted);
  const connected = { outcome: "connected", issuer, client: client.id, scope: granted };
  const record = recordVersion(ports, { event: "tool.connect", by, via }, place, connected);
  const hosts = hostsOf(toolUrl(ports.policy(), place, ports.environment));
  await ports.store.put(use.name, { tenant, environment, workflow, hosts }, sealedText(grantOf(flow, granted, tokens)), {
    verification: "skipped",
    graceMs: 0,
    record,
  });
  return { ...place, lasting: tokens.refreshToken !== undefined };
}

function grantOf({ issuer, resource, client }: Flow, scope: readonly string[], tokens: Tokens): Omit<ToolGrant, "toolGrant"> {
  return {
    issuer,
    ...(resource === undefined ? {} : { resource }),
    client,
    scope: [...scope],
    accessToken: tokens.accessToken,
    issuedAt: tokens.issuedAt.toISOString(),
    expiresAt: tokens.expiresAt.toISOString(),
    ...(tokens.refreshToken === undefined ? {} : { refreshToken: tokens.refreshToken }),
  };
}

function connectable({ policy }: ConnectPorts, { tool }: ToolPlace): ToolUse {
  const name = policy().tools.find((each) => each.tool === tool)?.credential?.name;
  const use = name === undefined ? undefined : toolUse(policy(), name);
  if (use?.oauth.grant === "authorization_code") return use;
  throw unavailable(`the tool \`${tool}\` is connected by no person; its file says nothing of \`from: oauth\` with \`authorization_code\``);
}

/** A grant for every environment or workflow is of one server, so the tool's address must not differ by them. */
function requireOneAddress({ policy }: ConnectPorts, { tool, environment, workflow }: ToolPlace): void {
  const address = JSON.stringify(policy().tools.find((each) => each.tool === tool)?.connect);
  const open = [environment === "*" ? "environment" : "", workflow === "*" ? "workflow" : ""].find(
    (part) => part !== "" && address.includes(`\${${part}}`),
  );
  if (open !== undefined) throw unavailable(`the address of \`${tool}\` differs by ${open}; say which one with \`--${open}\``);
}

function findFor(ports: ConnectPorts, { oauth }: ToolUse, place: ToolPlace): Promise<FoundServer> {
  return ports.find(toolUrl(ports.policy(), place, ports.environment), oauth.issuer);
}

/** The server that the flow began with: the tool must not name another one halfway (mix-up). */
async function serverOf(ports: ConnectPorts, flow: Flow): Promise<FoundServer> {
  const found = await findFor(ports, connectable(ports, flow), flow);
  if (found.server.issuer === flow.issuer) return found;
  throw unavailable(
    "the tool names another authorization server now than when this was begun; make a new link with `bailiwick tools connect`",
  );
}

/** A new grant takes the place of the old one, so it is asked for what that one could do, as far as the file still allows it. */
async function scopeBefore({ stored }: ConnectPorts, { name, oauth }: ToolUse, place: ToolPlace): Promise<readonly string[]> {
  const before = await stored.open(name, place).catch(() => undefined);
  if (before === undefined || !isGrantText(before.value)) return [];
  return readGrant(before).scope.filter((scope) => oauth.scope.includes(scope));
}
