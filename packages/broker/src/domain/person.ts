/** A signed-in person; from a cookie or a bearer token of the people's realm. Agents' tokens are never accepted here. */
export interface PersonSession {
  readonly person: string;
  readonly tenants: readonly string[];
  readonly roles: readonly string[];
  /** How the person proved who they are; recorded with every answer. */
  readonly via: "login-link" | "operator-key";
  readonly expiresAt: Date;
}

export interface PersonSessionStore {
  /** Stores the SHA-256 of a one-time login code. */
  createLoginCode(code: {
    readonly hash: string;
    readonly person: string;
    readonly via: PersonSession["via"];
    readonly expiresAt: Date;
  }): Promise<void>;
  /** Returns the person once; undefined when unknown, used or expired. */
  redeemLoginCode(hash: string, now: Date): Promise<{ readonly person: string; readonly via: PersonSession["via"] } | undefined>;
  createSession(session: {
    readonly tokenHash: string;
    readonly person: string;
    readonly via: PersonSession["via"];
    readonly expiresAt: Date;
  }): Promise<void>;
  findSession(
    tokenHash: string,
    now: Date,
  ): Promise<{ readonly person: string; readonly via: PersonSession["via"]; readonly expiresAt: Date } | undefined>;
  endSession(tokenHash: string): Promise<void>;
}
