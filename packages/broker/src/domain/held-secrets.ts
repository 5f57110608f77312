/** All values that the broker holds for a tenant: none of them has any business in a result, nor in what an agent sends. */
export interface HeldSecrets {
  /**
   * Values of every version that still exists, and of what was opened from other places. The same array while nothing changes, so that what
   * is made of it can be kept. @throws Fault when they cannot be listed.
   */
  of(tenant: string): Promise<readonly string[]>;
}
