import { auth as aiSdkAuth, createMCPClient } from "@ai-sdk/mcp";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { Client as ModernClient, DpopSession, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { auth as sdkAuth } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AGENTS } from "../../../../stories/world/notes-policy.ts";
import type { ConsentCompany } from "./consent.ts";
import { startConsentCompany } from "./consent.ts";
import { memoryProvider } from "./memory-provider.ts";
import { openedAiSdk, openedLangChain, openedModernSdk, openedSdk, startMcpRemote } from "./stock-clients.ts";
import type { Opened } from "./stock-clients.ts";

/** A database is made and a browser unpacked. */
const START_WITHIN_MS = 120_000;

let company: ConsentCompany;
beforeAll(async () => {
  company = await startConsentCompany();
}, START_WITHIN_MS);
afterAll(async () => company.close());

const mcp = (): URL => new URL(`${company.program.url}/mcp`);

/** The client's agent works: for Ada, as the agent she chose. */
async function works(open: Opened, note: string): Promise<void> {
  expect(await open.tools()).toContain("add_note");
  await open.call("add_note", { text: note });
  expect((await company.effects()).map((effect) => effect.args)).toContainEqual({ text: note });
  await open.close();
}

function sentTo(provider: { readonly sentTo: readonly URL[] }): URL {
  const url = provider.sentTo.at(-1);
  if (url === undefined) throw new Error("the client sent its person nowhere");
  return url;
}

test("the MCP TypeScript SDK, version 2: discovery, registration, PKCE, consent, token, call", async () => {
  const provider = memoryProvider("TypeScript SDK 2");
  const open = (): ModernClient => new ModernClient({ name: "sdk-2", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  const transport = new ModernTransport(mcp(), { authProvider: provider });
  await expect(open().connect(transport)).rejects.toThrow(/unauthorized/iu);
  const asked = sentTo(provider).searchParams;
  expect(asked.get("code_challenge_method")).toBe("S256");
  expect(asked.get("resource")).toBe(mcp().href);
  await transport.finishAuth((await company.allow(sentTo(provider))).searchParams);
  const claims = decodeJwt(provider.kept.tokens?.access_token ?? "");
  expect(claims).toMatchObject({ sub: "ada", act: { sub: AGENTS.drafting }, client_id: provider.kept.information?.client_id });
  const client = open();
  await client.connect(new ModernTransport(mcp(), { authProvider: provider }));
  await works(openedModernSdk(client), "from SDK 2");
});

test("the MCP TypeScript SDK, version 2, binds its token to a key when it is given one", async () => {
  const dpop = await DpopSession.create();
  const provider = memoryProvider("TypeScript SDK 2 with DPoP", dpop);
  const transport = new ModernTransport(mcp(), { authProvider: provider });
  await expect(new ModernClient({ name: "sdk-2", version: "1.0.0" }).connect(transport)).rejects.toThrow(/unauthorized/iu);
  await transport.finishAuth((await company.allow(sentTo(provider))).searchParams);
  expect(provider.kept.tokens?.token_type).toBe("DPoP");
  expect(decodeJwt(provider.kept.tokens?.access_token ?? "")).toMatchObject({ cnf: { jkt: dpop.thumbprint } });
  const client = new ModernClient({ name: "sdk-2", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  await client.connect(new ModernTransport(mcp(), { authProvider: provider }));
  await works(openedModernSdk(client), "from SDK 2 with a key");
});

test("a client whose token is over refreshes it without its person, for the same key", async () => {
  const dpop = await DpopSession.create();
  const provider = memoryProvider("TypeScript SDK 2, refreshing", dpop);
  const transport = new ModernTransport(mcp(), { authProvider: provider });
  await expect(new ModernClient({ name: "sdk-2", version: "1.0.0" }).connect(transport)).rejects.toThrow(/unauthorized/iu);
  await transport.finishAuth((await company.allow(sentTo(provider))).searchParams);
  const first = provider.kept.tokens;
  expect(first).toHaveProperty("refresh_token");
  provider.kept.tokens = { ...first, access_token: "over", token_type: "DPoP" };
  const client = new ModernClient({ name: "sdk-2", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  await client.connect(new ModernTransport(mcp(), { authProvider: provider }));
  await works(openedModernSdk(client), "after a refresh");
  expect(provider.sentTo).toHaveLength(1);
  expect(decodeJwt(provider.kept.tokens?.access_token ?? "")).toMatchObject({ cnf: { jkt: dpop.thumbprint } });
});

test("the MCP TypeScript SDK, version 1: discovery, registration, PKCE, consent, token, call", async () => {
  const provider = memoryProvider("TypeScript SDK 1");
  const transport = new StreamableHTTPClientTransport(mcp(), { authProvider: provider });
  await expect(new Client({ name: "sdk-1", version: "1.0.0" }).connect(transport)).rejects.toThrow(/unauthorized/iu);
  const back = (await company.allow(sentTo(provider))).searchParams;
  expect(back.get("state")).toBe("of-this-test");
  await transport.finishAuth(back.get("code") ?? "");
  const client = new Client({ name: "sdk-1", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(mcp(), { authProvider: provider }));
  await works(openedSdk(client), "from SDK 1");
});

test("the Vercel AI SDK: discovery, registration, PKCE, consent, token, call", async () => {
  const provider = memoryProvider("AI SDK");
  const open = (): ReturnType<typeof createMCPClient> =>
    createMCPClient({ transport: { type: "http", url: mcp().href, authProvider: provider } });
  await expect(open()).rejects.toThrow(/unauthorized/iu);
  const back = (await company.allow(sentTo(provider))).searchParams;
  const code = back.get("code") ?? "";
  expect(await aiSdkAuth(provider, { serverUrl: mcp(), authorizationCode: code, callbackIssuer: back.get("iss") ?? "" })).toBe(
    "AUTHORIZED",
  );
  await works(openedAiSdk(await open()), "from the AI SDK");
});

test("LangChain's MCP adapters: discovery, registration, PKCE, consent, token, call", async () => {
  const provider = memoryProvider("LangChain");
  const open = (): MultiServerMCPClient =>
    new MultiServerMCPClient({ broker: { transport: "http", url: mcp().href, authProvider: provider } });
  await expect(open().getTools()).rejects.toThrow();
  const back = (await company.allow(sentTo(provider))).searchParams;
  expect(await sdkAuth(provider, { serverUrl: mcp(), authorizationCode: back.get("code") ?? "" })).toBe("AUTHORIZED");
  await works(openedLangChain(open()), "from LangChain");
});

test("mcp-remote: it opens its person's browser, hears the code, and serves a client on stdio", async () => {
  const told = Promise.withResolvers<string>();
  let said = "";
  const opening = startMcpRemote(mcp().href, ["--auth-timeout", "60"], (text) => {
    said += text;
    const url = /https?:\/\/\S*\/oauth\/auth\?\S+/u.exec(said)?.[0];
    if (url !== undefined && said.includes(`${url}\n`)) told.resolve(url);
  });
  opening.catch(told.reject);
  const back = await company.allow(await told.promise);
  expect(back.pathname).toBe("/oauth/callback");
  await works(await opening, "from mcp-remote");
});
