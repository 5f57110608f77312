import type { OAuthEntityKind } from "../../domain/oauth-entity.ts";

/** Tables of the OAuth server. */
export interface OAuthTables {
  readonly "bailiwick.oauth_entities": OAuthEntitiesTable;
  readonly "bailiwick.signing_keys": SigningKeysTable;
}

/** Every row is of the tenant `_people`. */
export interface OAuthEntitiesTable {
  readonly tenant_id: string;
  readonly kind: OAuthEntityKind;
  readonly id: string;
  readonly grant_id: string | null;
  readonly payload: string;
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly consumed_at: Date | null;
}

/** Every row is of the tenant `_system`. */
interface SigningKeysTable {
  readonly tenant_id: string;
  readonly kid: string;
  readonly sealed: string;
  readonly created_at: Date;
  readonly retired_at: Date | null;
}
