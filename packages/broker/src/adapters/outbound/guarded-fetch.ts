import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { callbackify } from "node:util";
import { Agent, type Dispatcher, request } from "undici";
import { fewLookups } from "./few-lookups.ts";
import { isLoopback, isSpecialUse } from "./special-use.ts";

/** Documents that are fetched here (client metadata, key sets, token answers) have a few kilobytes. */
export const MAX_FETCHED_BYTES = 64 * 1024;
/** Name look-ups under way at once. */
const MAX_LOOKUPS = 2;
/** From name resolution to the last byte. */
export const FETCH_TIMEOUT_MS = 5_000;

/** Why a fetch was not done or not believed. */
export type FetchRefusal = "url_refused" | "address_refused" | "redirect_refused" | "too_large" | "too_slow" | "not_json" | "unreachable";

/** A fetch that was stopped. The message names the host, never the answer. */
export class FetchRefused extends Error {
  override readonly name = "FetchRefused";
  readonly code: FetchRefusal;
  constructor(code: FetchRefusal, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

export interface GuardedFetchOptions {
  /** Development only: also lets `http:` and `https:` to this machine itself. Default false. */
  readonly allowLoopback?: boolean;
  /** Default MAX_FETCHED_BYTES. */
  readonly maxBytes?: number;
  /** Default FETCH_TIMEOUT_MS. */
  readonly timeoutMs?: number;
  /** Resolves a name to all its addresses. Default: the system's resolver. */
  readonly lookup?: (host: string) => Promise<readonly LookupAddress[]>;
  /** Certificates that are trusted beside the system's, PEM. Default none. */
  readonly ca?: string;
}

export interface GuardedRequest {
  /** Default `GET`. */
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Also believes an answer that is no JSON. Default false. */
  readonly anyType?: boolean;
  readonly signal?: AbortSignal | null;
}

/** Answers with a body that was read whole, is JSON by its type unless any will do, and came from a public address. @throws FetchRefused. */
export type GuardedFetch = (url: string | URL, init?: GuardedRequest) => Promise<Response>;

/**
 * The one way to fetch a URL that somebody else chose. Attacks: server-side request forgery to private addresses, DNS rebinding (the
 * connection goes to the very address that was checked), redirects inwards, endless or slow answers.
 */
export function createGuardedFetch(options: GuardedFetchOptions = {}): GuardedFetch {
  const { allowLoopback = false, maxBytes = MAX_FETCHED_BYTES, timeoutMs = FETCH_TIMEOUT_MS } = options;
  const resolve = fewLookups(options.lookup ?? ((host: string) => lookup(host, { all: true })), MAX_LOOKUPS);

  return async (input, init = {}) => {
    const url = checkedUrl(String(input), allowLoopback);
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = init.signal ? AbortSignal.any([timeout, init.signal]) : timeout;
    const agent = new Agent({
      connections: 1,
      // undici calls no other resolver: what this returns is what the socket connects to.
      connect: {
        lookup: checkedLookup((host) => resolve(host, signal), allowLoopback),
        timeout: timeoutMs,
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      },
      maxResponseSize: maxBytes,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    try {
      const answer = await request(url, {
        dispatcher: agent,
        method: init.method ?? "GET",
        headers: { accept: "application/json", ...init.headers },
        body: init.body ?? null,
        signal,
      });
      return await believed(answer, url, init.anyType === true);
    } catch (error) {
      throw asRefusal(error, url, timeout, maxBytes);
    } finally {
      await agent.destroy();
    }
  };
}

function checkedUrl(text: string, allowLoopback: boolean): URL {
  const url = URL.parse(text);
  if (url === null) throw new FetchRefused("url_refused", "the address to fetch is not a URL");
  if (url.username !== "" || url.password !== "")
    throw new FetchRefused("url_refused", "an address with a user name or password is not fetched");
  const host = bare(url);
  const literal = isIP(host) !== 0;
  const own = allowLoopback && (host === "localhost" || isLoopback(host));
  if (url.protocol !== "https:" && !(own && url.protocol === "http:"))
    throw new FetchRefused("url_refused", `\`${host}\` is not fetched without encryption; use an \`https:\` address`);
  // A literal is connected to without any lookup, so it is checked here.
  if (literal && isSpecialUse(host) && !own) throw refusedAddress(host);
  return url;
}

/** The host without the brackets of an IPv6 literal. The URL parser has already turned `0x7f.1` and `2130706433` into `127.0.0.1`. */
function bare({ hostname }: URL): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

/** Every address is checked, not only the one that is used: a name that also points inwards is somebody's attempt. */
function checkedLookup(resolve: NonNullable<GuardedFetchOptions["lookup"]>, allowLoopback: boolean): LookupFunction {
  const ask = callbackify(resolve);
  return (host, lookupOptions, done) => {
    ask(host, (error, found) => {
      if (error) return done(error, "", 4);
      const own = allowLoopback && host === "localhost";
      const [first] = found;
      if (first === undefined || found.some(({ address }) => isSpecialUse(address) && !(own && isLoopback(address))))
        return done(refusedAddress(host), "", 4);
      return lookupOptions.all === true ? done(null, [...found]) : done(null, first.address, first.family);
    });
  };
}

async function believed(answer: Dispatcher.ResponseData, url: URL, anyType: boolean): Promise<Response> {
  const { statusCode, headers, body } = answer;
  if (statusCode >= 300 && statusCode < 400)
    throw new FetchRefused("redirect_refused", `\`${url.host}\` answered with a redirect, which is not followed; give the final address`);
  const bytes = await body.arrayBuffer();
  const type = String(headers["content-type"] ?? "");
  // A server that wants a token first may say so with a page; what counts is in its header.
  const unread = statusCode === 401;
  if (!unread && !anyType && bytes.byteLength > 0 && !/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/iu.test(type))
    throw new FetchRefused("not_json", `\`${url.host}\` did not answer with JSON`);
  const kept = ["content-type", "cache-control", "expires", "www-authenticate"].flatMap((name): [string, string][] => {
    const value = headers[name];
    return typeof value === "string" ? [[name, value]] : [];
  });
  return new Response(bytes.byteLength === 0 ? null : bytes, { status: statusCode, headers: kept });
}

function refusedAddress(host: string): FetchRefused {
  return new FetchRefused("address_refused", `\`${host}\` leads to a private or special address, which is not fetched; use a public one`);
}

function asRefusal(error: unknown, url: URL, timeout: AbortSignal, maxBytes: number): FetchRefused {
  const refused = refusalIn(error);
  if (refused !== undefined) return refused;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE")
    return new FetchRefused("too_large", `\`${url.host}\` answered with more than ${maxBytes} bytes`);
  if (timeout.aborted || code === "UND_ERR_CONNECT_TIMEOUT" || code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT")
    return new FetchRefused("too_slow", `\`${url.host}\` did not answer in time`);
  return new FetchRefused("unreachable", `\`${url.host}\` cannot be reached`, { cause: error });
}

function refusalIn(error: unknown): FetchRefused | undefined {
  if (error instanceof FetchRefused) return error;
  return error instanceof Error && error.cause !== undefined ? refusalIn(error.cause) : undefined;
}
