import type { Approval } from "../../domain/approval.ts";
import type { RestPorts } from "./ports.ts";

/**
 * Names of the agents (and partners) behind the sessions in which these approvals were asked for: whoever delegated the call. Only
 * approvals that can still be answered are looked at; a session is kept longer than any approval.
 * @throws Fault `store_unavailable`.
 */
export async function actorsBehind(
  { sessions }: Pick<RestPorts, "sessions">,
  approvals: readonly Approval[],
): Promise<(approval: Approval) => readonly string[]> {
  const open = approvals.filter(({ state }) => state === "pending");
  const asked = new Map(open.map((approval) => [keyOf(approval), approval]));
  const actors = new Map<string, readonly string[]>();
  for (const [key, { tenant, session }] of asked) actors.set(key, (await sessions.find(tenant, session))?.actors ?? []);
  return (approval) => actors.get(keyOf(approval)) ?? [];
}

function keyOf({ tenant, session }: Approval): string {
  return `${tenant} ${session}`;
}
