import type { AgentConfig, PartnerConfig } from "@bailiwick/policy";
import { aboveCeiling } from "../../../domain/partner.ts";
import type { SenderBinding, SessionLimits } from "../../../domain/session.ts";
import type { AssertionClaims } from "../../federation/assertion-claims.ts";
import { type AssertionPorts, type VerifiedAssertion, verifyAssertion } from "../../federation/verify-assertion.ts";
import type { SessionWish } from "../issue-session.ts";
import { OAuthError } from "../oauth-error.ts";
import { askedRights } from "./asked-rights.ts";
import type { GrantPorts } from "./grant.ts";

export const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** Who sends the assertion, when a client authenticated: a local agent, or a partner's server (federation/partner-client.ts). */
export type FederatedClient =
  | { readonly kind: "agent"; readonly agent: AgentConfig }
  | { readonly kind: "partner"; readonly partner: PartnerConfig };

export interface JwtBearerRequest {
  /** Undefined: no client authentication was sent, and the assertion has to be a workload's own. */
  readonly client: FederatedClient | undefined;
  readonly binding: SenderBinding;
  readonly form: Readonly<Record<string, string>>;
}

export type JwtBearerPorts = GrantPorts & AssertionPorts;

/**
 * JWT authorization grant (RFC 7523 section 2.1): a partner's assertion becomes a local session of the agent the policy names for that
 * partner, under the partner's ceiling. What is asked beyond the ceiling is refused; its rows and limits are always attached.
 * @throws OAuthError `invalid_request`, `invalid_grant`, `invalid_scope`, `invalid_target`, `temporarily_unavailable`.
 */
export async function jwtBearer(ports: JwtBearerPorts, { client, binding, form }: JwtBearerRequest): Promise<SessionWish> {
  const assertion = form["assertion"];
  if (assertion === undefined) throw new OAuthError("invalid_request", "`assertion` is missing; send the partner's signed JWT");
  if (form["resource"] !== undefined && form["resource"] !== ports.realm.audience)
    throw new OAuthError("invalid_target", `\`resource\` must be \`${ports.realm.audience}\`; tokens of this broker serve nothing else`);
  if (form["user"] !== undefined) throw new OAuthError("invalid_request", "`user` is who the assertion is about; leave it out");
  const asked = askedRights(form);
  const proven = await verifyAssertion(ports, assertion, client === undefined ? undefined : clientId(client));
  const { partner, claims } = proven;
  if (client?.kind === "partner" && client.partner.name !== partner.name)
    throw new OAuthError("invalid_grant", "the assertion is of another partner than the one that authenticated; each sends its own");
  requireHolder(claims, binding);
  const { ceiling, maxTtlMs } = partner;
  return {
    agent: localAgent(ports, proven, client),
    user: `${partner.name}:${claims.sub}`,
    userProof: "partner",
    task: asked.task ?? `${partner.name} ${claims.jti ?? claims.sub}`.slice(0, 200),
    run: asked.run,
    data: asked.data,
    scope: scopeUnder(partner, claims, asked.scope),
    rows: Object.keys(ceiling.rows).length === 0 ? asked.rows : [ceiling.rows, ...asked.rows],
    limits: smallest(ceiling.limits, asked.limits),
    grant: "jwt_bearer",
    binding,
    client: client === undefined ? claims.sub : clientId(client),
    partner: {
      name: partner.name,
      version: partner.version,
      // Names of another organisation are marked as such: they must not be taken for agents of ours.
      actors: [...claims.actors.map((actor) => `${partner.name}:${actor}`), partner.issuer],
    },
    until: new Date(ports.now().getTime() + maxTtlMs),
  };
}

function clientId(client: FederatedClient): string {
  return client.kind === "agent" ? client.agent.name : client.partner.issuer;
}

/** An assertion that is bound to a key (`cnf`, RFC 7800) is of use only to who proves to hold it. */
function requireHolder({ cnf }: AssertionClaims, binding: SenderBinding): void {
  if (cnf === undefined) return;
  if (cnf.jkt !== undefined && binding.kind === "dpop" && binding.jkt === cnf.jkt) return;
  if (cnf["x5t#S256"] !== undefined && binding.kind === "mtls" && binding.x5t === cnf["x5t#S256"]) return;
  throw new OAuthError(
    "invalid_grant",
    "the assertion is bound to a key (`cnf`) and the request does not prove to hold it; send a DPoP proof with that key",
  );
}

