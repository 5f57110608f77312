import { randomUUID } from "node:crypto";
import type { Dispatcher } from "undici";
import { Agent } from "undici";
import type { AgentKey } from "./agent-key.ts";
import type { AgentConnection } from "./connection.ts";
import { createConnection } from "./connection.ts";
import type { Delegation } from "./delegation.ts";
import { exchangeForm } from "./delegation.ts";
import { ClientError } from "./client-error.ts";
import { generateProofKey, proofKeyOf } from "./proof-key.ts";
import type { ProofKind, Sender } from "./sender.ts";
import { dpopSender, keylessSender } from "./sender.ts";
import type { BrokerSession } from "./session.ts";
import { openSession } from "./session.ts";
import type { SessionRequest, SessionToken, SessionWish } from "./session-token.ts";
import { getSessionToken, requestToken } from "./session-token.ts";

/** How a connection proves itself. */
export interface ProofOptions {
  /** Default `dpop`. */
  readonly proof?: ProofKind;
  /** Which key signs DPoP proofs: a fresh one that lives in this process only, or the agent's own. Default `connection`. */
  readonly proofKey?: "connection" | "agent";
  /** Certificates of the connection itself, PEM: `ca` to trust a broker's own authority, `cert` and `key` for the proof `mtls`. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

export interface ConnectOptions extends SessionRequest, ProofOptions {}

/**
 * Opens a connection. Each of its requests is signed with a key nobody else has, so that a copied token is of no use.
 * @throws ClientError `broker_unreachable`, `session_refused`, `proof_unsupported`.
 */
export async function connect(options: ConnectOptions): Promise<AgentConnection> {
  const dispatcher = dispatcherFor(options);
  return connectionOr(dispatcher, () => openAgentSession(options, dispatcher));
}

/**
 * Opens a session without a connection, over a dispatcher of the caller's: for whoever passes messages of others on and only has to
 * authorize them. `tls` is the dispatcher's business then. @throws ClientError as `connect`.
 */
export async function openAgentSession(options: ConnectOptions, dispatcher: Dispatcher): Promise<BrokerSession> {
  const { url, key, run = `run_${randomUUID()}` } = options;
  const sender = senderFor(options);
  // Each renewal opens another session at the broker; the run is what holds them together.
  const acquire = (): Promise<SessionToken> => getSessionToken({ ...options, run }, sender, dispatcher);
  return openSession({ url: withoutSlash(url), key, sender, dispatcher, acquire });
}

export interface DelegatedOptions extends ProofOptions, Omit<SessionWish, "task"> {
  /** The delegate's own key: it never uses its delegator's. */
  readonly key: AgentKey;
  /** What the delegator's `delegate` gave; a function that asks the delegator anew lets the session outlive its first token. */
  readonly delegation: Delegation | (() => Promise<Delegation>);
  /** Default: the delegator's task. */
  readonly task?: string;
}

/**
 * Opens a connection of a delegate (RFC 8693): for the same user, with at most what was delegated and what this agent may do itself.
 * @throws ClientError `session_refused`, `broker_unreachable`, `proof_unsupported`; later `delegation_over` when it cannot be renewed.
 */
export async function connectDelegated(options: DelegatedOptions): Promise<AgentConnection> {
  const { delegation, key } = options;
  const first = typeof delegation === "function" ? await delegation() : delegation;
  const dispatcher = dispatcherFor(options);
  const sender = senderFor(options);
  let unused: Delegation | undefined = first;
  const acquire = async (): Promise<SessionToken> => {
    const given = unused ?? (typeof delegation === "function" ? await delegation() : over());
    unused = undefined;
    if (withoutSlash(given.url) !== withoutSlash(first.url)) throw elsewhere();
    return requestToken({ url: given.url, key, form: exchangeForm(given, options), sender, dispatcher });
  };
  return connectionOr(dispatcher, () => openSession({ url: withoutSlash(first.url), key, sender, dispatcher, acquire }));
}

/** The requests of a session go to its first broker, and so would the token. */
function elsewhere(): ClientError {
  return new ClientError(
    "wish_impossible",
    "the new delegation is of another broker than the session's",
    "open a connection of its own with it",
  );
}

function over(): never {
  throw new ClientError(
    "delegation_over",
    "the delegated session is over, and its delegation was for one session",
    "ask the delegator again, or pass `delegation` as a function that does",
  );
}

function dispatcherFor({ tls }: ProofOptions): Agent {
  return new Agent(tls === undefined ? {} : { connect: { ...tls } });
}

function senderFor({ proof = "dpop", proofKey, tls, key }: ProofOptions & { readonly key: AgentKey }): Sender {
  if (proof === "mtls" && (tls?.cert === undefined || tls.key === undefined))
    throw new ClientError("wish_impossible", "the proof `mtls` needs a client certificate", "give `tls: { cert, key }`");
  if (proof !== "dpop") return keylessSender(proof);
  return dpopSender(proofKey === "agent" ? proofKeyOf(key) : generateProofKey());
}

async function connectionOr(dispatcher: Agent, open: () => Promise<BrokerSession>): Promise<AgentConnection> {
  try {
    return createConnection({ dispatcher, session: await open() });
  } catch (error) {
    await dispatcher.close();
    throw error;
  }
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/u, "");
}
