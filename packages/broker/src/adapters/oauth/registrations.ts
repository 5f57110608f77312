import type { Context, Middleware } from "oidc-provider";
import { asOAuthError, errorAnswer } from "./answer.ts";
import type { OAuthPorts } from "./oauth-ports.ts";

/** How many clients may register in an hour, from one address and from all. Few people install a client; a flood is not people. */
export const MAX_REGISTRATIONS_EACH = 60;
export const MAX_REGISTRATIONS = 600;
const HOUR_MS = 60 * 60 * 1000;

/** Dynamic registration (RFC 7591) is open, so it is counted, and recorded in every tenant's log: no client is there without a trace. */
export function registrations(ports: OAuthPorts): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== "/oauth/register" || ctx.method !== "POST") return next();
    if (!(await withinLimits(ports, ctx.ip))) {
      ctx.status = 429;
      ctx.set("retry-after", "3600");
      ctx.body = {
        error: "temporarily_unavailable",
        error_description: "too many clients were registered lately; use a client id metadata document",
      };
      return undefined;
    }
    await next();
    if (ctx.status === 201) await recorded(ports, ctx);
    return undefined;
  };
}

function withinLimits({ attempt, now }: OAuthPorts, ip: string): Promise<boolean> {
  const keys = [
    { key: `oauth register ${ip}`, max: MAX_REGISTRATIONS_EACH },
    { key: "oauth register", max: MAX_REGISTRATIONS },
  ];
  return attempt(keys, HOUR_MS, now());
}

async function recorded(ports: OAuthPorts, ctx: Context): Promise<void> {
  const client = ctx.oidc?.entities.Client;
  if (client === undefined) return;
  try {
    for (const tenant of ports.policy().tenants) {
      await ports.log.append(tenant, {
        kind: "admin",
        callId: client.clientId,
        body: {
          at: ports.now().toISOString(),
          event: "oauth.register_client",
          by: "anonymous",
          client: client.clientId,
          clientName: client.clientName ?? "",
          redirectUris: client.redirectUris,
        },
      });
    }
  } catch (error) {
    await ports.entities.remove("Client", client.clientId);
    const { status, body } = errorAnswer(asOAuthError((fault) => ports.onFault(fault), error));
    ctx.status = status;
    ctx.body = body;
  }
}
