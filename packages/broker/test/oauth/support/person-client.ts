import { createHash, randomBytes } from "node:crypto";
import { given, type TokenAnswer } from "./answers.ts";
import { AGENT, type OAuthHouse } from "./house.ts";

/** Where the test's client wants its codes; nothing listens there. */
export const REDIRECT = "http://127.0.0.1:53123/callback";

/** A public client with a person's browser, as an MCP client has it. */
export interface PersonClient {
  readonly id: string;
  /** The address of an authorization request. */
  addressOf(parameters?: Record<string, string | undefined>): string;
  /** Opens the authorization request in the person's browser. */
  authorize(parameters?: Record<string, string | undefined>): Promise<Visit>;
  /** From the request to the code's parameters in the redirect. */
  codeFor(parameters?: Record<string, string | undefined>, answers?: Record<string, string>): Promise<URLSearchParams>;
  redeem(code: string, more?: Record<string, string>, headers?: Record<string, string>): Promise<Response>;
  refresh(token: string, more?: Record<string, string>, headers?: Record<string, string>): Promise<Response>;
  /** The whole flow. */
  signIn(parameters?: Record<string, string | undefined>, answers?: Record<string, string>): Promise<TokenAnswer>;
  readonly verifier: string;
}

/** What the browser is shown. */
export interface Visit {
  /** The last answer, which is not a redirect to a page of ours. */
  readonly response: Response;
  readonly url: string;
  readonly html: string;
  /** Sends the form of the page. */
  answer(fields: Record<string, string>, headers?: Record<string, string>): Promise<Response>;
  /** Follows our own redirects with the browser's cookies. */
  follow(response: Response): Promise<Response>;
  readonly csrf: string;
}

export async function registerClient(house: OAuthHouse, metadata: Record<string, unknown> = {}): Promise<Response> {
  return fetch(`${house.url}/oauth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ client_name: "Desk", redirect_uris: [REDIRECT], token_endpoint_auth_method: "none", ...metadata }),
  });
}

export async function personClient(house: OAuthHouse, person = "ana", clientId?: string): Promise<PersonClient> {
  const id = clientId ?? ((await (await registerClient(house)).json()) as { client_id: string }).client_id;
  const verifier = randomBytes(32).toString("base64url");
  const cookie = await house.cookieOf(person);

  const addressOf: PersonClient["addressOf"] = (parameters = {}) => {
    const all: Record<string, string | undefined> = {
      response_type: "code",
      client_id: id,
      redirect_uri: REDIRECT,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
      state: "st4te",
      scope: "tickets:read tickets:update",
      resource: `${house.url}/mcp`,
      ...parameters,
    };
    const query = new URLSearchParams(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
    return `${house.peopleUrl}/oauth/auth?${query.toString()}`;
  };
  const authorize: PersonClient["authorize"] = (parameters) => visit(house, addressOf(parameters), cookie);

  const codeFor: PersonClient["codeFor"] = async (parameters, answers = {}) => {
    const page = await authorize(parameters);
    const sent = await page.answer({ csrf: page.csrf, answer: "allow", agent: AGENT, task: "T-17", ...answers });
    const end = await page.follow(sent);
    return new URL(end.headers.get("location") ?? "about:blank").searchParams;
  };

  const redeem: PersonClient["redeem"] = (code, more = {}, headers = {}) =>
    house.token(
      { grant_type: "authorization_code", client_id: id, redirect_uri: REDIRECT, code_verifier: verifier, code, ...more },
      headers,
    );

  return {
    id,
    verifier,
    addressOf,
    authorize,
    codeFor,
    redeem,
    refresh: (token, more = {}, headers = {}) =>
      house.token({ grant_type: "refresh_token", client_id: id, refresh_token: token, ...more }, headers),
    signIn: async (parameters, answers) => given(await redeem((await codeFor(parameters, answers)).get("code") ?? "")),
  };
}

/** A browser without script: follows redirects and `refresh` of our own pages, keeps cookies by path. */
export async function visit(house: OAuthHouse, start: string, personCookie: string | undefined): Promise<Visit> {
  const jar = new Map<string, { readonly value: string; readonly path: string }>();

  async function send(
    url: string,
    init: Omit<RequestInit, "headers"> & { readonly headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const { pathname } = new URL(url);
    const own = [...jar].filter(([, { path }]) => pathname === path || pathname.startsWith(path.endsWith("/") ? path : `${path}/`));
    const cookies = [...(personCookie === undefined ? [] : [personCookie]), ...own.map(([name, { value }]) => `${name}=${value}`)];
    const response = await fetch(url, { redirect: "manual", ...init, headers: { cookie: cookies.join("; "), ...init.headers } });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      const path = /;\s*path=([^;]+)/iu.exec(line)?.[1] ?? "/";
      const at = pair.indexOf("=");
      jar.set(pair.slice(0, at), { value: pair.slice(at + 1), path });
    }
    return response;
  }

  async function follow(first: Response, from = start): Promise<{ readonly response: Response; readonly url: string }> {
    let response = first;
    let url = from;
    for (let step = 0; step < 8; step += 1) {
      const location = response.headers.get("location");
      if (location === null) break;
      const next = new URL(location, url);
      if (next.origin !== house.peopleUrl && next.origin !== house.url) break;
      url = next.href;
      response = await send(url);
    }
    return { response, url };
  }

  const { response, url } = await follow(await send(start));
  const html = response.headers.get("content-type")?.includes("html") === true ? await response.clone().text() : "";
  return {
    response,
    url,
    html,
    csrf: /name="csrf" value="([^"]+)"/u.exec(html)?.[1] ?? "",
    answer: (fields, headers = {}) =>
      send(url, {
        method: "POST",
        body: new URLSearchParams(fields).toString(),
        headers: { "content-type": "application/x-www-form-urlencoded", origin: house.peopleUrl, ...headers },
      }),
    follow: async (next) => (await follow(next, url)).response,
  };
}
