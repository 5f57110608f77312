import type { SsoAccount } from "./person.ts";

/** A public key that a person's device keeps the private half of (Web Authentication Level 3). */
export interface Passkey {
  /** Credential id in base64url. */
  readonly id: string;
  readonly person: string;
  /** The person's own name for it. */
  readonly name: string;
  /** COSE_Key (RFC 9052 section 7) in base64url. */
  readonly publicKey: string;
  /** Uses that the authenticator counted; 0 for ever when it does not count. */
  readonly counter: number;
  readonly transports: readonly string[];
  /** Whether it is copied to other devices of the person by their provider. */
  readonly backedUp: boolean;
  readonly createdAt: Date;
  readonly lastUsedAt?: Date | undefined;
}

export interface PasskeyStore {
  /** False when the credential is registered already, to whomever. */
  add(passkey: Passkey): Promise<boolean>;
  find(id: string): Promise<Passkey | undefined>;
  /** Oldest first. */
  list(person: string): Promise<readonly Passkey[]>;
  /** Notes a use. False when the counter did not grow: another use came first, or the authenticator was cloned. */
  used(id: string, counter: number, at: Date): Promise<boolean>;
  /** `last`: it is the only one, and no unused recovery code is left; `force` removes it all the same. */
  remove(person: string, id: string, options: { readonly force: boolean }): Promise<"removed" | "unknown" | "last">;
  /** Whether any person has a passkey or a linked account at an identity provider. */
  anyoneEnrolled(): Promise<boolean>;
}

/** What a signed challenge is for; one purpose's challenge never serves another. */
export type ChallengePurpose = "register" | "sign-in" | "step-up";

export interface Challenge {
  /** base64url, as the browser's client data repeats it. */
  readonly challenge: string;
  readonly purpose: ChallengePurpose;
  /** Absent for a sign-in: who it is comes out at the end. */
  readonly person?: string | undefined;
  /** SHA-256 of the cookie of the browser that began. */
  readonly browser?: string | undefined;
  readonly expiresAt: Date;
}

export interface ChallengeStore {
  put(challenge: Challenge): Promise<void>;
  /** Hands a challenge out once; `used` afterwards, undefined when unknown or expired. */
  take(challenge: string, now: Date): Promise<Challenge | "used" | undefined>;
}

export interface RecoveryCodeStore {
  /** Makes all earlier codes of the person useless. */
  replace(person: string, hashes: readonly string[], at: Date): Promise<void>;
  /** Uses a code up and returns how many are left; undefined when it is none, or used. */
  use(person: string, hash: string, at: Date): Promise<number | undefined>;
  left(person: string): Promise<number>;
}

/** An invitation to register a first means of signing in. */
export interface EnrolmentStore {
  create(link: { readonly hash: string; readonly person: string; readonly invitedBy: string; readonly expiresAt: Date }): Promise<void>;
  /** Whose link it is, without using it up; undefined when unknown, used or expired. */
  find(hash: string, now: Date): Promise<string | undefined>;
  /** Uses the link up and returns whose it is; undefined when unknown, used or expired. */
  use(hash: string, now: Date): Promise<string | undefined>;
}

/** A sign-in at an identity provider under way. */
export interface SsoFlow {
  /** SHA-256 of the `state` parameter. */
  readonly state: string;
  readonly next: string;
  /** The signed-in person who links their account. */
  readonly linkPerson?: string | undefined;
  /** Hash of the enrolment link whose holder links their account. */
  readonly enrolment?: string | undefined;
  readonly expiresAt: Date;
}

export interface SsoStore {
  begin(flow: SsoFlow): Promise<void>;
  /** Hands a flow out once; undefined when unknown, taken or expired. */
  take(state: string, now: Date): Promise<SsoFlow | undefined>;
  /** False when the account is another person's. */
  link(account: SsoAccount, person: string, at: Date): Promise<boolean>;
  personOf(account: SsoAccount): Promise<string | undefined>;
  linksOf(person: string): Promise<readonly SsoAccount[]>;
  /** False when this logout token was seen before. */
  rememberLogout(token: { readonly issuer: string; readonly jti: string; readonly expiresAt: Date }): Promise<boolean>;
}

/** How a person can sign in. */
export interface SignInMeans {
  readonly passkeys: number;
  readonly recoveryCodesLeft: number;
  readonly linked: boolean;
}

/** Everything that is kept about how people sign in. */
export interface SignInStore {
  readonly passkeys: PasskeyStore;
  readonly challenges: ChallengeStore;
  readonly recoveryCodes: RecoveryCodeStore;
  readonly enrolments: EnrolmentStore;
  readonly sso: SsoStore;
  /** Of everybody who can sign in at all. */
  means(): Promise<ReadonlyMap<string, SignInMeans>>;
  /** Counts an attempt under each key within a fixed window, before its outcome is known. False when one of them is used up. */
  attempt(keys: readonly { readonly key: string; readonly max: number }[], windowMs: number, now: Date): Promise<boolean>;
}
