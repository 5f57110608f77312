import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import type { JsonObject } from "@bailiwick/policy";
import { importJWK, SignJWT } from "jose";
import type { JWK } from "jose";
import type { Program } from "./program.ts";

const PROTOCOL = "2025-11-25";

/** An agent as a developer would write one with nothing but fetch and a JWT library. */
export interface Agent {
  readonly token: string;
  /** `tools/call`; the result as it came, or an object with `error`. */
  call(name: string, args?: JsonObject): Promise<CallResult>;
  /** Names in `tools/list`. */
  tools(): Promise<readonly string[]>;
  rpc(method: string, params: JsonObject): Promise<JsonObject>;
}

export interface CallResult {
  readonly text: string;
  readonly isError: boolean;
  readonly structured: JsonObject;
  /** Code of the refusal; undefined when the call was not refused. */
  readonly refusal: string | undefined;
  readonly raw: JsonObject;
}

/** Makes a key for the agent with the command line, as its owner does once. Returns the file of the private key. */
export async function registerAgent(program: Program, agent: string): Promise<string> {
  const file = join(program.dataFolder, `key-${randomUUID()}.json`);
  const made = await program.run("agents", "new-key", agent, "--out", file);
  if (made.code !== 0) throw new Error(`no key for ${agent}: ${made.stderr}`);
  return file;
}

export interface SessionWish {
  readonly user?: string;
  readonly task?: string;
  readonly scope?: string;
  /** The token endpoint as the broker names it, when that is not where it is reached. */
  readonly audience?: string;
}

/** Gets a token with `private_key_jwt` (RFC 7523). */
export async function tokenFor(program: Program, agent: string, keyFile: string, wish: SessionWish = {}): Promise<string> {
  const endpoint = `${program.url}/oauth/token`;
  const key = await importJWK(JSON.parse(await readFile(keyFile, "utf8")) as JWK, "ES256");
  const assertion = await new SignJWT({})
    .setProtectedHeader({ alg: "ES256" })
    .setIssuer(agent)
    .setSubject(agent)
    .setAudience(wish.audience ?? endpoint)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime("30s")
    .sign(key);
  const answer = await fetch(endpoint, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: assertion,
      user: wish.user ?? "user-1",
      task: wish.task ?? "task-1",
      ...(wish.scope === undefined ? {} : { scope: wish.scope }),
    }),
  });
  const body = (await answer.json()) as { access_token?: string };
  if (body.access_token === undefined) throw new Error(`no token: ${answer.status} ${JSON.stringify(body)}`);
  return body.access_token;
}

/** Registers a key, gets a token and opens an MCP session. */
export async function startAgent(program: Program, agent: string, wish: SessionWish = {}): Promise<Agent> {
  const keyFile = await registerAgent(program, agent);
  return connectAgent(program, await tokenFor(program, agent, keyFile, wish));
}

export async function connectAgent(program: Program, token: string): Promise<Agent> {
  let session: Readonly<Record<string, string>> = {};
  let lastId = 0;
  const post = async (message: JsonObject): Promise<JsonObject> => {
    const response = await fetch(`${program.url}/mcp`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...session,
      },
      body: JSON.stringify({ jsonrpc: "2.0", ...message }),
    });
    const id = response.headers.get("mcp-session-id");
    if (id !== null) session = { "mcp-session-id": id, "mcp-protocol-version": PROTOCOL };
    const text = await response.text();
    return text === "" ? { status: response.status } : { status: response.status, ...lastMessage(text) };
  };
  const rpc = (method: string, params: JsonObject): Promise<JsonObject> => post({ id: ++lastId, method, params });
  await rpc("initialize", { protocolVersion: PROTOCOL, capabilities: {}, clientInfo: { name: "story", version: "1.0.0" } });
  await post({ method: "notifications/initialized" });
  return {
    token,
    rpc,
    call: async (name, args = {}) => callResult(await rpc("tools/call", { name, arguments: args })),
    tools: async () => {
      const answer = (await rpc("tools/list", {})) as { result?: { tools?: { name: string }[] } };
      return (answer.result?.tools ?? []).map((tool) => tool.name);
    },
  };
}

function callResult(answer: JsonObject): CallResult {
  const result = (answer["result"] ?? {}) as {
    content?: { text?: string }[];
    isError?: boolean;
    structuredContent?: JsonObject;
    _meta?: { "bailiwick/refusal"?: { code: string } };
  };
  return {
    text: (result.content ?? []).map((part) => part.text ?? "").join("\n"),
    isError: result.isError === true || answer["error"] !== undefined,
    structured: result.structuredContent ?? {},
    refusal: result._meta?.["bailiwick/refusal"]?.code,
    raw: answer,
  };
}

/** The JSON of a body, or the last message of an event stream. */
function lastMessage(text: string): JsonObject {
  const json = text.startsWith("{") ? text : text.slice(text.lastIndexOf("data: ") + "data: ".length);
  return JSON.parse(json) as JsonObject;
}
