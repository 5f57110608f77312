/** Where a credential may be used; all must match. `hosts` empty means: stdio tools only. */
export interface CredentialBinding {
  readonly tenant: string;
  readonly environment: string;
  readonly workflow: string;
  readonly hosts: readonly string[];
}

export interface CredentialInfo extends CredentialBinding {
  readonly name: string;
  readonly version: number;
  readonly createdAt: Date;
}

/** An opened credential. `value` must reach nothing but egress and the scrubber. */
export interface OpenCredential extends CredentialInfo {
  readonly value: string;
}

/** Envelope encryption: root key -> tenant key -> version key; AES-256-GCM, AAD = tenant|environment|workflow|name|version. */
export interface CredentialStore {
  put(name: string, binding: CredentialBinding, value: string): Promise<CredentialInfo>;
  /** Newest version bound to exactly this tenant, environment and workflow (`*` bindings of environment and workflow count when no exact one exists). Undefined when there is none. @throws Fault `credential_unavailable` when it cannot be opened. */
  open(
    name: string,
    at: { readonly tenant: string; readonly environment: string; readonly workflow: string },
  ): Promise<OpenCredential | undefined>;
  list(tenant: string): Promise<readonly CredentialInfo[]>;
}
