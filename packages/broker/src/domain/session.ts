import type { ActiveElevation, JsonObject, RowBound } from "@bailiwick/policy";
import type { Stop } from "./stop.ts";
import type { Undoing } from "./undo.ts";

/** How the caller proves, with each request, that a token is its own (RFC 7800). A bearer token proves nothing and so lives shorter. */
export type SenderBinding =
  | { readonly kind: "bearer" }
  /** DPoP (RFC 9449): `jkt` is the RFC 7638 SHA-256 thumbprint of the key that signs each proof. */
  | { readonly kind: "dpop"; readonly jkt: string }
  /** Mutual TLS (RFC 8705): `x5t` is the base64url SHA-256 of the client certificate. */
  | { readonly kind: "mtls"; readonly x5t: string }
  /** HTTP message signatures (RFC 9421, hmac-sha256) with a key that the broker derives from the session's id. */
  | { readonly kind: "hmac" };

/** The OAuth grant a session came from. `undo`: none; a person had it opened to take a call back, and there is no token for it. */
export type GrantKind = "client_credentials" | "authorization_code" | "token_exchange" | "jwt_bearer" | "undo";

/** Who says that `user` asked for the work: the agent itself, the user who signed in, or a partner's assertion. */
export type UserProof = "asserted" | "signed-in" | "partner";

/** Budgets of a whole session, drawn from by its delegates too. Absent: only the policy's limits hold. */
export interface SessionLimits {
  readonly calls?: number | undefined;
  readonly records?: number | undefined;
  /** In the catalog's currency unit. */
  readonly cost?: number | undefined;
}

/** A short-lived, scoped right of one agent to act for one task. INVARIANT: expiresAt - issuedAt <= maxSessionMs(binding). */
export interface Session {
  readonly id: string;
  readonly tenant: string;
  readonly environment: string;
  readonly workflow: string;
  /** `bailiwick://<tenant>/<environment>/<workflow>/<agent>` */
  readonly agent: string;
  readonly user: string;
  readonly userProof: UserProof;
  readonly task: string;
  /** One execution of an agent's job: its first session, those that renew it, and all that is delegated from them belong to it. */
  readonly run: string;
  /** What this session is about (this ticket, this customer); policy reads it as `context.session.data`. */
  readonly data: JsonObject;
  readonly scope: readonly string[];
  /** Records the session was narrowed to; all bounds hold. */
  readonly rows: readonly RowBound[];
  readonly limits: SessionLimits;
  readonly grant: GrantKind;
  /** The call that it was opened to take back, and by whom. INVARIANT: present exactly when `grant` is `undo`. */
  readonly undo?: Undoing | undefined;
  readonly binding: SenderBinding;
  /** The OAuth client that runs the agent, when it is not the agent itself. */
  readonly client?: string | undefined;
  /** Ids of the sessions this one was delegated from, the root first. */
  readonly lineage: readonly string[];
  /** Those sessions themselves, from the nearest; given by `find`. */
  readonly delegator?: Session | undefined;
  /** Names of whoever acted before this agent, the latest first: delegating agents and partners (`act` of RFC 8693 section 4.1). */
  readonly actors: readonly string[];
  /** The federation partner whose assertion opened the root of this session. */
  readonly partner?: string | undefined;
  /** What that partner's entry in the policy was then (`PartnerConfig.version`): under another one the session has ended. */
  readonly partnerVersion?: string | undefined;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  /** When this session or one it was delegated from was revoked. */
  readonly revokedAt?: Date | undefined;
  /** What keeps the agent of this session or of one it was delegated from from acting; given by `find`. */
  readonly stop?: Stop | undefined;
  /** Rights that the agent of this session has for a time, those for another task left out; given by `find`. Each says itself until when. */
  readonly elevations?: readonly ActiveElevation[] | undefined;
}

/** A bearer session lives at most five minutes: whoever copies the token has it. */
export const MAX_SESSION_MS = 5 * 60 * 1000;
/** A sender-constrained one may live longer, since a copied token is of no use. */
export const MAX_BOUND_SESSION_MS = 15 * 60 * 1000;
/** How often a right may be passed on: a root session has depth 0. */
export const MAX_DELEGATION_DEPTH = 3;

/** A run as an agent may name it. That of a session whose agent names none is the session's id, which cannot be named. */
export const RUN_NAME = /^run_[\w-]{16,64}$/;

/** Names that are of programs by their scheme. */
const PROGRAM = /^(?:bailiwick|spiffe):\/\//u;

/**
 * Those who acted before, as they may stand in the log for good: our agents, the partner, and agents and workloads on its side. Any other name
 * that a partner gives is its own text, which may be a person's; it lies with the facts.
 */
export function recordedActors({ actors, partner }: Pick<Session, "actors" | "partner">): readonly string[] {
  if (partner === undefined) return actors;
  const foreign = `${partner}:`;
  return actors.filter((actor) => !actor.startsWith(foreign) || PROGRAM.test(actor.slice(foreign.length)));
}

export function maxSessionMs(binding: SenderBinding): number {
  return binding.kind === "bearer" ? MAX_SESSION_MS : MAX_BOUND_SESSION_MS;
}

/** Which sessions a revocation ended. */
export interface Revocation {
  readonly session: string;
  /** Ids of all sessions that ended: the named one and what was delegated from it. */
  readonly ended: readonly string[];
}

export interface SessionStore {
  /** Makes a run's name that of a root agent, once and for good. False when it is another agent's. */
  claimRun(tenant: string, run: string, agent: string): Promise<boolean>;
  /** @throws Fault `session_ended` when a session of the lineage is revoked or expired, or the agent is stopped: checked in the same transaction. */
  create(session: Session): Promise<void>;
  /** With its delegators, any stop, and what each agent among them may for a time. Returns undefined when no such session exists in this tenant. */
  find(tenant: string, id: string): Promise<Session | undefined>;
  /** `delegatedFrom` keeps to the subtree below that session. */
  list(
    tenant: string,
    options: { readonly live: boolean; readonly limit: number; readonly delegatedFrom?: string | undefined },
  ): Promise<readonly Session[]>;
  /** Ends all live sessions of a task, of one user when named, and all delegated from them. Returns their ids. */
  endTask(tenant: string, task: { readonly task: string; readonly user?: string | undefined }, by: string): Promise<readonly string[]>;
  /** Ends the session and all delegated from it. Undefined when it was unknown or already revoked. Effective on the next call, on every broker. */
  revoke(tenant: string, id: string, by: string): Promise<Revocation | undefined>;
}
