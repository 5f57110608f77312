import type {
  Caller,
  CatalogAction,
  CatalogTool,
  Decision,
  DecisionRequest,
  Json,
  JsonObject,
  NextStep,
  Operation,
  Policy,
  RecordView,
  ResourceFacts,
  RuleRef,
} from "@bailiwick/policy";
import type { Approval } from "../domain/approval.ts";
import type { Reservation } from "../domain/audit.ts";
import type { Elevation } from "../domain/elevation.ts";
import type { Session } from "../domain/session.ts";
import type { StandIn } from "../domain/token.ts";
import type { CallIo, ConnectionKey } from "../domain/tool.ts";
import type { Expectation } from "../domain/undo.ts";
import type { Claims, Presented } from "./presented.ts";
import type { RefusalCode } from "./refusal.ts";

/** A call as an adapter hands it in: nothing in it is trusted yet. */
export interface IncomingCall {
  readonly presented: Presented;
  /** Network address of the peer, for the record. */
  readonly peer: string;
  readonly kind: Operation["kind"];
  /** The agent-visible name (tool, prompt) or the URI of a resource. */
  readonly name: string;
  readonly args: unknown;
  /** Of a held call that is continued: its approval, which is used up also where policy has come to allow the call. */
  readonly ticket?: string | undefined;
  /** In the agent's own words, from `_meta["bailiwick/reason"]`. Untrusted. */
  readonly statedReason?: string | undefined;
  /** What the record must still be, for a call that takes another one back. */
  readonly expects?: Expectation | undefined;
  readonly io: CallIo;
  readonly patience: Patience;
  /** W3C Trace Context, checked by the adapter: passed to the record, and with `tracestate` to the tool. */
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/** How long the agent's connection may be held while a person thinks, and whom to tell that it is. */
export interface Patience {
  readonly waitMs: number;
  readonly onHeld?: ((approval: Approval) => void) | undefined;
  /** The same for an elevation that was asked for. */
  readonly onAsked?: ((waiting: Waiting) => void) | undefined;
}

/** A question that waits for people, of whichever kind. `id` is the agent's ticket. */
export type Waiting = Pick<Approval, "id" | "approvers" | "expiresAt">;

/** A call after `identify`: which reviewed action it is, with exactly which arguments. */
export interface IdentifiedCall {
  readonly callId: string;
  readonly operation: Operation;
  readonly tool: CatalogTool;
  readonly action: CatalogAction;
  /** What a person reviewed: the upstream's fingerprint, or the digest of a catalog-defined action. */
  readonly fingerprint: string;
  readonly args: JsonObject;
  /** SHA-256 over the canonical form of {tool, kind, name, args}. */
  readonly argsDigest: string;
  readonly connection: ConnectionKey;
  /** Tokens that stood in the arguments, which hold their values now. */
  readonly standIns?: readonly StandIn[] | undefined;
  readonly incoming: IncomingCall;
  readonly arrivedAt: Date;
  /** The proof of possession that pays for the call, when its session is bound to its sender. */
  readonly proof?: Claims["proof"];
}

/** A call after `decide`: the policy said allow or ask. */
export interface DecidedCall extends IdentifiedCall {
  readonly session: Session;
  readonly caller: Caller;
  readonly policy: Policy;
  readonly decision: Decision;
  /** The very request that was decided: rows of the result are judged by it too. */
  readonly request: DecisionRequest;
  readonly resource?: ResourceFacts | undefined;
  /** By table, what the call may see; absent where its action is over no declared table. */
  readonly views?: ReadonlyMap<string, RecordView> | undefined;
  /** Arguments that ask the tool for fewer records: those that the policy would remove. */
  readonly pushed?: JsonObject | undefined;
  /** The argument in which a sealed cursor came back, as the tool knows it. */
  readonly opened?: JsonObject | undefined;
}

/** A call after `limit`: what its intent will draw from which counters. */
export interface LimitedCall extends DecidedCall {
  readonly reservations: readonly Reservation[];
}

/** The answer to an agent's call. Exactly one of these; adapters map each to their protocol. */
export type CallAnswer =
  | {
      readonly kind: "result";
      readonly callId: string;
      readonly body: JsonObject;
      readonly hidden: readonly string[];
      readonly masked: readonly string[];
      readonly rowsRemoved: number;
    }
  | {
      readonly kind: "tool_error";
      readonly callId: string;
      readonly code: number;
      readonly message: string;
      readonly data?: Json | undefined;
    }
  | { readonly kind: "pending"; readonly callId: string; readonly approval: Approval }
  | { readonly kind: "pending_elevation"; readonly callId: string; readonly elevation: Elevation }
  | {
      readonly kind: "refused";
      readonly callId: string | undefined;
      readonly code: RefusalCode;
      readonly message: string;
      readonly rules: readonly RuleRef[];
      readonly next: readonly NextStep[];
    }
  /** The request was sent and its result is not known. Never retried by the broker. */
  | { readonly kind: "unknown"; readonly callId: string; readonly message: string };
