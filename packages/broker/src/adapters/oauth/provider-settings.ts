import { generateKeyPairSync } from "node:crypto";
import { type Client, type Context, errors, type Grant, interactionPolicy, type Interaction, Provider, type Token } from "oidc-provider";
import { z } from "zod";
import { CLOCK_SKEW_MS, MAX_ASSERTION_AHEAD_MS } from "./client-assertion.ts";
import { clientFetch } from "./client-fetch.ts";
import { checkClientMetadata, dropScope } from "./client-metadata.ts";
import { askedRights, isFlatEnough, TASK_TYPE } from "./grants/asked-rights.ts";
import { knownScopes } from "./known-scopes.ts";
import { OAuthError } from "./oauth-error.ts";
import type { OAuthPorts } from "./oauth-ports.ts";
import { errorPage } from "./pages.ts";
import { providerAdapter } from "./provider-adapter.ts";

/** How long a person may think about a consent. */
const INTERACTION_S = 15 * 60;
/** A code is redeemed at once. */
const CODE_S = 60;
/** A consent and its refresh tokens live for a working day, however often they are used. */
export const CONSENT_S = 8 * 60 * 60;
/** Only for the provider's own bookkeeping; sessions have their own end. */
const ACCESS_TOKEN_S = 5 * 60;

/** oidc-provider's configuration; each name is its own. What is not needed is off. */
export function providerSettings(ports: OAuthPorts): Readonly<Record<string, unknown>> {
  return {
    adapter: providerAdapter(ports),
    cookies: cookies(ports),
    // The provider insists on a key for ID tokens. There are none here, so it verifies nothing anywhere and is not published.
    jwks: { keys: [generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" })] },
    enabledJWA: {
      clientAuthSigningAlgValues: ["ES256"],
      idTokenSigningAlgValues: ["ES256"],
      dPoPSigningAlgValues: ["ES256"],
    },
    clientAuthMethods: ["none", "private_key_jwt"],
    routes: { authorization: "/oauth/auth", token: "/oauth/token", registration: "/oauth/register" },
    responseTypes: ["code"],
    scopes: ["offline_access"],
    allowOmittingSingleRegisteredRedirectUri: false,
    clockTolerance: 5,
    pkce: { required: () => true },
    clientBasedCORS: () => false,
    assertJwtClientAuthClaimsAndHeader: async (_: Context, claims: unknown) => checkClientAssertion(ports, claims),
    clientDefaults: {
      application_type: "native",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      response_modes: ["query"],
      token_endpoint_auth_method: "none",
      id_token_signed_response_alg: "ES256",
      authorization_details_types: [TASK_TYPE],
    },
    // One made-up member, so that the whole of a client's metadata is looked at once.
    extraClientMetadata: {
      properties: ["bailiwick"],
      validator: (_: Context, __: string, ___: unknown, metadata: unknown) => {
        dropScope(metadata);
        checkClientMetadata(metadata);
      },
    },
    findAccount: async (_: Context, id: string) =>
      ports.policy().people.some((person) => person.id === id) ? { accountId: id, claims: async () => ({ sub: id }) } : undefined,
    ...lifetimes(),
    interactions: {
      policy: consentEachTime(),
      url: async (_: Context, interaction: Interaction) => `/oauth/interaction/${interaction.uid}`,
    },
    loadExistingGrant: async (ctx: Context & { oidc: { provider: { Grant: { find(id: string): Promise<Grant | undefined> } } } }) => {
      const grantId = ctx.oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId);
    },
    renderError: async (ctx: Context, out: { readonly error: string; readonly error_description?: string }) => {
      const { html, headers } = await errorPage(out.error === "server_error" ? BROKEN : (out.error_description ?? out.error));
      for (const [name, value] of Object.entries(headers)) ctx.set(name, value);
      ctx.body = html;
    },
    features: features(ports),
    fetch: clientFetch(ports, () => Provider.ctx?.ip),
  };
}

const BROKEN = "the broker failed; try again shortly, its operator finds the cause in the log";

function features({ realm, policy }: OAuthPorts): Readonly<Record<string, unknown>> {
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    dPoP: { enabled: true },
    clientIdMetadataDocument: {
      enabled: true,
      ack: "draft-02",
      cacheDuration: { min: 30, max: 3_600 },
    },
    registration: { enabled: true, issueRegistrationAccessToken: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: async () => realm.audience,
      useGrantedResource: async () => true,
      getResourceServerInfo: async (ctx: Context, resource: string) => {
        if (resource !== realm.audience)
          throw new errors.InvalidTarget(`\`resource\` must be \`${realm.audience}\`; tokens of this broker serve nothing else`);
        return {
          scope: scopesInPlay(policy(), ctx).join(" "),
          audience: realm.audience,
          accessTokenFormat: "opaque",
          accessTokenTTL: ACCESS_TOKEN_S,
        };
      },
    },
    richAuthorizationRequests: {
      enabled: true,
      types: { [TASK_TYPE]: { validate: checkTaskDetails } },
      authorizationDetailsForGrantSource: async (ctx: Context) => ctx.oidc?.entities.Grant?.rar,
      authorizationDetailsForAccessToken: async (_: Context, __: Token, source: Token | undefined) => source?.rar,
      authorizationDetailsForIntrospection: async () => undefined,
    },
  };
}

