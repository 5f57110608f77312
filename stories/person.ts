import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Program } from "./program.ts";

/** A person as they speak to the people's interface: signed in, with a token. */
export interface SignedIn {
  readonly token: string;
  send(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** The held calls that wait, as this person sees them. */
  pending(): Promise<readonly Card[]>;
}

export interface Card {
  readonly id: string;
  readonly showing: string;
  readonly mayAnswer: boolean;
}

/** Signs a person in with a one-time code, as `bailiwick login` does. */
export async function signIn(program: Program, person: string): Promise<SignedIn> {
  const key = (await readFile(join(program.dataFolder, "operator.key"), "utf8")).trim();
  const { code } = (await (await sent(program, "POST", "/login-links", { person }, { authorization: `Bearer ${key}` })).json()) as {
    code: string;
  };
  const { token } = (await (await sent(program, "POST", "/people/token", { code })).json()) as { token: string };
  const send: SignedIn["send"] = (method, path, body, headers = {}) =>
    sent(program, method, path, body, { authorization: `Bearer ${token}`, ...headers });
  return {
    token,
    send,
    pending: async () => ((await (await send("GET", "/approvals?state=pending")).json()) as { approvals: Card[] }).approvals,
  };
}

export function sent(
  program: Pick<Program, "url">,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${program.url}/api/v1${path}`, {
    method,
    redirect: "manual",
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
}

/** Looks until something waits. */
export async function firstPending(person: Pick<SignedIn, "pending">): Promise<Card> {
  for (;;) {
    const [card] = await person.pending();
    if (card !== undefined) return card;
  }
}
