import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { exportJWK, type JWK, SignJWT } from "jose";

/** A key of a partner, as it signs with it and as it publishes it. */
export interface PartnerKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK;
}

/** A partner's server on a loopback port: metadata, a key set and a SPIFFE bundle, all over real HTTP. */
export interface PartnerServer {
  readonly issuer: string;
  /** What `/jwks` publishes; may be changed while it runs. */
  keys: readonly PartnerKey[];
  /** What `/bundle` publishes. */
  bundle: readonly PartnerKey[];
  /** What the token endpoint answers; every request is kept in `forms`. */
  token: { status: number; body: unknown };
  readonly forms: URLSearchParams[];
  /** Where its metadata says its token endpoint is; its own by default. */
  tokenEndpoint: string;
  /** How often `/jwks` was asked for. */
  asked(): number;
  /** How often something was asked for that is not there. */
  missed(): number;
  close(): Promise<void>;
}

export async function servePartner(): Promise<PartnerServer> {
  let asked = 0;
  let missed = 0;
  const state: Pick<PartnerServer, "keys" | "bundle" | "token" | "tokenEndpoint"> = {
    keys: [],
    bundle: [],
    token: { status: 404, body: {} },
    tokenEndpoint: "",
  };
  const forms: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    const answer = (body: unknown): void => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(body));
    };
    switch (request.url ?? "") {
      case "/.well-known/oauth-authorization-server":
        return answer({ issuer, jwks_uri: `${issuer}/jwks`, token_endpoint: state.tokenEndpoint });
      case "/jwks":
        asked += 1;
        return answer({ keys: state.keys.map(({ publicJwk }) => publicJwk) });
      case "/bundle":
        return answer({ keys: state.bundle.map(({ publicJwk }) => ({ ...publicJwk, use: "jwt-svid" })) });
      case "/oauth/token":
        return void text(request).then((body) => {
          forms.push(new URLSearchParams(body));
          response.statusCode = state.token.status;
          answer(state.token.body);
        });
      default:
        missed += 1;
        response.statusCode = 404;
        return answer({});
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the partner's server has no port");
  const issuer = `http://127.0.0.1:${address.port}`;
  state.tokenEndpoint = `${issuer}/oauth/token`;
  return Object.assign(state, {
    issuer,
    forms,
    asked: () => asked,
    missed: () => missed,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  });
}

export async function partnerKey(alg: "ES256" | "RS256" | "PS256" | "EdDSA" = "ES256"): Promise<PartnerKey> {
  const { privateKey, publicKey } = pairFor(alg);
  const kid = randomBytes(6).toString("hex");
  return { kid, alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

function pairFor(alg: "ES256" | "RS256" | "PS256" | "EdDSA"): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  switch (alg) {
    case "ES256":
      return generateKeyPairSync("ec", { namedCurve: "P-256" });
    case "RS256":
    case "PS256":
      return generateKeyPairSync("rsa", { modulusLength: 2048 });
    case "EdDSA":
      return generateKeyPairSync("ed25519");
  }
}

export interface SignOptions {
  readonly typ?: string | undefined;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Claims; one that is undefined is left out. */
  readonly claims: Readonly<Record<string, unknown>>;
}

export async function signed(key: PartnerKey, { typ, header = {}, claims }: SignOptions): Promise<string> {
  const present = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
  return new SignJWT(present)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...(typ === undefined ? {} : { typ }), ...header })
    .sign(key.privateKey);
}
