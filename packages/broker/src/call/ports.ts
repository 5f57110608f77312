import type { CatalogTool, Policy, SqlTerms } from "@bailiwick/policy";
import type { ApprovalStore } from "../domain/approval.ts";
import type { AuditLog } from "../domain/audit.ts";
import type { CallCredentials } from "../domain/credential.ts";
import type { ElevationStore } from "../domain/elevation.ts";
import type { Session, SessionStore } from "../domain/session.ts";
import type { TokenVault } from "../domain/token.ts";
import type { ConnectionKey, Equipment, ToolConnection, ToolListing } from "../domain/tool.ts";
import type { Claims, Presented } from "./presented.ts";
import type { LabelledMemory } from "./labelled.ts";
import type { RunMemory } from "./origins.ts";
import type { RefusalCode } from "./refusal.ts";
import type { RepeatMemory } from "./repeats.ts";
import type { RunningCalls } from "./running-calls.ts";

/**
 * Verifies what a request shows: the token, and the proof that it is the sender's own. One request's proof is spent once, however often it is asked for.
 * @throws Refusal `unauthenticated` | `token_expired` | `proof_invalid` | `proof_replayed`.
 */
export interface SenderVerifier {
  verify(presented: Presented, now: Date): Promise<Claims>;
}

/** Live connections, one per ConnectionKey, made on first use. */
export interface ToolConnections {
  connect(key: ConnectionKey, equipment: Equipment): Promise<ToolConnection>;
  /** The last listing seen for this key without connecting; undefined when it never connected. */
  known(key: ConnectionKey): ToolListing | undefined;
}

/** All that the call path knows of the world. */
export interface CallPorts {
  /** Name of this broker process; recorded with each intent so that orphans can be told. */
  readonly brokerId: string;
  /** Secret of this deployment that keeps `hash` masks from being guessed. */
  readonly maskSalt: string;
  now(): Date;
  newId(prefix: "call" | "apr" | "elv"): string;
  /** The policy in force. @throws Refusal when there is none: deny by default. */
  policy(): Policy;
  readonly senders: SenderVerifier;
  readonly sessions: Pick<SessionStore, "find">;
  readonly approvals: ApprovalStore;
  readonly elevations: Pick<ElevationStore, "ask" | "find" | "wait">;
  readonly log: AuditLog;
  readonly credentials: CallCredentials;
  readonly tools: ToolConnections;
  readonly running: RunningCalls;
  /** Reads the text of a query without running it. @throws Refusal `statement_refused` when it is no single query of declared tables. */
  readonly readSql: (text: string, tool: CatalogTool, terms: SqlTerms) => { readonly tables: readonly string[] };
  /** What agents saw in their runs, so that people can be told where a value came from. */
  readonly memory: RunMemory;
  /** Calls that are made again and again. */
  readonly repeats: RepeatMemory;
  /** Told when an agent's run makes a refused call over and over. */
  onStuck?(session: Session, code: RefusalCode): void;
  /** What agents saw of fields with labels that rules look for. */
  readonly labelled: LabelledMemory;
  /** What the tokens of runs stand for. */
  readonly tokens: TokenVault;
  /** Told of whatever stopped a call, for the operator's log; never holds a secret. */
  onFault?(failure: unknown): void;
}

export type { Session };
