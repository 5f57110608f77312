import type { Context, Middleware } from "oidc-provider";
import { adminRecord } from "../../domain/admin-record.ts";
import { asOAuthError, errorAnswer } from "./answer.ts";
import { networkOf } from "./network-of.ts";
import type { OAuthPorts } from "./oauth-ports.ts";

/** How many clients may register in an hour, from one address and from all. Few people install a client; a flood is not people. */
const MAX_REGISTRATIONS_EACH = 60;
const MAX_REGISTRATIONS = 600;
/** The same for authorizations that are begun: each leaves a row for a quarter of an hour. */
const MAX_AUTHORIZATIONS_EACH = 600;
const MAX_AUTHORIZATIONS = 6_000;
const HOUR_MS = 60 * 60 * 1000;

/**
 * What strangers may do is counted. Dynamic registration (RFC 7591) is also recorded in every tenant's log: no client is there without a trace.
 */
export function registrations(ports: OAuthPorts): Middleware {
  return async (ctx, next) => {
    // The provider's router takes these paths in any case, and with a slash after them.
    const path = ctx.path.toLowerCase().replace(/\/$/u, "");
    const registering = path === "/oauth/register" && ctx.method === "POST";
    if (!registering && path !== "/oauth/auth") return next();
    if (!(await withinLimits(ports, ctx.ip, registering))) {
      ctx.status = 429;
      ctx.set("retry-after", "3600");
      ctx.body = { error: "temporarily_unavailable", error_description: tooMany(registering) };
      return undefined;
    }
    await next();
    if (registering && ctx.status === 201) await recorded(ports, ctx);
    return undefined;
  };
}

function tooMany(registering: boolean): string {
  return registering
    ? "too many clients were registered lately; use a client id metadata document, or try again in an hour"
    : "too many authorizations were begun lately; try again in an hour";
}

function withinLimits({ attempt, now }: OAuthPorts, ip: string, registering: boolean): Promise<boolean> {
  const [what, each, all] = registering
    ? (["register", MAX_REGISTRATIONS_EACH, MAX_REGISTRATIONS] as const)
    : (["authorize", MAX_AUTHORIZATIONS_EACH, MAX_AUTHORIZATIONS] as const);
  const keys = [
    { key: `oauth ${what} ${networkOf(ip)}`, max: each },
    { key: `oauth ${what}`, max: all },
  ];
  return attempt(keys, HOUR_MS, now());
}

async function recorded(ports: OAuthPorts, ctx: Context): Promise<void> {
  const client = ctx.oidc?.entities.Client;
  if (client === undefined) return;
  try {
    for (const tenant of ports.policy().tenants) {
      await ports.log.append(
        tenant,
        adminRecord({
          at: ports.now(),
          event: "oauth.register_client",
          by: { named: "anonymous" },
          callId: client.clientId,
          body: { client: client.clientId },
          facts: { clientName: client.clientName ?? "", redirectUris: client.redirectUris },
        }),
      );
    }
  } catch (error) {
    await ports.entities.remove("Client", client.clientId);
    const { status, body } = errorAnswer(asOAuthError((fault) => ports.onFault(fault), error));
    ctx.status = status;
    ctx.body = body;
  }
}
