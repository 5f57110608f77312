import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import { serveHttp } from "../../../../tools/conformance/fixture/http.ts";

/** A real MCP server behind a check of tokens (RFC 9068), as a protected resource of its own (RFC 9728). */
export interface GuardedTool {
  readonly url: string;
  /** Payloads of the tokens that it took, newest last. */
  readonly taken: JWTPayload[];
  /** Every `authorization` header that came. */
  readonly headers: string[];
  /** What its metadata says; may be changed while it runs. */
  metadata: { status: number; body: unknown; location?: string };
  /** The scope its first challenge names. */
  challenge: string | undefined;
  /** Tools that take a scope of their own. */
  needs: Readonly<Record<string, string>>;
  /** Tokens that it takes no more, by `jti`. */
  readonly ended: Set<string>;
  close(): Promise<void>;
}

export async function startGuardedTool(issuer: string, jwks: { readonly keys: readonly object[] }): Promise<GuardedTool> {
  const inner = await serveHttp({ port: 0, eras: new Set(["modern", "legacy"]) });
  const target = new URL(inner.url);
  const keys = createLocalJWKSet(jwks as JSONWebKeySet);
  const server = createServer((req, res) => {
    serve(req, res).catch((error: unknown) => res.destroy(error instanceof Error ? error : undefined));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the guarded tool has no port");
  const origin = `http://localhost:${address.port}`;
  const url = `${origin}/mcp`;
  const wellKnown = "/.well-known/oauth-protected-resource/mcp";

  function refuse(res: ServerResponse, status: 401 | 403, error: string | undefined, scope: string | undefined): void {
    const parts = [`Bearer resource_metadata="${origin}${wellKnown}"`];
    if (error !== undefined) parts.push(`error="${error}"`);
    if (scope !== undefined) parts.push(`scope="${scope}"`);
    res.writeHead(status, { "www-authenticate": parts.join(", ") }).end("no");
  }

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await text(req);
    if (req.url === wellKnown) {
      const { status, body: document, location } = state.metadata;
      res.writeHead(status, { "content-type": "application/json", ...(location === undefined ? {} : { location }) });
      res.end(JSON.stringify(document));
      return;
    }
    if (req.url !== "/mcp") return void res.writeHead(404).end();
    const header = req.headers.authorization;
    if (header !== undefined) state.headers.push(header);
    const payload = await payloadOf(header);
    if (payload === undefined) return refuse(res, 401, header === undefined ? undefined : "invalid_token", state.challenge);
    const called = /"method":"tools\/call".*?"name":"(\w+)"|"name":"(\w+)".*?"method":"tools\/call"/u.exec(body);
    const needed = state.needs[called?.[1] ?? called?.[2] ?? ""];
    if (needed !== undefined && !String(payload["scope"]).split(" ").includes(needed))
      return refuse(res, 403, "insufficient_scope", needed);
    state.taken.push(payload);
    const { host: _host, authorization: _authorization, ...kept } = req.headers;
    const onward = httpRequest(
      { host: "127.0.0.1", port: target.port, path: "/mcp", method: req.method, headers: { ...kept, host: target.host } },
      (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(res);
      },
    );
    res.on("close", () => onward.destroy());
    onward.on("error", () => res.destroy());
    onward.end(body);
  }

  async function payloadOf(header: string | undefined): Promise<JWTPayload | undefined> {
    const token = /^Bearer (\S+)$/u.exec(header ?? "")?.[1];
    if (token === undefined) return undefined;
    try {
      const { payload } = await jwtVerify(token, keys, { issuer, audience: url, algorithms: ["ES256"] });
      return state.ended.has(payload.jti ?? "") ? undefined : payload;
    } catch {
      return undefined;
    }
  }

  const state: GuardedTool = {
    url,
    taken: [],
    headers: [],
    metadata: { status: 200, body: { resource: url, authorization_servers: [issuer] } },
    challenge: "notes:read",
    needs: {},
    ended: new Set(),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      await inner.close();
    },
  };
  return state;
}
