import { Client, type OAuthClientProvider, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMcpEndpoint, type McpEndpoint } from "../../src/adapters/mcp/index.ts";
import { resourceMetadataUrl } from "../../src/adapters/oauth/metadata.ts";
import type { Presented } from "../../src/call/presented.ts";
import type { Session } from "../../src/domain/session.ts";
import { createMemorySurface, type MemoryOperation } from "../mcp/support/memory-surface.ts";
import { echo } from "../mcp/support/operations.ts";
import { openOAuthHouse, AGENT, type OAuthHouse } from "./support/house.ts";
import { REDIRECT, visit } from "./support/person-client.ts";

let house: OAuthHouse;
let endpoint: McpEndpoint;
let newest: Session | undefined;

const update: MemoryOperation = {
  kind: "tool",
  entry: { name: "update_ticket", description: "update", inputSchema: { type: "object" } },
  run: async () =>
    newest?.scope.includes("tickets:update") === true
      ? { content: [{ type: "text", text: "updated" }] }
      : {
          kind: "refused",
          callId: "call_1",
          code: "outside_session_scope",
          message: "this session was opened for tickets:read",
          rules: [],
          next: [{ kind: "reauthenticate", scope: "tickets:update" }],
        },
};

beforeAll(async () => {
  house = await openOAuthHouse();
  const memory = createMemorySurface([echo, update]);
  const surface = {
    ...memory,
    async session(presented: Presented) {
      const { tenant, session } = await house.ports.token(presented.token, new Date());
      newest = await house.store.sessions.find(tenant, session);
      if (newest !== undefined) memory.allow(presented.token ?? "", newest);
      return memory.session(presented);
    },
  };
  endpoint = createMcpEndpoint(surface, { publicUrl: () => house.url, resourceMetadataUrl: () => resourceMetadataUrl(house.url) });
  house.mount("/mcp", (req, res) => endpoint.handle(req, res));
});
afterAll(async () => {
  await endpoint.close();
  await house.close();
});

/** The SDK's provider, with a person who allows what is asked in a browser. */
function provider(scope: string): OAuthClientProvider & { readonly answers: URLSearchParams[]; readonly asked: URL[] } {
  const kept: {
    client?: Parameters<NonNullable<OAuthClientProvider["saveClientInformation"]>>[0];
    tokens?: Parameters<OAuthClientProvider["saveTokens"]>[0];
    verifier?: string;
  } = {};
  const answers: URLSearchParams[] = [];
  const asked: URL[] = [];
  return {
    answers,
    asked,
    redirectUrl: REDIRECT,
    clientMetadata: { client_name: "stock", redirect_uris: [REDIRECT], token_endpoint_auth_method: "none", scope },
    clientInformation: () => kept.client,
    saveClientInformation: (client) => void (kept.client = client),
    tokens: () => kept.tokens,
    saveTokens: (tokens) => void (kept.tokens = tokens),
    saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
    codeVerifier: () => kept.verifier ?? "",
    redirectToAuthorization: async (url) => {
      asked.push(url);
      const page = await visit(house, url.href, await house.cookieOf("ana"));
      const end = await page.follow(await page.answer({ csrf: page.csrf, answer: "allow", agent: AGENT, task: "T-17" }));
      answers.push(new URL(end.headers.get("location") ?? "about:blank").searchParams);
    },
  };
}

async function connected(auth: ReturnType<typeof provider>): Promise<Client> {
  const client = new Client({ name: "stock", version: "1" });
  const first = new StreamableHTTPClientTransport(new URL(`${house.url}/mcp`), { authProvider: auth });
  await expect(client.connect(first)).rejects.toBeInstanceOf(UnauthorizedError);
  await first.finishAuth(auth.answers.at(-1) ?? new URLSearchParams());
  const again = new Client({ name: "stock", version: "1" });
  await again.connect(new StreamableHTTPClientTransport(new URL(`${house.url}/mcp`), { authProvider: auth }));
  return again;
}

test("the SDK's client discovers, registers, asks the person and calls a tool", async () => {
  const client = await connected(provider("tickets:read"));
  expect(await client.callTool({ name: "echo", arguments: { a: 1 } })).toMatchObject({ content: [{ text: 'echo {"a":1}' }] });
  expect(newest).toMatchObject({ user: "ana", userProof: "signed-in", agent: AGENT, scope: ["tickets:read"] });
  await client.close();
});

test("the SDK's client steps up: a refusal for scope makes it ask the person for more", async () => {
  const auth = provider("tickets:read");
  const client = await connected(auth);
  await expect(client.callTool({ name: "update_ticket", arguments: {} })).rejects.toThrow();
  expect(auth.asked.at(-1)?.searchParams.get("scope")?.split(" ").toSorted()).toEqual(["tickets:read", "tickets:update"]);
  const transport = new StreamableHTTPClientTransport(new URL(`${house.url}/mcp`), { authProvider: auth });
  await transport.finishAuth(auth.answers.at(-1) ?? new URLSearchParams());
  const wider = new Client({ name: "stock", version: "1" });
  await wider.connect(transport);
  expect(await wider.callTool({ name: "update_ticket", arguments: {} })).toMatchObject({ content: [{ text: "updated" }] });
  await Promise.all([client.close(), wider.close()]);
});
