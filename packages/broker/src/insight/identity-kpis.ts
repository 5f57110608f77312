import type { Policy } from "@bailiwick/policy";
import type { AgentKeyStore } from "../domain/agent-key.ts";
import type { SenderBinding, Session, SessionStore } from "../domain/session.ts";

export interface IdentityKpis {
  readonly sharedCredentialAttempts: number;
  readonly agentsWithoutOwner: readonly string[];
  readonly tokensByLifetime: readonly { readonly upTo: string; readonly binding: SenderBinding["kind"]; readonly count: number }[];
}

/** Lifetimes that tell something: what an impatient task needs, the bound of bearer tokens, the bound of the others. */
const BUCKETS = [
  { upTo: "1m", ms: 60_000 },
  { upTo: "5m", ms: 300_000 },
  { upTo: "15m", ms: 900_000 },
] as const;
/** Live sessions looked at; beyond it the figures are of the newest. */
const MAX_SESSIONS = 10_000;

/** How well identities are kept, over some tenants: shared keys, agents nobody answers for, how long tokens live. */
export async function identityKpis(
  ports: { readonly agentKeys: Pick<AgentKeyStore, "list" | "sharedAttempts">; readonly sessions: Pick<SessionStore, "list"> },
  policy: Policy,
  tenants: readonly string[],
): Promise<IdentityKpis> {
  const each = await Promise.all(
    tenants.map(async (tenant) => ({
      attempts: await ports.agentKeys.sharedAttempts(tenant),
      keys: await ports.agentKeys.list(tenant),
      live: await ports.sessions.list(tenant, { live: true, limit: MAX_SESSIONS }),
    })),
  );
  const known = new Set(policy.agents.map((agent) => agent.name));
  const unowned = policy.agents
    .filter((agent) => tenants.includes(agent.tenant) && !isOwned(policy, agent.owner, agent.tenant))
    .map(({ name }) => name);
  const orphans = each.flatMap(({ keys }) =>
    keys.filter((key) => key.status === "active" && !known.has(key.agent)).map((key) => key.agent),
  );
  return {
    sharedCredentialAttempts: each.reduce((sum, { attempts }) => sum + attempts.length, 0),
    agentsWithoutOwner: [...new Set([...unowned, ...orphans])].toSorted(),
    tokensByLifetime: byLifetime(each.flatMap(({ live }) => live)),
  };
}

function isOwned(policy: Policy, owner: string, tenant: string): boolean {
  return policy.people.some((person) => person.id === owner && person.tenants.includes(tenant));
}

function byLifetime(sessions: readonly Session[]): IdentityKpis["tokensByLifetime"] {
  const counts = new Map<string, IdentityKpis["tokensByLifetime"][number]>();
  for (const { issuedAt, expiresAt, binding } of sessions) {
    const life = expiresAt.getTime() - issuedAt.getTime();
    const upTo = BUCKETS.find(({ ms }) => life <= ms)?.upTo ?? "15m";
    const key = `${upTo} ${binding.kind}`;
    counts.set(key, { upTo, binding: binding.kind, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()].toSorted((a, b) => (`${a.upTo} ${a.binding}` < `${b.upTo} ${b.binding}` ? -1 : 1));
}
