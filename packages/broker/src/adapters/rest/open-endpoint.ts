import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { problemSchema } from "../../rest-contract/schemas.ts";
import { nothing, parsePart, readJson } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { checkOrigin } from "./principal.ts";

/** An endpoint that needs no sign-in, because it makes one. Only the broker's own pages may use it. */
interface OpenEndpoint<B extends z.ZodType, A extends z.ZodType> {
  readonly method: "get" | "post";
  /** Path below `/api/v1`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly body: B;
  /** What is not in this schema does not leave the broker. */
  readonly answer: A;
  handle(input: { readonly context: Context; readonly body: z.output<B> }): Promise<z.input<A>>;
}

/**
 * Adds it. Its answers set cookies, so a request that changes something must say that it comes from our own page (`Origin`): otherwise
 * another site could sign its visitor in under the attacker's name (login CSRF).
 */
export function addOpenEndpoint<B extends z.ZodType, A extends z.ZodType>(
  app: OpenAPIHono,
  ports: Pick<RestPorts, "origins">,
  endpoint: OpenEndpoint<B, A>,
): void {
  describe(app, endpoint);
  app.on(endpoint.method, [endpoint.path], async (c) => {
    const origin = c.req.header("origin");
    if (origin !== undefined) checkOrigin(ports.origins, origin);
    parsePart(nothing, c.req.query(), "query");
    const body = parsePart(endpoint.body, endpoint.method === "get" ? {} : await readJson(c), "body");
    if (endpoint.method === "post") checkOrigin(ports.origins, origin);
    return c.json(endpoint.answer.parse(await endpoint.handle({ context: c, body })) ?? null, 200);
  });
}

function describe<B extends z.ZodType, A extends z.ZodType>(app: OpenAPIHono, endpoint: OpenEndpoint<B, A>): void {
  const problem = { content: { "application/problem+json": { schema: problemSchema } } };
  app.openAPIRegistry.registerPath({
    method: endpoint.method,
    path: `/api/v1${endpoint.path}`,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    security: [],
    request: endpoint.method === "get" ? {} : { body: { content: { "application/json": { schema: endpoint.body } } } },
    responses: {
      200: { description: endpoint.summary, content: { "application/json": { schema: endpoint.answer } } },
      400: { description: "the request is not well-formed", ...problem },
      default: { description: "any other problem", ...problem },
    },
  });
}
