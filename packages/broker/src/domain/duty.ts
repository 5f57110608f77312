/** While somebody is away another person answers in their roles. It lends no role but for answering. */
export interface Duty {
  /** `dty_` and 22 characters. */
  readonly id: string;
  readonly tenant: string;
  /** The person who is away. */
  readonly from: string;
  /** The person who answers for them. */
  readonly to: string;
  /** Roles that are lent. Empty: all that `from` holds. */
  readonly roles: readonly string[];
  readonly begins: Date;
  readonly ends: Date;
  readonly reason: string;
  readonly revokedAt?: Date | undefined;
}

export interface DutyStore {
  put(duty: Duty): Promise<void>;
  /** In force at `at`, newest first. */
  inForce(tenant: string, at: Date): Promise<readonly Duty[]>;
  /** Those that have not ended, and those that ended in the last 30 days. */
  list(tenant: string, at: Date): Promise<readonly Duty[]>;
  find(tenant: string, id: string): Promise<Duty | undefined>;
  /** False when it was not in force or to come. */
  revoke(tenant: string, id: string, at: Date): Promise<boolean>;
}
