/** A scenario that direct passes and the gateway does not, and why that is right. */
export interface Exception {
  readonly suite: string;
  readonly scenario: string;
  readonly reason: string;
}

export const EXCEPTIONS: readonly Exception[] = [];
