import { readChallenge } from "../mcp-client/index.ts";
import type { GuardedFetch } from "../outbound/guarded-fetch.ts";
import { discover, type Found } from "./metadata.ts";
import { scopesIn } from "./scopes.ts";

/** Where tokens come from, and what the server asked for when it was called without one. */
export interface FoundServer extends Found {
  /** Absent: it named no scope. */
  readonly challenged?: readonly string[] | undefined;
}

export type FindServer = (tool: URL, issuer: string | undefined) => Promise<FoundServer>;

/** What a server says of itself is believed this long. */
const LIVE_MS = 5 * 60_000;
/** Tools times places; whoever is dropped to make room is only asked again. */
const MAX_KEPT = 1_000;

/** Looks for a tool's authorization server and remembers it for a while. */
export function serverFinder(fetch: GuardedFetch, nowMs: () => number): FindServer {
  const kept = new Map<string, { readonly found: Promise<FoundServer>; readonly atMs: number }>();
  return (tool, issuer) => {
    const key = JSON.stringify([tool.href, issuer]);
    const known = kept.get(key);
    if (known !== undefined && nowMs() - known.atMs < LIVE_MS) return known.found;
    const asked = { found: find(fetch, tool, issuer), atMs: nowMs() };
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(key, asked);
    asked.found.catch(() => {
      if (kept.get(key) === asked) kept.delete(key);
    });
    return asked.found;
  };
}

async function find(fetch: GuardedFetch, tool: URL, issuer: string | undefined): Promise<FoundServer> {
  const challenge = await challengeOf(fetch, tool);
  const found = await discover(fetch, { tool, hint: challenge?.resourceMetadata, issuer });
  return challenge?.scope === undefined ? found : { ...found, challenged: scopesIn(challenge.scope) };
}

/** A request without a token and without an effect: a server that wants one says where it comes from (RFC 9728 section 5.1). */
async function challengeOf(fetch: GuardedFetch, tool: URL): Promise<ReturnType<typeof readChallenge>> {
  try {
    const answer = await fetch(tool, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
    });
    return answer.status === 401 ? readChallenge(answer.headers.get("www-authenticate") ?? undefined) : undefined;
  } catch {
    // The well-known addresses are left; what is wrong with the server shows there as well.
    return undefined;
  }
}
