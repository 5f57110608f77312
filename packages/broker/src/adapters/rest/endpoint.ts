import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { logReads } from "./log-reads.ts";
import type { RestPorts } from "./ports.ts";
import { authorize, type Need, type Principal } from "./principal.ts";
import { Problem } from "./problem.ts";
import { problemSchema } from "../../rest-contract/schemas.ts";

/** Schema of a part of the request that must be empty. */
export const nothing = z.strictObject({});

/** What an endpoint is, said once: routing, checks and the OpenAPI document all come from it. */
export interface Endpoint<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType, A extends z.ZodType> {
  readonly method: "get" | "post" | "put";
  /** Path below `/api/v1`, parameters in braces. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly need: Need;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** What is not in this schema does not leave the broker. */
  readonly answer: A;
  handle(input: {
    readonly principal: Principal;
    /** The request itself: for cookies, and for nothing that a schema could parse. */
    readonly context: Context;
    readonly params: z.output<P>;
    readonly query: z.output<Q>;
    readonly body: z.output<B>;
  }): Promise<z.input<A>>;
}

/** Adds an endpoint: who asks is checked first, then the form of what they ask. A read of the log is recorded before it is answered. */
export function addEndpoint<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType, A extends z.ZodType>(
  app: OpenAPIHono,
  ports: RestPorts,
  endpoint: Endpoint<P, Q, B, A>,
): void {
  describe(app, endpoint);
  app.on(endpoint.method, [endpoint.path.replaceAll(/\{(\w+)\}/gu, ":$1")], async (c) => {
    const principal = await authorize(ports, c, endpoint.need);
    const params = parsePart(endpoint.params, c.req.param(), "path");
    const query = parsePart(endpoint.query, single(c.req.queries()), "query");
    const body = parsePart(endpoint.body, endpoint.method === "get" ? {} : await readJson(c), "body");
    const answer = endpoint.answer.parse(await endpoint.handle({ principal, context: c, params, query, body }));
    await logReads(ports).note({ method: endpoint.method, path: endpoint.path, principal, params, query, answer });
    return c.json(answer ?? null, 200);
  });
}

/** @throws Problem `malformed_request` that names the first member at fault, never its value. */
export function parsePart<S extends z.ZodType>(schema: S, value: unknown, part: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const at = [part, ...(issue?.path ?? [])].join(".");
  throw new Problem("malformed_request", `\`${at}\` is not valid: ${lowerFirst(issue?.message ?? "unreadable")}`, [
    "see `/api/v1/openapi.json` for what this address takes",
  ]);
}

function single(queries: Record<string, string[]>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(queries).map(([name, values]) => {
      if (values.length !== 1)
        throw new Problem("malformed_request", `\`query.${name}\` is given ${values.length} times`, ["give each query parameter once"]);
      return [name, values[0] ?? ""];
    }),
  );
}

/** @throws Problem `malformed_request`, `unsupported_media_type`. An absent body counts as `{}`. */
export async function readJson(c: Context): Promise<unknown> {
  const text = await c.req.text();
  if (text === "") return {};
  if (!/^application\/json\s*(;|$)/iu.test(c.req.header("content-type") ?? "")) {
    throw new Problem("unsupported_media_type", "the body is not sent as `application/json`", [
      "set the header `content-type: application/json`",
    ]);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("malformed_request", "the body is not JSON", ["send one JSON object"]);
  }
}

function describe<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType, A extends z.ZodType>(
  app: OpenAPIHono,
  endpoint: Endpoint<P, Q, B, A>,
): void {
  const problem = { content: { "application/problem+json": { schema: problemSchema } } };
  app.openAPIRegistry.registerPath({
    method: endpoint.method,
    path: `/api/v1${endpoint.path}`,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    security:
      endpoint.need === "operator-key"
        ? [{ operatorKey: [] }]
        : [
            { personCookie: [] },
            { personToken: [] },
            ...(endpoint.need === "answer" || endpoint.need === "self" ? [] : [{ operatorKey: [] }]),
          ],
    request: {
      params: endpoint.params,
      query: endpoint.query,
      ...(endpoint.method === "get" ? {} : { body: { content: { "application/json": { schema: endpoint.body } } } }),
    },
    responses: {
      200: { description: endpoint.summary, content: { "application/json": { schema: endpoint.answer } } },
      400: { description: "the request is not well-formed", ...problem },
      401: { description: "not signed in", ...problem },
      403: { description: "not allowed", ...problem },
      default: { description: "any other problem", ...problem },
    },
  });
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
