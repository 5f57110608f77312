import { Fault } from "../../domain/fault.ts";
import { FetchRefused, type GuardedFetch, type GuardedRequest } from "../outbound/guarded-fetch.ts";

/** A tool's tokens cannot be had. The message names addresses and OAuth error codes, never what was sent or answered. */
export function unavailable(what: string, cause?: unknown): Fault {
  return new Fault("credential_unavailable", what, cause === undefined ? undefined : { cause });
}

/** The token endpoint refused what was presented; `oauthError` is its code (RFC 6749 section 5.2). */
export class TokenRefused extends Fault {
  readonly oauthError: string;
  constructor(oauthError: string, message: string) {
    super("credential_unavailable", message);
    this.oauthError = oauthError;
  }
}

/** @throws Fault `credential_unavailable` for whatever keeps the fetch from an answer. */
export async function ask(fetch: GuardedFetch, url: string, init?: GuardedRequest): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    const why = cause instanceof FetchRefused ? cause.message : "no reason given";
    throw unavailable(`an address of the tool's authorization is not used: ${why}`, cause);
  }
}

export async function jsonOf(answer: Response): Promise<unknown> {
  try {
    return await answer.json();
  } catch {
    return undefined;
  }
}
