import { z } from "zod";
import { CLIENT_HEADER } from "../rest-contract/names.ts";
import { problemSchema } from "../rest-contract/schemas.ts";
import { CliFailure } from "./failure.ts";

/** A running broker, spoken to as one caller. */
export interface BrokerClient {
  readonly url: string;
  get<S extends z.ZodType>(path: string, answer: S, query?: Readonly<Record<string, string | undefined>>): Promise<z.output<S>>;
  /** What is at an address, as it stands; undefined when there is nothing. */
  file(path: string): Promise<Uint8Array | undefined>;
  send<S extends z.ZodType>(method: "POST" | "PUT", path: string, answer: S, body: unknown): Promise<z.output<S>>;
}

/** A command waits this long for one answer; `audit verify` of a large log takes the longest. */
const TIMEOUT_MS = 120_000;

/** @throws CliFailure when the broker cannot be reached, refuses, or answers something else than it should. */
export function createBrokerClient(options: { readonly url: string; readonly bearer: string; readonly fetch: typeof fetch }): BrokerClient {
  async function request<S extends z.ZodType>(method: string, path: string, answer: S, body: unknown): Promise<z.output<S>> {
    const response = await reach(options, method, path, body);
    const value: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw refusal(response.status, value);
    const parsed = answer.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new CliFailure("fault", `the broker at \`${options.url}\` answered something this command does not understand`, [
      "check that both are the same version: `bailiwick doctor`",
    ]);
  }
  return {
    url: options.url,
    get: async (path, answer, query = {}) => request("GET", `${path}${queryText(query)}`, answer, undefined),
    file: async (path) => {
      const response = await reach(options, "GET", path, undefined);
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
      const value: unknown = await response.json().catch(() => undefined);
      if (response.status === 404) return undefined;
      throw refusal(response.status, value);
    },
    send: async (method, path, answer, body) => request(method, path, answer, body),
  };
}

async function reach(
  options: { readonly url: string; readonly bearer: string; readonly fetch: typeof fetch },
  method: string,
  path: string,
  body: unknown,
): Promise<Response> {
  try {
    return await options.fetch(`${options.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${options.bearer}`,
        [CLIENT_HEADER]: "cli",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: "error",
    });
  } catch {
    throw new CliFailure("fault", `no broker answers at \`${options.url}\``, [
      "start it with `bailiwick up`",
      "or see what is wrong with `bailiwick doctor`",
    ]);
  }
}

function refusal(status: number, value: unknown): CliFailure {
  const problem = problemSchema.safeParse(value);
  const kind = status >= 500 ? "fault" : "refused";
  if (!problem.success)
    return new CliFailure(kind, `the broker answered with status ${status}`, ["see what is wrong with `bailiwick doctor`"]);
  return new CliFailure(kind, problem.data.detail, problem.data.next, problem.data.code);
}

function queryText(query: Readonly<Record<string, string | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, value);
  return parameters.size === 0 ? "" : `?${parameters.toString()}`;
}
