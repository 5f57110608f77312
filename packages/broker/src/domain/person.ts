/** How a person proved who they are; recorded with everything they do. */
export type Via = "login-link" | "operator-key" | "passkey" | "recovery-code" | "sso" | "slack";
/** What a one-time code of the operator makes. */
export type LoginVia = Extract<Via, "login-link" | "operator-key">;

/** A sign-in that nobody used for this long has ended. The console asks every few seconds, so an open one is in use. */
export const IDLE_MS = 60 * 60 * 1000;

/** The account at an identity provider that a sign-in came from. `sid` names the provider's own session, when it says so. */
export interface SsoAccount {
  readonly issuer: string;
  readonly subject: string;
  readonly sid?: string | undefined;
}

/** A signed-in person; from a cookie or a bearer token of the people's realm. Agents' tokens are never accepted here. */
export interface PersonSession {
  /** Names the sign-in to its person; opens nothing. */
  readonly id: string;
  readonly person: string;
  readonly via: Via;
  /** What the browser or program called itself: untrusted text, for the person's own eyes. */
  readonly client: string;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  /** The end, however busy it is. */
  readonly expiresAt: Date;
}

/** A sign-in that begins. `at` defaults to the store's clock. */
export interface NewPersonSession {
  readonly tokenHash: string;
  readonly person: string;
  readonly via: Via;
  readonly expiresAt: Date;
  readonly at?: Date | undefined;
  readonly client?: string | undefined;
  /** Required exactly when `via` is `sso`. */
  readonly sso?: SsoAccount | undefined;
}

export interface PersonSessionStore {
  /** Stores the SHA-256 of a one-time login code. */
  createLoginCode(code: {
    readonly hash: string;
    readonly person: string;
    readonly via: LoginVia;
    readonly expiresAt: Date;
  }): Promise<void>;
  /** Returns the person once; undefined when unknown, used or expired. */
  redeemLoginCode(hash: string, now: Date): Promise<{ readonly person: string; readonly via: LoginVia } | undefined>;
  /** Expired sign-ins of everybody are deleted on the way. */
  createSession(session: NewPersonSession): Promise<void>;
  /** The living sign-in of a token, and notes that it is in use; undefined when unknown, ended, expired or idle for IDLE_MS. */
  findSession(tokenHash: string, now: Date): Promise<{ readonly person: string; readonly via: Via; readonly expiresAt: Date } | undefined>;
  /** Gives a living sign-in another token; the old one opens nothing from then on. False when there is none. */
  rotateSession(tokenHash: string, newTokenHash: string): Promise<boolean>;
  endSession(tokenHash: string): Promise<void>;
  /** A person's living sign-ins, newest first, and which of them is `tokenHash`'s. */
  listSessions(person: string, now: Date, tokenHash?: string): Promise<readonly (PersonSession & { readonly current: boolean })[]>;
  /** False when this person has no such sign-in. */
  endSessionOf(person: string, id: string): Promise<boolean>;
  /** Ends all sign-ins of a person, or all but one. Returns how many. */
  endSessionsOf(person: string, except?: string): Promise<number>;
  /** Ends what came from an account at an identity provider: of one of its sessions when `sid` is given. Returns whose, once each. */
  endSsoSessions(account: {
    readonly issuer: string;
    readonly subject?: string | undefined;
    readonly sid?: string | undefined;
  }): Promise<readonly string[]>;
}
