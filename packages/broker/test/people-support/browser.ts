import { z } from "zod";
import { softAuthenticator, type Authenticator } from "./authenticator.ts";
import { PUBLIC_URL, type RestHouse } from "./rest.ts";

/** Where people open the house that `openRestHouse` makes. */
export const PEOPLE_URL = PUBLIC_URL.replace("127.0.0.1", "localhost");
export const PLACE = { rpId: "localhost", origin: PEOPLE_URL };

const optionsAnswer = z.looseObject({ options: z.record(z.string(), z.unknown()) });
const stepUpAnswer = z.object({ document: z.record(z.string(), z.unknown()), options: z.record(z.string(), z.unknown()) });
export const problemAnswer = z.looseObject({ code: z.string(), detail: z.string(), next: z.array(z.string()).min(1) });

/** A browser with its cookies, on the broker's own pages. */
export interface PeopleBrowser {
  readonly cookies: Map<string, string>;
  /** Attributes that the last answer gave each cookie. */
  readonly attributes: Map<string, string>;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  post(path: string, body: unknown): Promise<Response>;
  get(path: string): Promise<Response>;
  /** Sends and expects 200. */
  done(path: string, body: unknown): Promise<Record<string, unknown>>;
  /** Status and problem code. */
  refused(path: string, body: unknown): Promise<[number, string]>;
}

export function openPeopleBrowser(house: Pick<RestHouse, "app">, origin = PEOPLE_URL): PeopleBrowser {
  const cookies = new Map<string, string>();
  const attributes = new Map<string, string>();
  const send: PeopleBrowser["send"] = async (method, path, body, headers = {}) => {
    const cookie = Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ");
    const answer = await house.app.request(path, {
      method,
      headers: {
        ...(method === "GET" ? {} : { origin, "x-bailiwick-client": "console", "content-type": "application/json" }),
        ...(cookie === "" ? {} : { cookie }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    for (const line of answer.headers.getSetCookie()) keep(cookies, attributes, line);
    return answer;
  };
  const post = async (path: string, body: unknown): Promise<Response> => send("POST", `/api/v1${path}`, body);
  return {
    cookies,
    attributes,
    send,
    post,
    get: async (path) => send("GET", `/api/v1${path}`),
    done: async (path, body) => {
      const answer = await post(path, body);
      const value: unknown = await answer.json();
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(value)}`);
      return z.record(z.string(), z.unknown()).parse(value);
    },
    refused: async (path, body) => {
      const answer = await post(path, body);
      return [answer.status, problemAnswer.parse(await answer.json()).code];
    },
  };
}

function keep(cookies: Map<string, string>, attributes: Map<string, string>, line: string): void {
  const [pair = "", ...rest] = line.split("; ");
  const at = pair.indexOf("=");
  const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
  attributes.set(name, rest.join("; "));
  if (value === "") cookies.delete(name);
  else cookies.set(name, value);
}

/** The code of an enrolment link that the operator makes. */
export async function invitationCode(house: RestHouse, person: string): Promise<string> {
  const answer = await house.operator("POST", `/api/v1/people/${person}/invite`, {});
  const { url } = z.object({ url: z.string() }).parse(await answer.json());
  return url.slice(url.indexOf("#") + 1);
}

/** Enrols a person with a new passkey in this browser, which is signed in afterwards. */
export async function enrol(
  house: RestHouse,
  person: string,
  browser: PeopleBrowser = openPeopleBrowser(house),
): Promise<{ readonly browser: PeopleBrowser; readonly passkey: Authenticator; readonly recoveryCodes: readonly string[] }> {
  const code = await invitationCode(house, person);
  const passkey = softAuthenticator(PLACE);
  const { options } = optionsAnswer.parse(await browser.done("/enrolment/options", { code }));
  const made = await browser.done("/enrolment/passkey", { code, name: "key", credential: passkey.register(options) });
  return { browser, passkey, recoveryCodes: z.array(z.string()).parse(made["recoveryCodes"]) };
}

/** Signs in with a passkey. */
export async function signIn(browser: PeopleBrowser, passkey: Authenticator, next?: string): Promise<Record<string, unknown>> {
  const { options } = optionsAnswer.parse(await browser.done("/sign-in/options", {}));
  return browser.done("/sign-in/passkey", { credential: passkey.assert(options), ...(next === undefined ? {} : { next }) });
}

/** The options of a ceremony that a browser begins. */
export async function begin(browser: PeopleBrowser, path: string, body: unknown = {}): Promise<Record<string, unknown>> {
  return optionsAnswer.parse(await browser.done(path, body)).options;
}

/** A person's signature over an act, as an endpoint takes it. */
export async function stepUp(
  browser: PeopleBrowser,
  passkey: Authenticator,
  act: { readonly action: string; readonly subject: string },
): Promise<{ document: Record<string, unknown>; assertion: ReturnType<Authenticator["assert"]> }> {
  const { document, options } = stepUpAnswer.parse(await browser.done("/account/step-ups", act));
  return { document, assertion: passkey.assert(options) };
}
