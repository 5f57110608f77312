import { randomBytes } from "node:crypto";
import type { Policy } from "@bailiwick/policy";
import { createPartnerKeys } from "../../src/adapters/federation/partner-keys.ts";
import { type FederatedClient, jwtBearer, type JwtBearerPorts } from "../../src/adapters/oauth/grants/jwt-bearer.ts";
import { issueSession, type SessionPorts } from "../../src/adapters/oauth/issue-session.ts";
import { createGuardedFetch, type GuardedFetch } from "../../src/adapters/outbound/guarded-fetch.ts";
import type { SenderBinding, Session } from "../../src/domain/session.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { companyWith } from "./company.ts";
import { partnerKey, type PartnerKey, type PartnerServer, servePartner, signed, type SignOptions } from "./partner-server.ts";

export const ISSUER = "https://broker.example";
export const TOKEN_ENDPOINT = `${ISSUER}/oauth/token`;
export const realm = { issuer: ISSUER, audience: `${ISSUER}/mcp` };

/** The jwt-bearer grant over a real store and a partner's real server. */
export interface InboundHouse {
  readonly opened: TestStore;
  readonly ports: JwtBearerPorts & SessionPorts;
  readonly partner: PartnerServer;
  readonly key: PartnerKey;
  readonly faults: unknown[];
  readonly replays: string[];
  policy(): Policy;
  setPolicy(policy: Policy): void;
  moveKeysClock(ms: number): void;
  seconds(): number;
  /** Claims of a valid assertion of the partner. */
  claims(more?: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** The partner's server as an authenticated client. */
  client(name?: string): FederatedClient;
  ask(assertion: string, more?: AskOptions): Promise<Session>;
  idJag(more?: Readonly<Record<string, unknown>>, options?: Partial<SignOptions>): Promise<string>;
  close(): Promise<void>;
}

export interface AskOptions {
  readonly client?: FederatedClient | undefined;
  readonly binding?: SenderBinding;
  readonly form?: Readonly<Record<string, string>>;
}

export const CEILING = "{ scope: [tickets:read], rows: { Ticket: { region: [emea] } }, limits: { calls: 20 } }";

/** A `partners.yaml` entry. */
export function entry(name: string, issuer: string, more: Readonly<Record<string, string>> = {}): string {
  const keys: Record<string, string> = {
    issuer: `"${issuer}"`,
    kinds: "[id-jag]",
    subjects: '["user-*"]',
    tenants: "[acme]",
    environments: "[prod]",
    agent: "support/desk",
    ceiling: CEILING,
    contact: "security@partner.example",
    ...more,
  };
  return `  ${name}:\n${Object.entries(keys)
    .map(([key, value]) => `    ${key}: ${value}\n`)
    .join("")}`;
}

export async function openInboundHouse(
  partnersOf: (issuer: string) => string,
  options: { readonly fetch?: GuardedFetch } = {},
): Promise<InboundHouse> {
  const [opened, partner, key] = [await testStore(), await servePartner(), await partnerKey()];
  partner.keys = [key];
  let policy = companyWith(`partners:\n${partnersOf(partner.issuer)}`);
  let keysClock = 0;
  const faults: unknown[] = [];
  const replays: string[] = [];
  const ports: JwtBearerPorts & SessionPorts = {
    now: () => new Date(),
    newId: (prefix) => `${prefix}_${randomBytes(16).toString("base64url")}`,
    policy: () => policy,
    sessions: opened.store.sessions,
    log: opened.store.log,
    keys: createPartnerKeys(options.fetch ?? createGuardedFetch({ allowLoopback: true }), () => performance.now() + keysClock),
    realm,
    tokenEndpoint: TOKEN_ENDPOINT,
    useAssertion: (name, id, expiresAt) => opened.store.agentKeys.useAssertion("_partners", name, id, expiresAt),
    onReplay: async ({ name }, subject) => void replays.push(`${name} ${subject}`),
    onFault: (error) => faults.push(error),
  };
  const seconds = (): number => Math.floor(Date.now() / 1000);
  const claims: InboundHouse["claims"] = (more = {}) => ({
    iss: partner.issuer,
    aud: ISSUER,
    sub: "user-7",
    client_id: partner.issuer,
    jti: randomBytes(12).toString("hex"),
    iat: seconds(),
    exp: seconds() + 60,
    ...more,
  });
  const client: InboundHouse["client"] = (name = "globex-corp") => {
    const found = policy.partners.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no partner ${name}`);
    return { kind: "partner", partner: found };
  };
  return {
    opened,
    ports,
    partner,
    key,
    faults,
    replays,
    policy: () => policy,
    setPolicy: (next) => {
      policy = next;
    },
    moveKeysClock: (ms) => {
      keysClock += ms;
    },
    seconds,
    claims,
    client,
    ask: async (assertion, more = {}) => {
      const request = {
        client: "client" in more ? more.client : client(),
        binding: more.binding ?? BEARER,
        form: { assertion, ...more.form },
      };
      return issueSession(ports, await jwtBearer(ports, request));
    },
    idJag: (more, signing = {}) => signed(key, { typ: "oauth-id-jag+jwt", ...signing, claims: claims(more) }),
    close: async () => {
      await partner.close();
      await opened.close();
    },
  };
}

const BEARER: SenderBinding = { kind: "bearer" };
