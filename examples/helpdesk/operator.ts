import { generateKeyPairSync } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type AgentKey, loadAgentKey } from "@bailiwick/client";
import type { CompanySecret } from "./company.ts";

/** What whoever operates the broker does before agents can work, over the broker's REST interface. */
export interface Operator {
  /** Gives the broker every credential of the company; agents never see one. */
  storeCredentials(secrets: readonly CompanySecret[]): Promise<void>;
  /** One key for each agent of the policy, kept in `folder`; made and registered when it is not there. */
  agentKeys(folder: string): Promise<ReadonlyMap<string, AgentKey>>;
  /** A bearer token of a person, recorded as given by the operator key. */
  signIn(person: string): Promise<string>;
}

const agentList = z.object({ agents: z.array(z.object({ name: z.string(), keys: z.array(z.object({ thumbprint: z.string() })) })) });
const registered = z.object({ thumbprint: z.string() });
const publicPart = z.object({ kty: z.literal("EC"), crv: z.literal("P-256"), x: z.string(), y: z.string() });

/** Speaks with the operator key of the broker's data folder. */
export async function openOperator(brokerUrl: string, dataFolder: string): Promise<Operator> {
  const key = (await readFile(join(dataFolder, "operator.key"), "utf8")).trim();
  const request = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${brokerUrl}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "x-bailiwick-client": "demo", "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw new Error(`the broker refused ${method} ${path} (${response.status}): ${JSON.stringify(answer)}`);
    return answer;
  };
  return {
    async storeCredentials(secrets) {
      // On a kept data folder this is a new version for tools that were started a moment ago with the same value: there is nothing to try.
      for (const { name, ...binding } of secrets)
        await request("PUT", `/credentials/${encodeURIComponent(name)}`, { ...binding, verify: false });
    },
    async agentKeys(folder) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const { agents } = agentList.parse(await request("GET", "/agents"));
      const keys = new Map<string, AgentKey>();
      for (const { name, keys: known } of agents) {
        const file = join(folder, `${name.slice("bailiwick://".length).replaceAll("/", "-")}.json`);
        const kept = await loadAgentKey(file).catch(() => undefined);
        const usable = kept !== undefined && known.some(({ thumbprint }) => thumbprint === kept.kid);
        keys.set(name, usable ? kept : await makeKey(name, file, request));
      }
      return keys;
    },
    async signIn(person) {
      const { code } = z.object({ code: z.string() }).parse(await request("POST", "/login-links", { person, via: "operator-key" }));
      return z.object({ token: z.string() }).parse(await request("POST", "/people/token", { code })).token;
    },
  };
}

async function makeKey(
  agent: string,
  file: string,
  request: (method: string, path: string, body?: unknown) => Promise<unknown>,
): Promise<AgentKey> {
  const privateJwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
  const { thumbprint } = registered.parse(await request("POST", "/agents/keys", { agent, publicJwk: publicPart.parse(privateJwk) }));
  await writeFile(file, `${JSON.stringify({ agent, kid: thumbprint, privateJwk })}\n`, { mode: 0o600 });
  return loadAgentKey(file);
}
