/**
 * What a stop reaches: one agent, all agents of a workflow in an environment, a tenant, or every agent of the deployment.
 * `name` is the agent's name, `<environment>/<workflow>`, the tenant, or `*`.
 */
export type StopKind = "agent" | "workflow" | "tenant" | "everything";

/** A kill switch that is thrown. `suspended` can be lifted; `retired` is the end of an agent. */
export interface Stop {
  readonly tenant: string;
  readonly kind: StopKind;
  readonly name: string;
  readonly state: "suspended" | "retired";
  readonly by: string;
  readonly reason: string;
  readonly at: Date;
}

/** Reserved tenant of the one stop that belongs to none. */
export const EVERY_TENANT = "_system";

export interface StopStore {
  /** Stands from the next call on, on every broker. A later stop of the same name replaces the earlier one, but a retired agent stays retired. */
  put(stop: Stop): Promise<void>;
  /** Returns false when there was nothing to lift, or it is a retirement. */
  lift(tenant: string, kind: StopKind, name: string): Promise<boolean>;
  /** Stops of this tenant, and the one over everything. */
  list(tenant: string): Promise<readonly Stop[]>;
  /** The widest stop over an agent, or undefined when it may act. */
  over(agent: {
    readonly tenant: string;
    readonly environment: string;
    readonly workflow: string;
    readonly name: string;
  }): Promise<Stop | undefined>;
}
