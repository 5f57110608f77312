import { subscribe } from "node:diagnostics_channel";
import { z } from "zod";
import { createConnection } from "../../../packages/broker/src/adapters/mcp-client/index.ts";
import { createGuardedFetch } from "../../../packages/broker/src/adapters/outbound/guarded-fetch.ts";
import { discover } from "./discovery.ts";
import { contextSchema, tokenSource } from "./tokens.ts";

/**
 * What the official suite starts as the client under test: the broker's connection to tool servers and its guarded fetch, with the OAuth
 * of this folder around them. The OAuth is the driver's: the broker itself presents a tool's credential as it is configured.
 */
const ATTEMPTS = 4;

interface Challenge {
  readonly status: number;
  readonly scope: string | undefined;
  readonly metadata: string | undefined;
}

const seen = z.object({
  request: z.object({ method: z.string() }),
  response: z.object({ statusCode: z.number(), headers: z.array(z.instanceof(Uint8Array)) }),
});

/** The last 401 or 403 that the connection was answered with; it keeps the header to itself. */
const last: { challenge: Challenge | undefined } = { challenge: undefined };
subscribe("undici:request:headers", (message) => {
  const parsed = seen.safeParse(message);
  if (!parsed.success || ![401, 403].includes(parsed.data.response.statusCode)) return;
  const { statusCode: status, headers } = parsed.data.response;
  const texts = headers.map((bytes) => Buffer.from(bytes).toString("latin1"));
  const at = texts.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === "www-authenticate");
  const header = at < 0 ? "" : (texts[at + 1] ?? "");
  const parameter = (name: string): string | undefined => new RegExp(`${name}="([^"]*)"`, "i").exec(header)?.[1];
  last.challenge = { status, scope: parameter("scope"), metadata: parameter("resource_metadata") };
});

async function main(url: URL): Promise<void> {
  const context = contextSchema.parse(JSON.parse(process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}"));
  const fetch = createGuardedFetch({ allowLoopback: true });
  const tokenFor = tokenSource(fetch, context);
  let authorization: string | undefined;
  /** What was asked for so far: a token for more still has to do for what worked before. */
  let scope: string | undefined;
  for (let attempt = 1; ; attempt += 1) {
    last.challenge = undefined;
    try {
      return await useTools(url, authorization);
    } catch (error) {
      const asked = challengeNow();
      if (asked === undefined || attempt === ATTEMPTS) throw error;
      const found = await discover(fetch, url, asked.metadata);
      scope = [...new Set(`${scope ?? ""} ${scopeFor(asked, found) ?? ""}`.split(" "))].filter((each) => each !== "").join(" ");
      authorization = `Bearer ${await tokenFor(found, scope === "" ? undefined : scope)}`;
    }
  }
}

function challengeNow(): Challenge | undefined {
  return last.challenge;
}

/** What the server asks for; else what it says it has; and the right to come back, where that is a scope. */
function scopeFor(asked: Challenge, found: Awaited<ReturnType<typeof discover>>): string | undefined {
  const wanted = asked.scope ?? found.resourceScopes?.join(" ");
  if (found.server.scopes_supported?.includes("offline_access") !== true) return wanted;
  return [...new Set([...(wanted ?? "").split(" "), "offline_access"])].filter((scope) => scope !== "").join(" ");
}

async function useTools(url: URL, authorization: string | undefined): Promise<void> {
  const equipment = { headers: authorization === undefined ? {} : { authorization }, environment: {} };
  const connection = createConnection({
    key: { tool: "suite", tenant: "acme", environment: "dev", workflow: "conformance" },
    target: { url },
    equipment,
    log: () => undefined,
  });
  try {
    const { tools } = await connection.listing();
    for (const { name } of tools) {
      const io = { signal: AbortSignal.timeout(10_000), capabilities: {}, progress: () => undefined, log: () => undefined, ask: refuse };
      await connection.invoke(
        { tool: "suite", kind: "tool", name: String(name) },
        {},
        { timeoutMs: 10_000, maxBytes: 1_000_000, equipment, io },
      );
    }
  } finally {
    await connection.close();
  }
}

async function refuse(): Promise<never> {
  throw new Error("nobody answers here");
}

try {
  await main(new URL(process.argv[2] ?? ""));
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
}
