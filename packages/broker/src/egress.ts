import type { Policy } from "@bailiwick/policy";
import { type EgressProxy, startEgressProxy } from "./adapters/egress/proxy.ts";
import type { FrontTls } from "./adapters/http/front.ts";
import type { AgentSurface } from "./call/surface.ts";

export interface EgressParts {
  /** Absent: agents get no proxy. */
  readonly port: number | undefined;
  readonly host: string;
  readonly tls: FrontTls | undefined;
  readonly surface: AgentSurface;
  readonly policy: () => Policy;
  readonly now: () => Date;
  readonly onFault: (error: unknown) => void;
  /** For the operator. */
  readonly warn: (sentence: string) => void;
}

/** The proxy for agents that bring their own HTTP client, where one is wanted. Its lines are calls like all others. */
export async function openEgress({ port, warn, ...rest }: EgressParts): Promise<EgressProxy | undefined> {
  if (port === undefined) return undefined;
  if (!rest.policy().tools.some(({ connect }) => "egress" in connect))
    warn("the egress proxy refuses everything: no tool of the policy has `connect: { egress: {} }`");
  return startEgressProxy({ port, ...rest });
}
