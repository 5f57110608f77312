import type { JsonObject } from "@bailiwick/policy";
import type { Doer } from "./admin-record.ts";

/** Where a grant of a tool's authorization server is used: never in another tenant, environment or workflow. */
export interface ToolPlace {
  readonly tool: string;
  readonly tenant: string;
  readonly environment: string;
  readonly workflow: string;
}

export interface AskedAccess {
  /** Scopes that are wanted beside what the server asks for. */
  readonly scope: readonly string[];
  /** Who asks. Only this person's browser may go on; where the operator key asks, whoever holds the link. */
  readonly by: Doer;
  readonly via: string;
}

/** A person lets the broker use a tool's server (OAuth authorization code). Faults are `credential_unavailable` and say what to do. */
export interface ToolAccess {
  /** Answers the link for the person's browser. @throws Fault. */
  begin(place: ToolPlace, asked: AskedAccess): Promise<{ readonly url: string; readonly expiresAt: Date }>;
  /** The link was opened in a browser where `person` is signed in: where it goes on, and what its cookie must hold. @throws Fault. */
  enter(link: string, person: string | undefined): Promise<{ readonly location: string; readonly ticket: string }>;
  /** The browser came back. @throws Fault. */
  finish(ticket: string | undefined, answer: URLSearchParams): Promise<ToolPlace & { readonly lasting: boolean }>;
  /** The broker's client id metadata documents, by their path. */
  readonly documents: ReadonlyMap<string, JsonObject>;
}
