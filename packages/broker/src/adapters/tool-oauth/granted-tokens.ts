import { setTimeout as pause } from "node:timers/promises";
import { BROKER } from "../../domain/admin-record.ts";
import type { CredentialOpener, CredentialPlace, OpenCredential } from "../../domain/credential.ts";
import { type Challenge, Fault } from "../../domain/fault.ts";
import type { ToolPlace } from "../../domain/tool-access.ts";
import { openClient } from "./client-secret.ts";
import { type AuthorizationServer, covers } from "./metadata.ts";
import { MIN_AGE_MS, SPARE_MS, type ToolOAuthPorts } from "./ports.ts";
import { recordToken, recordVersion, type ToolAct } from "./record-token.ts";
import { presentable, readGrant, sealedText, type ToolGrant, withTokens } from "./sealed-grant.ts";
import { requireWithin, scopesIn } from "./scopes.ts";
import { type OwnClient, requestTokens, type Tokens } from "./token-endpoint.ts";
import { connectCommand, toolUrl, type ToolUse } from "./tool-use.ts";
import { TokenRefused, unavailable } from "./unavailable.ts";

type At = Parameters<CredentialOpener["open"]>[1];

/** Calls that began with replaced tokens end within this time. */
const GRACE_MS = 10 * 60_000;
/** How long it is waited for another broker that renews the same grant, and how often it is looked. */
const WAIT_MS = 8_000;
const LOOK_MS = 100;
const MAX_KEPT = 10_000;

const RENEWAL: ToolAct = { event: "tool.token", by: BROKER };

export interface GrantedTokens {
  open(use: ToolUse, at: At, version: number | undefined): Promise<OpenCredential | undefined>;
  refused(use: ToolUse, at: At, challenge: Challenge | undefined): string;
}

/**
 * Tokens that a person let the broker have. The grant lies sealed in the credential store, one version for each renewal, so that all
 * brokers use the same tokens and a rotated refresh token is never lost or used twice.
 */
export function grantedTokens(ports: ToolOAuthPorts): GrantedTokens {
  const renewals = new Map<string, Promise<OpenCredential>>();
  /** By place: the version opened last, and one that the tool refused. */
  const used = new Map<string, number>();
  const refused = new Map<string, number>();

  function fresh(stored: OpenCredential, grant: ToolGrant, at: At): boolean {
    const now = ports.now().getTime();
    if (Date.parse(grant.expiresAt) - SPARE_MS <= now) return false;
    return refused.get(placeText(stored.name, at)) !== stored.version || now - Date.parse(grant.issuedAt) < MIN_AGE_MS;
  }

  /** In this process once at a time for each place; among brokers by the place's lock. */
  function renewed(use: ToolUse, at: At, stored: OpenCredential): Promise<OpenCredential> {
    const key = placeText(stored.name, stored);
    const running = renewals.get(key);
    if (running !== undefined) return running;
    const mine = renewAmongBrokers(ports, use, stored, (newest, grant) => newest.version !== stored.version && fresh(newest, grant, at));
    const forget = (): void => void renewals.delete(key);
    renewals.set(key, mine);
    mine.then(forget, forget);
    return mine;
  }

  return {
    async open(use, at, version) {
      const place = { ...at, tool: use.tool };
      const stored = await ports.stored.open(use.name, at, version).catch((failure: unknown) => {
        throw failure instanceof Fault && failure.code === "credential_unavailable" ? notConnected(place) : failure;
      });
      if (stored === undefined) {
        if (version !== undefined) return undefined;
        throw notConnected(place);
      }
      const grant = readGrant(stored);
      requireStill(ports, use, place, grant);
      const usable = version !== undefined || fresh(stored, grant, at) ? stored : await renewed(use, at, stored);
      if (used.size >= MAX_KEPT) used.clear();
      used.set(placeText(use.name, at), usable.version);
      return usable === stored ? presentable(stored, grant) : presentable(usable, readGrant(usable));
    },
    refused(use, at, challenge) {
      const { tool, oauth } = use;
      if (challenge?.error !== "insufficient_scope") {
        const version = used.get(placeText(use.name, at));
        if (refused.size >= MAX_KEPT) refused.clear();
        if (version !== undefined) refused.set(placeText(use.name, at), version);
        return `the server of the tool \`${tool}\` did not take the broker's token; nothing ran; the broker renews it, so repeat the call`;
      }
      const missing = scopesIn(challenge.scope);
      if (missing.length === 0 || missing.some((scope) => !oauth.scope.includes(scope)))
        return `what \`${tool}\` wants for this call is more than its file allows; nothing ran; whoever keeps the policy decides about \`oauth.scope\``;
      return `what a person allowed at \`${tool}\` is not enough for this call; nothing ran; an operator runs \`${connectCommand({ ...at, tool }, missing)}\``;
    },
  };
}

