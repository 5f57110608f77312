import type { DpopSession, OAuthDiscoveryState } from "@modelcontextprotocol/client";

/** What a client registered as, and what it was given: kept as it came. */
interface Kept {
  information?: Record<string, unknown> & { client_id: string };
  tokens?: Record<string, unknown> & { access_token: string; token_type: string };
  verifier?: string;
  discovery?: OAuthDiscoveryState;
}

/** A page of the client's own on this machine; the test reads the address the browser is sent to. */
export const CALLBACK = "http://127.0.0.1:53682/callback";

/**
 * The OAuth side of a stock client, as its documentation has a developer write it: in memory, with the person's browser left to the test.
 * One for three packages that each declare the interface a little differently; the return type is what all of them take.
 */
export function memoryProvider(name: string, dpop?: DpopSession) {
  const kept: Kept = {};
  const sentTo: URL[] = [];
  return {
    kept,
    sentTo,
    redirectUrl: CALLBACK,
    clientMetadata: {
      client_name: name,
      redirect_uris: [CALLBACK],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    },
    state: () => "of-this-test",
    clientInformation: () => kept.information,
    saveClientInformation: (information: NonNullable<Kept["information"]>) => void (kept.information = information),
    tokens: () => kept.tokens,
    saveTokens: (tokens: NonNullable<Kept["tokens"]>) => void (kept.tokens = tokens),
    redirectToAuthorization: (url: URL) => void sentTo.push(url),
    saveCodeVerifier: (verifier: string) => void (kept.verifier = verifier),
    codeVerifier: () => kept.verifier ?? "",
    saveDiscoveryState: (state: OAuthDiscoveryState) => void (kept.discovery = state),
    discoveryState: () => kept.discovery,
    ...(dpop === undefined ? {} : { dpop: () => dpop }),
  };
}
