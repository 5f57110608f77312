import type { Dispatcher } from "undici";
import { request } from "undici";
import type { AgentKey } from "./agent-key.ts";
import { ClientError } from "./client-error.ts";
import { isObject, parseJson } from "./json.ts";
import type { Restriction } from "./restriction.ts";
import type { Headers, OutgoingRequest, Sender } from "./sender.ts";
import type { SessionToken } from "./session-token.ts";
import { clientAuthentication, postForm, reasonIn } from "./session-token.ts";

/** A session at the broker that is kept fresh, and what proves that a request is its sender's. */
export interface BrokerSession {
  /** Base URL of the broker, without a trailing slash. */
  readonly url: string;
  readonly sender: Sender;
  /** The run the session belongs to; undefined where the broker does not say. */
  readonly run: string | undefined;
  /** Authorizes exactly this request, once. @throws ClientError `session_ended`, or why no token could be had. */
  authorize(request: OutgoingRequest, restrict?: Restriction): Promise<Authorized>;
  /** The token in force. */
  token(): Promise<SessionToken>;
  /** Gets a new token, unless the one that was refused is not in force any more: many requests may be refused for one. */
  renew(refused: string): Promise<void>;
  /** Revokes the session (RFC 7009): its token is of no use from then on. Later calls do nothing. @throws ClientError `end_unconfirmed`. */
  end(): Promise<void>;
}

export interface Authorized {
  readonly headers: Headers;
  /** The token in them. */
  readonly token: string;
}

/** A token is renewed this long before it ends, or at half its life when it is shorter-lived. */
const RENEW_BEFORE_MS = 30_000;

export interface SessionParts {
  readonly url: string;
  readonly key: AgentKey;
  readonly sender: Sender;
  readonly dispatcher: Dispatcher;
  /** Asks the broker for a token. */
  readonly acquire: () => Promise<SessionToken>;
}

interface Timed extends SessionToken {
  readonly renewAt: number;
  readonly endsAt: number;
}

/** Opens a session; its first token is fetched at once, so that a wrong key shows here. @throws ClientError. */
export async function openSession(parts: SessionParts): Promise<BrokerSession> {
  const { url, sender, acquire } = parts;
  let current = timed(await acquire());
  /** Tokens that were replaced and have not run out: their sessions still live at the broker. */
  let replaced: readonly Timed[] = [];
  let renewing: Promise<void> | undefined;
  let ending: Promise<void> | undefined;

  async function fetchToken(): Promise<void> {
    const next = timed(await acquire());
    replaced = [...replaced, current].filter(({ endsAt }) => endsAt > performance.now());
    current = next;
  }
  function renew(): Promise<void> {
    requireOpen();
    renewing ??= fetchToken().finally(() => {
      renewing = undefined;
    });
    return renewing;
  }
  async function token(): Promise<SessionToken> {
    requireOpen();
    if (performance.now() < current.renewAt) return current;
    try {
      await renew();
    } catch (error) {
      // The broker may be back before the token is over; what it says to the old token then is the better answer.
      if (performance.now() >= current.endsAt) throw error;
    }
    return current;
  }
  function requireOpen(): void {
    if (ending !== undefined)
      throw new ClientError("session_ended", "this connection was ended and its session revoked", "connect again for the next task");
  }
  async function revokeAll(): Promise<void> {
    await renewing?.catch(() => undefined);
    const live = [...replaced, current].filter(({ endsAt }) => endsAt > performance.now());
    if (live.length === 0) return;
    const endpoint = await revocationEndpoint(parts);
    for (const { accessToken } of live) await revoke(parts, endpoint, accessToken);
  }

  return {
    url,
    sender,
    get run() {
      return current.run;
    },
    token,
    renew: async (refused) => {
      if (refused === current.accessToken) await renew();
    },
    async authorize(outgoing, restrict) {
      const held = await token();
      return { headers: sender.headers(held, outgoing, restrict), token: held.accessToken };
    },
    end: () => (ending ??= revokeAll()),
  };
}

function timed(token: SessionToken): Timed {
  const now = performance.now();
  return {
    ...token,
    renewAt: now + Math.max(token.expiresInMs - RENEW_BEFORE_MS, token.expiresInMs / 2),
    endsAt: now + token.expiresInMs,
  };
}

/** RFC 8414: the broker says itself where tokens are revoked. */
async function revocationEndpoint({ url, dispatcher }: SessionParts): Promise<string> {
  const endpoint = await metadataEndpoint(url, dispatcher).catch(() => undefined);
  return endpoint ?? unconfirmed("it names no `revocation_endpoint`");
}

async function metadataEndpoint(url: string, dispatcher: Dispatcher): Promise<string | undefined> {
  const answer = await request(`${url}/.well-known/oauth-authorization-server`, { dispatcher });
  const metadata = parseJson(await answer.body.text());
  const endpoint = isObject(metadata) ? metadata["revocation_endpoint"] : undefined;
  // A token goes to the broker it came from and nowhere else.
  return typeof endpoint === "string" && URL.canParse(endpoint) && new URL(endpoint).origin === new URL(url).origin ? endpoint : undefined;
}

async function revoke({ url, key, dispatcher }: SessionParts, endpoint: string, token: string): Promise<void> {
  const form = { token, token_type_hint: "access_token", ...(await clientAuthentication(url, key)) };
  const { status, body } = await postForm(endpoint, form, {}, dispatcher).catch(() => unconfirmed("it cannot be reached"));
  if (status !== 200) unconfirmed(reasonIn(body, status));
}

function unconfirmed(why: string): never {
  throw new ClientError(
    "end_unconfirmed",
    `the broker did not confirm that the session is revoked: ${why}`,
    "it ends by itself within minutes; an operator can end it now with `bailiwick sessions revoke`",
  );
}
