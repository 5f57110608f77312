/** The broker's own token-signing key as the store keeps it. */
export interface StoredSigningKey {
  /** RFC 7638 thumbprint of the public half. */
  readonly kid: string;
  /** Opens only with the root key. */
  readonly sealed: string;
  readonly createdAt: Date;
  /** Signs nothing from here on; what it signed before is verified until it has expired. */
  readonly retiredAt?: Date | undefined;
}

export interface SigningKeyStore {
  /** Newest first; those retired before `since` are left out. */
  list(since: Date): Promise<readonly StoredSigningKey[]>;
  /** Returns false when another key is active already, on whichever broker it was made. */
  addFirst(key: { readonly kid: string; readonly sealed: string; readonly at: Date }): Promise<boolean>;
  /** Retires the active key and puts this one in its place. */
  replace(key: { readonly kid: string; readonly sealed: string; readonly at: Date }): Promise<void>;
}
