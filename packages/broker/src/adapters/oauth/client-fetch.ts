import { FetchRefused } from "../outbound/guarded-fetch.ts";
import { networkOf } from "./network-of.ts";
import type { OAuthPorts } from "./oauth-ports.ts";

/** Fetches of documents and key sets of clients that strangers can cause in an hour, each and together. */
const MAX_FETCHES_EACH = 240;
const MAX_FETCHES = 2_400;
const HOUR_MS = 60 * 60 * 1000;
/** The provider makes a client with a document anew for each request, and would fetch its key set each time. */
const KEPT_MS = 60_000;
const MAX_KEPT = 100;

type ClientFetch = (url: string | URL, init: { readonly signal?: AbortSignal | undefined }) => Promise<Response>;

interface Kept {
  readonly answer: Promise<Read>;
  readonly untilMs: number;
}

/** An answer that was read; each who asks gets one of their own. */
interface Read {
  readonly body: ArrayBuffer;
  readonly status: number;
  readonly headers: Headers;
}

/**
 * How the provider fetches what clients name: each address once in a while, counted for whoever asked. Attack: a broker that strangers point
 * at somebody else. `peer` is the address the request in hand came from; without one the fetched host is held to the limit.
 */
export function clientFetch(
  { fetch, attempt, now }: Pick<OAuthPorts, "fetch" | "attempt" | "now">,
  peer: () => string | undefined,
): ClientFetch {
  const kept = new Map<string, Kept>();

  async function counted(url: string, signal: AbortSignal | undefined): Promise<Read> {
    const ip = peer();
    const who = ip === undefined ? (URL.parse(url)?.host ?? "") : networkOf(ip);
    const keys = [
      { key: `oauth document ${who}`, max: MAX_FETCHES_EACH },
      { key: "oauth document", max: MAX_FETCHES },
    ];
    if (!(await attempt(keys, HOUR_MS, now())))
      throw new FetchRefused("url_refused", "too many documents of clients were fetched lately; try again in an hour");
    const answer = await fetch(url, { signal: signal ?? null });
    return { body: await answer.arrayBuffer(), status: answer.status, headers: answer.headers };
  }

  return async (input, { signal }) => {
    const url = String(input);
    const known = kept.get(url);
    if (known !== undefined && known.untilMs > now().getTime()) return responseOf(await known.answer);
    const answer = counted(url, signal);
    kept.delete(url);
    for (const oldest of kept.keys()) {
      if (kept.size < MAX_KEPT) break;
      kept.delete(oldest);
    }
    const asked = { answer, untilMs: now().getTime() + KEPT_MS };
    kept.set(url, asked);
    answer.catch(() => {
      if (kept.get(url) === asked) kept.delete(url);
    });
    return responseOf(await answer);
  };
}

function responseOf({ body, status, headers }: Read): Response {
  return new Response(body.byteLength === 0 ? null : body, { status, headers });
}
