import { type Context, errors, type Middleware, type Provider } from "oidc-provider";
import { asOAuthError, errorAnswer } from "./answer.ts";
import { statusOf } from "./oauth-error.ts";

/** What the provider's terse reasons mean and what to do; its `error_description` alone would not tell. */
const NEXT: Readonly<Record<string, string>> = {
  "authorization code not found": "the code is unknown or was used before; start the authorization again",
  "authorization code is expired": "the code has expired; redeem a code at once, and start the authorization again",
  "authorization code already consumed": "the code was used before, so what it gave was ended; start the authorization again",
  "authorization code redirect_uri mismatch": "`redirect_uri` is not the one of the authorization request; send the same text",
  "refresh token not found": "the refresh token is unknown or was ended; start the authorization again",
  "refresh token is expired": "the refresh token has expired; start the authorization again",
  "refresh token already used": "the refresh token was used before, so all that came of it was ended; start the authorization again",
  "grant not found": "the person's consent has ended; start the authorization again",
  "grant is expired": "the person's consent has expired; start the authorization again",
  "client mismatch": "this was given to another client",
  "PKCE verification failed": "`code_verifier` is not the one of this code; start the authorization again",
  "failed jkt verification": "the refresh token is bound to another key than the DPoP proof's",
  "DPoP proof JWT Replay detected": "this proof was used before; sign a fresh one for each request",
};

/** Puts sentences into the provider's answers, and tells our log of its failures. */
export function plainErrors(provider: Provider, onFault: (error: unknown) => void): void {
  provider.on("grant.error", (ctx, error) => {
    if (error instanceof errors.InvalidClientAuth) return describe(ctx, "the client did not prove who it is; see docs/spec/oauth.md");
    const text = error.error_detail === undefined ? undefined : (NEXT[error.error_detail] ?? error.error_detail);
    if (text !== undefined) describe(ctx, text);
  });
  // What the provider caught itself, and what nobody caught.
  provider.on("server_error", (ctx, error) => {
    const told = asOAuthError(onFault, error);
    if (!isErrorBody(ctx.body)) return;
    ctx.status = statusOf(told.code);
    ctx.body = { error: told.code, error_description: told.message };
  });
  provider.on("error", onFault);
}

/** Answers with an error of ours what would otherwise be Koa's bare 500. */
export function answerFaults(onFault: (error: unknown) => void): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const { status, body } = errorAnswer(asOAuthError(onFault, error));
      ctx.status = status;
      ctx.body = body;
    }
  };
}

function describe(ctx: Context, text: string): void {
  if (isErrorBody(ctx.body)) ctx.body = { ...ctx.body, error_description: text };
}

function isErrorBody(body: unknown): body is Readonly<Record<string, unknown>> {
  return typeof body === "object" && body !== null && "error" in body;
}
