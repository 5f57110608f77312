import createClient from "openapi-fetch";
import { heardTime } from "./clock.ts";
import type { components, paths } from "./contract.d.ts";
import { askAgainAfterNewSignIn } from "./new-sign-in.ts";

/** A schema of the broker's OpenAPI document, by its name there. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

/** What the broker said no to, or why it could not be asked. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly status: number;
  readonly code: string | undefined;
  /** What to do next, in the broker's words. */
  readonly next: readonly string[];
  constructor(status: number, problem: { readonly detail: string; readonly code?: string | undefined; readonly next: readonly string[] }) {
    super(problem.detail);
    this.status = status;
    this.code = problem.code;
    this.next = problem.next;
  }
}

/** Every address of the broker, typed by its own OpenAPI document. The header proves that this page asks: another site cannot send it. */
export const api = createClient<paths>({
  baseUrl: location.origin,
  headers: { "x-bailiwick-client": "console" },
  cache: "no-store",
  credentials: "same-origin",
});

api.use({ onResponse: ({ response }) => heardTime(response.headers.get("date")) }, askAgainAfterNewSignIn());

/**
 * The answer's data. `const { calls } = await answerOf(api.GET("/api/v1/calls", { params: { query: {} } }))`.
 * @throws ApiProblem. Without a sign-in it goes to the sign-in page instead, which leads back here.
 */
export async function answerOf<T>(
  asked: Promise<{ readonly data?: T; readonly error?: unknown; readonly response: Response }>,
): Promise<T> {
  const { data, error, response } = await asked.catch(() => {
    throw new ApiProblem(0, { detail: "the broker does not answer", next: ["see whether `bailiwick up` still runs"] });
  });
  if (response.ok && data !== undefined) return data;
  if (response.status === 401) await signIn();
  throw new ApiProblem(response.status, problemOf(error, response.status));
}

/** Leads to the sign-in page and back to this address. Never resolves: the page is on its way. */
async function signIn(): Promise<never> {
  const here = `${location.pathname}${location.search}`;
  location.replace(here === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(here)}`);
  return new Promise(() => {});
}

function problemOf(error: unknown, status: number): { detail: string; code?: string | undefined; next: readonly string[] } {
  if (typeof error !== "object" || error === null) return { detail: `the broker answered ${status} and said no more`, next: [] };
  const { detail, code, next } = error as Readonly<Record<string, unknown>>;
  return {
    detail: typeof detail === "string" ? detail : `the broker answered ${status} and said no more`,
    code: typeof code === "string" ? code : undefined,
    next: Array.isArray(next) ? next.filter((step) => typeof step === "string") : [],
  };
}
