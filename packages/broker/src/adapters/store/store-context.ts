import type { LogEvidence } from "../../domain/evidence.ts";

/** What a store is told of the broker that opens it. */
export interface StoreContext {
  /** Names this broker process; no two living brokers on one database share it. */
  readonly brokerId: string;
  readonly log?: ((line: string) => void) | undefined;
  /** The name under which the logs are known; by default one that is made at the first start. */
  readonly origin?: string | undefined;
  readonly witnesses?: ReturnType<LogEvidence["witnesses"]> | undefined;
  /** Told when a checkpoint could not be signed; it is tried again. */
  readonly complain?: ((tenant: string, error: unknown) => void) | undefined;
  readonly now?: (() => Date) | undefined;
}
