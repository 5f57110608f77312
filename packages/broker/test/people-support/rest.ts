import { randomBytes } from "node:crypto";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { JsonObject } from "@bailiwick/policy";
import { z } from "zod";
import { openSigningKeys } from "../../src/adapters/oauth/signing-keys.ts";
import { createGuardedFetch } from "../../src/adapters/outbound/guarded-fetch.ts";
import { createRestApp } from "../../src/adapters/rest/app.ts";
import type { RestPorts } from "../../src/adapters/rest/ports.ts";
import { secretHash } from "../../src/adapters/rest/principal.ts";
import { peopleOrigins } from "../../src/adapters/rest/relying-party.ts";
import { randomId } from "../../src/adapters/system/random.ts";
import { createToolConnections } from "../../src/adapters/tools/index.ts";
import { argumentsDigest } from "../../src/call/identify.ts";
import type { Approval } from "../../src/domain/approval.ts";
import type { LogEntry } from "../../src/domain/audit.ts";
import type { CredentialOpener } from "../../src/domain/credential.ts";
import type { Session } from "../../src/domain/session.ts";
import { explainCall } from "../../src/insight/explain-call.ts";
import { tryEdit } from "../../src/insight/try-edit.ts";
import { verifyLog } from "../../src/insight/verify-log.ts";
import { openToolTokens } from "../../src/tool-tokens.ts";
import { PLAIN } from "../plain-session.ts";
import { PLAIN_TERMS } from "../store/approval-sample.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { callPortsOver } from "./call-ports.ts";
import { company, companyFiles } from "./company.ts";
import { keeperOver } from "./keeper.ts";

export const PUBLIC_URL = "http://127.0.0.1:7400";
export const OPERATOR_KEY = `bwop_${"k".repeat(43)}`;
export const SUPPORT_BOT = "bailiwick://acme/prod/support/support-bot";

export type Ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Response>;

/** The real REST app over a real store, and ways to speak to it. */
export interface RestHouse {
  readonly app: OpenAPIHono;
  readonly ports: RestPorts;
  readonly store: TestStore["store"];
  /** What the OAuth side publishes as `/.well-known/jwks.json`. */
  jwks(): Promise<object>;
  /** For a second broker on the same database. */
  readonly databaseUrl: string;
  /** Opens credentials as calls do, those that are tokens of tools' servers among them. */
  readonly opener: CredentialOpener;
  readonly faults: unknown[];
  /** Moves the app's clock. */
  setNow(now: Date): void;
  now(): Date;
  /** Without any sign-in. */
  readonly anyone: Ask;
  readonly operator: Ask;
  /** Signed in with a bearer token. */
  as(person: string): Promise<Ask>;
  token(person: string): Promise<string>;
  /** A one-time code for a person. */
  code(person: string): Promise<string>;
  close(): Promise<void>;
}