async function renewAmongBrokers(
  ports: ToolOAuthPorts,
  use: ToolUse,
  stored: OpenCredential,
  good: (newest: OpenCredential, grant: ToolGrant) => boolean,
): Promise<OpenCredential> {
  const { name, tenant, environment, workflow } = stored;
  const place: CredentialPlace = { name, tenant, environment, workflow };
  const at = { ...place, tool: use.tool };
  const newest = async (): Promise<OpenCredential> => {
    const found = await ports.store.open(name, place);
    if (found === undefined) throw notConnected(at);
    return found;
  };
  // Looked for before the lock is taken: nobody waits for a tool's server that is slow to say who gives its tokens.
  await ports.find(toolUrl(ports.policy(), at, ports.environment), readGrant(stored).issuer).catch((failure: unknown) => {
    if (!(failure instanceof Fault)) throw failure;
    throw unavailable(
      `${failure.message}; when that is meant to be, an operator connects the tool again: \`${connectCommand(at)}\``,
      failure,
    );
  });
  for (let waited = 0; waited <= WAIT_MS; waited += LOOK_MS) {
    // Another broker may have renewed it since it was read here: its refresh token is then used up.
    const done = await ports.store.exclusively(place, async () => {
      const now = await newest();
      return good(now, readGrant(now)) ? now : renew(ports, use, now);
    });
    if (done !== undefined) return done.value;
    await pause(LOOK_MS);
  }
  throw unavailable(`the tokens of \`${use.tool}\` are being renewed by another broker; repeat the call`);
}

async function renew(ports: ToolOAuthPorts, use: ToolUse, stored: OpenCredential): Promise<OpenCredential> {
  const { name, tenant, environment, workflow, hosts, version } = stored;
  const place = { tool: use.tool, tenant, environment, workflow };
  const grant = readGrant(stored);
  if (grant.refreshToken === undefined) throw ended(place);
  const url = toolUrl(ports.policy(), place, ports.environment);
  const { server } = await ports.find(url, grant.issuer);
  const client = await clientOf(ports, use, place, grant, server);
  const about = { grant: "refresh_token", issuer: grant.issuer, client: client.id };
  await recordToken(ports, RENEWAL, place, about);
  const tokens = await refresh(ports, use, { server, client, grant }).catch(async (failure: unknown) => {
    if (!(failure instanceof TokenRefused)) throw failure;
    if (failure.oauthError !== "invalid_grant")
      throw unavailable(`${failure.message}; when that lasts, an operator connects the tool again: \`${connectCommand(place)}\``, failure);
    // What is dead is destroyed, so that no broker presents it again and a person sees that it is gone.
    await ports.store.revoke({ ...place, name, version }, { record: recordVersion(ports, RENEWAL, place, { ...about, outcome: "ended" }) });
    throw ended(place);
  });
  const record = recordVersion(ports, RENEWAL, place, { ...about, outcome: "renewed" });
  await ports.store.put(name, { tenant, environment, workflow, hosts }, sealedText(withTokens(grant, tokens)), {
    origin: "rotation",
    verification: "skipped",
    graceMs: GRACE_MS,
    record,
  });
  const opened = await ports.store.open(name, { tenant, environment, workflow });
  if (opened === undefined) throw ended(place);
  return opened;
}

async function refresh(
  ports: ToolOAuthPorts,
  { tool, oauth }: ToolUse,
  { server, client, grant }: { readonly server: AuthorizationServer; readonly client: OwnClient; readonly grant: ToolGrant },
): Promise<Tokens> {
  const form = { grant_type: "refresh_token", refresh_token: grant.refreshToken, resource: grant.resource };
  const tokens = await requestTokens(ports, server, client, form);
  requireWithin(tool, oauth.scope, tokens.scope);
  return tokens;
}

/** The client that the grant was made for; when the tool file names another one meanwhile, the grant is not that one's. */
export async function clientOf(
  ports: Pick<ToolOAuthPorts, "stored">,
  use: ToolUse,
  place: ToolPlace,
  { client }: Pick<ToolGrant, "client">,
  server: AuthorizationServer,
): Promise<OwnClient> {
  const registered = await openClient(ports, use, place, server);
  if (registered === undefined) return client;
  if (registered.id !== client.id) throw changed(place);
  return { ...client, ...(registered.secret === undefined ? {} : { secret: registered.secret }) };
}

/** A grant from before the tool's file was changed is used only as far as the file still allows it. */
function requireStill({ policy, environment }: ToolOAuthPorts, { oauth }: ToolUse, place: ToolPlace, grant: ToolGrant): void {
  if (oauth.issuer !== undefined && oauth.issuer !== grant.issuer) throw changed(place);
  if (grant.scope.some((scope) => scope !== "offline_access" && !oauth.scope.includes(scope))) throw changed(place);
  if (grant.resource === undefined) return;
  if (!covers(grant.resource, toolUrl(policy(), place, environment))) throw changed(place);
}

function notConnected(place: ToolPlace): Fault {
  return unavailable(
    `nobody has connected the tool \`${place.tool}\` for ${place.tenant}/${place.environment}/${place.workflow}; an operator runs \`${connectCommand(place)}\``,
  );
}

function ended(place: ToolPlace): Fault {
  return unavailable(
    `what a person allowed at the server of \`${place.tool}\` has ended there; an operator connects it again: \`${connectCommand(place)}\``,
  );
}

function changed(place: ToolPlace): Fault {
  return unavailable(
    `the file of \`${place.tool}\` was changed since it was connected, and the grant does not fit any more; an operator connects it again: \`${connectCommand(place)}\``,
  );
}

function placeText(name: string, { tenant, environment, workflow }: At): string {
  return JSON.stringify([name, tenant, environment, workflow]);
}