function lifetimes(): Readonly<Record<string, unknown>> {
  return {
    expiresWithSession: async () => false,
    // A consent with budgets ends with its session: a refreshed one would begin with full budgets again.
    issueRefreshToken: async (_: Context, client: Client, code: Token) =>
      client.grantTypeAllowed("refresh_token") && !(code.rar ?? []).some((detail) => detail["limits"] !== undefined),
    rotateRefreshToken: () => true,
    ttl: {
      AccessToken: ACCESS_TOKEN_S,
      AuthorizationCode: CODE_S,
      Grant: CONSENT_S,
      Interaction: INTERACTION_S,
      Session: INTERACTION_S,
      RefreshToken: (ctx: Context) => Math.max(1, ctx.oidc?.entities.RotatedRefreshToken?.remainingTTL ?? CONSENT_S),
    },
  };
}

/** Signed, so that a cookie made up by somebody else names no interaction; Lax, because the client's link leads here from outside. */
function cookies({ secret, realm }: OAuthPorts): Readonly<Record<string, unknown>> {
  const options = { httpOnly: true, sameSite: "lax", signed: true, secure: realm.issuer.startsWith("https:") };
  return {
    keys: [Buffer.from(secret).toString("base64url")],
    names: { session: "bailiwick_oauth", interaction: "bailiwick_consent", resume: "bailiwick_consent_resume" },
    long: options,
    short: options,
  };
}

/** A person is asked for every authorization: there is no remembered consent that another page could use without them. */
function consentEachTime(): readonly unknown[] {
  const { Prompt, Check } = interactionPolicy;
  const needed = new Check("consent_needed", "a person has to consent", (ctx) => ctx.oidc?.result?.consent?.grantId === undefined);
  return [new Prompt({ name: "login", requestable: true }), new Prompt({ name: "consent", requestable: true }, needed)];
}

/** Scopes that this request, or what it redeems, names and the catalog has. */
function scopesInPlay(policy: Parameters<typeof knownScopes>[0], { oidc }: Context): readonly string[] {
  const { AuthorizationCode, RefreshToken } = oidc?.entities ?? {};
  const named = [oidc?.params?.["scope"], AuthorizationCode?.scope, RefreshToken?.scope].filter((text) => typeof text === "string");
  return knownScopes(policy, named.join(" "));
}

const assertionClaims = z.object({ exp: z.number(), aud: z.union([z.string(), z.tuple([z.string()])]), jti: z.string().min(1).max(128) });

/** A client with a key in its metadata document is held to what agents are: one audience, and a life of a minute (client-assertion.ts). */
function checkClientAssertion({ now }: OAuthPorts, claims: unknown): void {
  const parsed = assertionClaims.safeParse(claims);
  const latest = now().getTime() + MAX_ASSERTION_AHEAD_MS + CLOCK_SKEW_MS;
  if (!parsed.success || parsed.data.exp * 1000 > latest)
    throw new errors.InvalidClientAuth("the assertion has another audience, or lives too long");
}

function checkTaskDetails(_: Context, detail: unknown): void {
  if (!isFlatEnough(detail))
    throw new errors.InvalidAuthorizationDetails("`authorization_details` is nested too deeply; see docs/spec/oauth.md");
  try {
    askedRights({ authorization_details: JSON.stringify([detail]) });
  } catch (error) {
    if (error instanceof OAuthError) throw new errors.InvalidAuthorizationDetails(error.message);
    throw error;
  }
}