export async function openRestHouse(overrides: Partial<RestPorts> = {}): Promise<RestHouse> {
  const opened = await testStore();
  const { store } = opened;
  const faults: unknown[] = [];
  let clock: Date | undefined;
  const now = (): Date => clock ?? new Date();
  const signingKeys = await openSigningKeys({ store: store.signingKeys, rootKey: Buffer.alloc(32, 1), now });
  const { access: toolAccess, opener } = openToolTokens(
    {
      store,
      policy: () => overrides.policy?.() ?? company,
      now,
      environment: () => undefined,
      rootKey: Buffer.alloc(32, 1),
      url: overrides.publicUrl ?? PUBLIC_URL,
      authority: { signingKeys, fetch: createGuardedFetch({ allowLoopback: true }) },
    },
    store.credentials,
  );
  const tools = createToolConnections({
    policy: () => overrides.policy?.() ?? company,
    environment: () => undefined,
    log: () => undefined,
  });
  const ports: RestPorts = {
    version: "0.0.0-test",
    publicUrl: PUBLIC_URL,
    origins: peopleOrigins(PUBLIC_URL),
    operatorKeyHash: secretHash(OPERATOR_KEY),
    now,
    random: (bytes) => randomBytes(bytes),
    policy: () => company,
    policyFolder: () => ({ files: companyFiles }),
    argsDigest: argumentsDigest,
    people: store.people,
    signIn: store.signIn,
    searches: store.searches,
    environment: () => undefined,
    approvals: store.approvals,
    elevations: store.elevations,
    duties: store.duties,
    happenings: store.happenings,
    notifications: { store: store.notifications, channels: [], addresses: [], routes: 0, wake: () => undefined },
    tryEdit: (approval, args) =>
      tryEdit({ policy: () => overrides.policy?.() ?? company, sessions: store.sessions, log: store.log, now }, approval, args),
    habits: store.habits,
    sessions: store.sessions,
    agentKeys: store.agentKeys,
    stops: store.stops,
    signingKeys,
    toolAccess,
    credentials: keeperOver(store, () => overrides.policy?.() ?? company),
    log: store.log,
    logStatus: () => ({ outages: [], anchors: [], exports: [] }),
    evidence: store.evidence,
    erasure: store.erasure,
    holds: store.holds,
    retention: store.retention,
    retentionOf: () => undefined,
    explain: async (tenant, callId) => explainCall(store.log, company, tenant, callId),
    verify: async (tenant) => verifyLog(store, tenant),
    tools: async () => [],
    inspect: async () => [],
    review: async () => undefined,
    undo: {
      call: callPortsOver(store, () => overrides.policy?.() ?? company, now, tools),
      session: { log: store.log, sessions: store.sessions, now, newSessionId: () => randomId("ses") },
    },
    readiness: [
      {
        name: "store",
        check: async () => {
          const { ok, detail } = await store.health();
          if (!ok) throw new Error(detail);
        },
      },
    ],
    metrics: async () => "# none\n",
    onFault: (error) => faults.push(error),
    ...overrides,
  };
  const app = createRestApp(ports);
  const asker =
    (bearer: string | undefined): Ask =>
    async (method, path, body, headers = {}) =>
      app.request(path, {
        method,
        headers: {
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
  const operator = asker(OPERATOR_KEY);
  const anyone = asker(undefined);
  const code = async (person: string): Promise<string> =>
    z.object({ code: z.string() }).parse(await (await operator("POST", "/api/v1/login-links", { person })).json()).code;
  const token = async (person: string): Promise<string> => {
    const answer = await anyone("POST", "/api/v1/people/token", { code: await code(person) });
    return z.object({ token: z.string() }).parse(await answer.json()).token;
  };
  return {
    app,
    ports,
    store,
    opener,
    databaseUrl: opened.databaseUrl,
    jwks: () => signingKeys.jwks(),
    faults,
    setNow: (moved) => {
      clock = moved;
    },
    now,
    anyone,
    operator,
    code,
    token,
    as: async (person) => asker(await token(person)),
    close: async () => {
      await tools.close();
      await opened.close();
    },
  };
}

/** A pending approval of the support agent, for `ana`, as the call path makes it. */
export function heldApproval(overrides: Partial<Approval> = {}): Approval {
  const operation = { tool: "tickets", kind: "tool", name: "update_ticket" } as const;
  const args: JsonObject = overrides.args ?? { id: "T-17", status: "closed" };
  const createdAt = new Date();
  return {
    id: `apr_${randomBytes(16).toString("base64url")}`,
    tenant: "acme",
    environment: "prod",
    callId: `call_${randomBytes(16).toString("base64url")}`,
    agent: SUPPORT_BOT,
    user: "ana",
    session: "ses_1",
    actors: [],
    run: "ses_1",
    task: "T-17",
    operation,
    scope: "tickets:update",
    effect: "write",
    args,
    argsDigest: argumentsDigest(operation, args),
    fingerprint: `sha256:${"0".repeat(64)}`,
    policyVersion: company.version,
    resource: { type: "Ticket", id: "T-17", digest: "d" },
    diff: [{ path: "status", before: "open", after: "closed" }],
    statedReason: "the customer is happy",
    rules: [{ kind: "grant", id: "support-2", at: { file: "roles/support.yaml", line: 5 }, reason: "support works tickets" }],
    approvers: ["support-lead"],
    terms: PLAIN_TERMS,
    reach: { records: 1, destinations: [] },
    origins: [],
    state: "pending",
    createdAt,
    expiresAt: new Date(createdAt.getTime() + 30 * 60_000),
    answers: [],
    ...overrides,
  };
}

export function liveSession(overrides: Partial<Session> = {}): Session {
  const issuedAt = new Date();
  return {
    ...PLAIN,
    id: `ses_${randomBytes(16).toString("base64url")}`,
    tenant: "acme",
    environment: "prod",
    workflow: "support",
    agent: SUPPORT_BOT,
    user: "ana",
    task: "T-17",
    data: { ticket: "T-17" },
    scope: ["tickets:*"],
    issuedAt,
    expiresAt: new Date(issuedAt.getTime() + 5 * 60_000),
    ...overrides,
  };
}

/** Appends one record of a call, with the body fields the call path writes. */
export async function recordCall(
  house: RestHouse,
  callId: string,
  kind: LogEntry["kind"],
  body: JsonObject = {},
  facts?: JsonObject,
  more: Partial<Pick<LogEntry, "people" | "resource" | "task">> = {},
): Promise<void> {
  await house.store.log.append("acme", {
    kind,
    callId,
    body: {
      at: new Date().toISOString(),
      broker: "brk_test",
      tenant: "acme",
      environment: "prod",
      workflow: "support",
      agent: SUPPORT_BOT,
      session: "ses_1",
      run: "ses_1",
      tool: "tickets",
      operation: "get_ticket",
      action: "tickets:read",
      effect: "read",
      verdict: "allow",
      rules: [{ kind: "grant", id: "support-1", file: "roles/support.yaml", line: 4 }],
      ...body,
    },
    people: { user: "ana" },
    task: "T-17",
    ...more,
    ...(facts === undefined ? {} : { facts }),
  });
}
