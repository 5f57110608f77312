import type { Context, Middleware } from "oidc-provider";
import { z } from "zod";
import { asOAuthError, errorAnswer } from "./answer.ts";
import { requireNoStop } from "./agent-token.ts";
import { authorizationCode, consentSchema } from "./grants/authorization-code.ts";
import { rememberGrantedSession } from "./granted-sessions.ts";
import { issueSession } from "./issue-session.ts";
import { OAuthError } from "./oauth-error.ts";
import type { OAuthPorts } from "./oauth-ports.ts";
import { SILENT_CLIENT_MS } from "./provider-adapter.ts";
import { tokenAnswer } from "./token-answer.ts";

const answered = z.object({ refresh_token: z.string().optional() });

/**
 * After the provider has redeemed a code or a refresh token, its access token is thrown away and one of ours is given.
 * `grantLives` tells whether a grant still stands.
 */
export function personTokens(ports: OAuthPorts, grantLives: (id: string) => Promise<boolean>): Middleware {
  return async (ctx, next) => {
    await next();
    if (ctx.oidc?.route !== "token" || ctx.status !== 200) return;
    try {
      ctx.body = await exchanged(ports, ctx, grantLives);
    } catch (error) {
      const { status, body } = errorAnswer(asOAuthError((fault) => ports.onFault(fault), error));
      ctx.status = status;
      ctx.body = body;
    }
  };
}

async function exchanged(ports: OAuthPorts, { oidc, body }: Context, grantLives: (id: string) => Promise<boolean>): Promise<unknown> {
  const { AccessToken: token, Grant: grant, Client: client } = oidc?.entities ?? {};
  if (token === undefined || grant === undefined || client === undefined) throw new Error("the provider gave a token without a grant");
  const kept = await ports.entities.find("Consent", grant.jti);
  if (kept === undefined) throw new OAuthError("invalid_grant", "the person's consent has ended; start the authorization again");
  const consent = consentSchema.parse(kept.payload);
  const binding = token.jkt === undefined ? ({ kind: "bearer" } as const) : ({ kind: "dpop", jkt: token.jkt } as const);
  const wish = authorizationCode(ports, { consent, client, scope: token.scope, binding });
  await requireNoStop(ports, wish.agent);
  const session = await issueSession(ports, wish);
  await rememberGrantedSession(ports.entities, grant.jti, session);
  // A code that came twice at the same time ends its grant; the session must not slip through between the two.
  if (!(await grantLives(grant.jti))) {
    await ports.sessions.revoke(session.tenant, session.id, "oauth");
    throw new OAuthError("invalid_grant", "the person's consent was ended meanwhile; start the authorization again");
  }
  if (client.clientIdMetadataDocument !== true)
    await ports.entities.expireAt("Client", client.clientId, new Date(ports.now().getTime() + SILENT_CLIENT_MS));
  const { refresh_token: refreshToken } = answered.parse(body);
  return {
    ...(await tokenAnswer(ports, session, consent.detailed)),
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
  };
}
