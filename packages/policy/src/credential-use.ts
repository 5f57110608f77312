/** Where a credential is put at egress. */
export type Injection =
  | { readonly header: string; readonly format?: string }
  | { readonly environment: string }
  | { readonly login: string };

/** The credential of a tool: its name, where its value comes from, and where it is put. */
export interface CredentialUse {
  readonly name: string;
  readonly inject: Injection;
  /** `store` (default), `oauth`, `env:NAME`, `file:/path` or `vault:mount/path#field`; texts may hold `${tenant}`, `${environment}`, `${workflow}`. */
  readonly from?: string | undefined;
  /** Of `from: oauth`: how the broker gets its tokens for the tool's server. */
  readonly oauth?: ToolOAuth | undefined;
  /** Hosts it may be sent to, when it is not a stored one (those carry their hosts sealed with them). */
  readonly hosts?: readonly string[] | undefined;
  readonly rotate?:
    | {
        /** Milliseconds a version may be in use; absent: no schedule. */
        readonly everyMs?: number | undefined;
        /** Milliseconds a replaced version stays valid. */
        readonly graceMs: number;
        /** The broker renews these login roles itself, by turns, logged in with the credential `admin`. */
        readonly postgres?: { readonly roles: readonly [string, string]; readonly admin: string } | undefined;
      }
    | undefined;
}

/** The broker as an OAuth client of a tool's server. */
export interface ToolOAuth {
  /** `authorization_code`: a person connects the tool once. `client_credentials`: the broker speaks for itself. */
  readonly grant: "authorization_code" | "client_credentials";
  /** The only authorization server that is used. Absent: the one the tool's server names. */
  readonly issuer?: string | undefined;
  /** The most that is ever asked for. */
  readonly scope: readonly string[];
  /** A client registered beforehand; `id` may hold `${tenant}`. `secret` names a stored credential; absent: the broker signs (`private_key_jwt`). */
  readonly client?: { readonly id: string; readonly secret?: string | undefined } | undefined;
}