/**
 * A local client acts in its own tenant and environment, and takes no assertion that is meant for another; else the assertion says which,
 * unless the partner has one only.
 */
function localAgent(ports: GrantPorts, { partner, claims }: VerifiedAssertion, client: FederatedClient | undefined): AgentConfig {
  const meant = placeMeant(claims);
  if (client?.kind === "agent" && !isIn(client.agent, meant))
    throw new OAuthError("invalid_target", "the assertion is meant for another tenant or environment (`aud_tenant`) than the agent's");
  const { tenant, environment } = client?.kind === "agent" ? client.agent : placeOf(partner, meant);
  if (tenant === undefined || environment === undefined)
    throw new OAuthError(
      "invalid_target",
      "the partner has several tenants or environments here; name one as `aud_tenant`, `<tenant>/<environment>`, in the assertion",
    );
  if (!partner.tenants.includes(tenant) || !partner.environments.includes(environment))
    throw new OAuthError(
      "invalid_target",
      `partner \`${partner.name}\` has nothing to do in \`${tenant}/${environment}\`; see partners.yaml`,
    );
  const name = `bailiwick://${tenant}/${environment}/${partner.workflow}/${partner.agent}`;
  if (client?.kind === "agent" && client.agent.name !== name)
    throw new OAuthError("invalid_grant", `assertions of partner \`${partner.name}\` open sessions of \`${name}\` only`);
  const agent = ports.policy().agents.find((each) => each.name === name);
  if (agent === undefined) throw new OAuthError("invalid_target", `the agent \`${name}\` is no longer in the policy; ask its owner`);
  return agent;
}

interface Place {
  readonly tenant: string | undefined;
  readonly environment: string | undefined;
}

function placeMeant({ aud_tenant: meant }: AssertionClaims): Place {
  const [tenant, environment, ...rest] = meant?.split("/") ?? [];
  if (rest.length > 0) throw new OAuthError("invalid_target", "`aud_tenant` of the assertion is no `<tenant>` or `<tenant>/<environment>`");
  return { tenant, environment };
}

function isIn(agent: AgentConfig, { tenant, environment }: Place): boolean {
  return (tenant ?? agent.tenant) === agent.tenant && (environment ?? agent.environment) === agent.environment;
}

function placeOf(partner: PartnerConfig, { tenant, environment }: Place): Place {
  return { tenant: tenant ?? only(partner.tenants), environment: environment ?? only(partner.environments) };
}

function only(names: readonly string[]): string | undefined {
  return names.length === 1 ? names[0] : undefined;
}

/** What the assertion says it is for bounds what is asked (ID-JAG section 3); the ceiling bounds both. */
function scopeUnder(partner: PartnerConfig, { scope: said }: AssertionClaims, asked: readonly string[] | undefined): readonly string[] {
  const stated = said === undefined || said === "" ? undefined : [...new Set(said.split(" "))];
  const wished = asked ?? stated ?? partner.ceiling.scope;
  const above = aboveCeiling(partner, wished);
  if (above !== undefined)
    throw new OAuthError(
      "invalid_scope",
      `\`${above}\` is above the ceiling of partner \`${partner.name}\` (${partner.ceiling.scope.join(" ")}); ask for less`,
    );
  const wider = stated === undefined ? undefined : aboveCeiling({ ceiling: { ...partner.ceiling, scope: stated } }, wished);
  if (wider !== undefined)
    throw new OAuthError(
      "invalid_scope",
      `\`${wider}\` is not in the assertion (${stated?.join(" ") ?? ""}); ask for less, or for another assertion`,
    );
  return wished;
}

function smallest(one: SessionLimits, other: SessionLimits): SessionLimits {
  const names = ["calls", "records", "cost"] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const set = [one[name], other[name]].filter((value) => value !== undefined);
      return set.length === 0 ? [] : [[name, Math.min(...set)]];
    }),
  );
}
