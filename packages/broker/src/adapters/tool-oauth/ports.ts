import type { Policy } from "@bailiwick/policy";
import type { CredentialOpener, CredentialStore } from "../../domain/credential.ts";
import type { FindServer } from "./find-server.ts";
import type { RecordPorts } from "./record-token.ts";
import type { TokenPorts } from "./token-endpoint.ts";

/** What getting tokens for tools takes. */
export interface ToolOAuthPorts extends TokenPorts, RecordPorts {
  policy(): Policy;
  /** The broker's environment, for `${env:NAME}` in addresses. */
  readonly environment: (name: string) => string | undefined;
  readonly find: FindServer;
  /** Grants, past any cache. */
  readonly store: Pick<CredentialStore, "open" | "put" | "revoke" | "exclusively">;
  /** Grants and clients' secrets as they were read a moment ago. */
  readonly stored: CredentialOpener;
}

/** A token that ends this soon is not used any more: the call still has to travel. */
export const SPARE_MS = 20_000;
/** A token that is refused sooner after it was issued is not replaced: the next one would be refused as well. */
export const MIN_AGE_MS = 10_000;
