import { z } from "zod";
import type { BrokerClient } from "./broker-client.ts";
import { CliFailure } from "./failure.ts";

/** The tenant asked for, or all that the caller may see. */
export async function tenantsToAsk(broker: BrokerClient, asked: string | undefined): Promise<readonly string[]> {
  if (asked !== undefined) return [asked];
  return (await broker.get("/status", z.object({ tenants: z.array(z.string()) }))).tenants;
}

/** The tenant asked for, or the only one there is. @throws CliFailure `usage` */
export async function oneTenantToAsk(broker: BrokerClient, asked: string | undefined): Promise<string> {
  const [first, ...more] = await tenantsToAsk(broker, asked);
  if (first !== undefined && more.length === 0) return first;
  throw new CliFailure("usage", "which tenant's log is meant is not said", [`add \`--tenant\` and one of: ${[first, ...more].join(", ")}`]);
}
