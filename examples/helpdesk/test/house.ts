import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentKey } from "@bailiwick/client";
import { startBroker, type RunningBroker } from "bailiwick";
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import { type Company, startCompany } from "../company.ts";
import { startEmbedded } from "bailiwick/embedded-postgres";

/** The company and a real broker over it, with a key for each agent and a sign-in for each person. */
export interface House {
  readonly company: Company;
  readonly broker: RunningBroker;
  keyOf(agent: string): AgentKey;
  tokenOf(person: string): string;
  close(): Promise<void>;
}

export async function startHouse(): Promise<House> {
  const folder = await mkdtemp(join(tmpdir(), "helpdesk-demo-"));
  const company = await startCompany({ dataFolder: join(folder, "company"), startDatabase: startEmbedded });
  const broker = await startBroker({
    policyFolder: company.policyFolder,
    dataFolder: join(folder, "broker"),
    port: 0,
    logLevel: "silent",
    environment: (name) => company.environment[name] ?? process.env[name],
  });
  const keys = await registerAgents(broker);
  const tokens = await signIn(broker);
  for (const { name, value, ...binding } of company.secrets) await broker.store.credentials.put(name, binding, value);
  return {
    company,
    broker,
    keyOf: (agent) => found(keys.get(agent), agent),
    tokenOf: (person) => found(tokens.get(person), person),
    close: async () => {
      await broker.close();
      await company.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function registerAgents(broker: RunningBroker): Promise<ReadonlyMap<string, AgentKey>> {
  const keys = new Map<string, AgentKey>();
  for (const { name, tenant } of broker.policy().agents) {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(publicKey);
    const thumbprint = await calculateJwkThumbprint(jwk);
    await broker.store.agentKeys.add({
      agent: name,
      tenant,
      thumbprint,
      publicJwk: JSON.parse(JSON.stringify(jwk)),
      status: "active",
      addedAt: new Date(),
    });
    keys.set(name, { agent: name, kid: thumbprint, privateJwk: await exportJWK(privateKey) });
  }
  return keys;
}

async function signIn(broker: RunningBroker): Promise<ReadonlyMap<string, string>> {
  const tokens = new Map<string, string>();
  for (const { id } of broker.policy().people) {
    const token = `bwps_${randomBytes(32).toString("base64url")}`;
    const tokenHash = createHash("sha256").update(token).digest("base64url");
    await broker.store.people.createSession({ tokenHash, person: id, via: "login-link", expiresAt: new Date(Date.now() + 600_000) });
    tokens.set(id, token);
  }
  return tokens;
}

function found<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new Error(`the house knows no \`${name}\``);
  return value;
}
