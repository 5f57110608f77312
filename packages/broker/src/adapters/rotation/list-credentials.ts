import type { CredentialUse, Policy } from "@bailiwick/policy";
import type { CredentialInfo } from "../../domain/credential.ts";
import type { KeptCredential } from "../../domain/credential-keeper.ts";
import { Fault } from "../../domain/fault.ts";
import { dueAt, planOf } from "../../domain/rotation.ts";
import { filledSource, readSource } from "../credential-source/sourced-credentials.ts";
import type { KeeperPorts } from "./ports.ts";

/** Stored versions, and what the policy expects at sources outside the store, as they are now. Never a value. */
export async function listCredentials(
  ports: Pick<KeeperPorts, "store" | "policy" | "now" | "external">,
  tenant: string,
): Promise<readonly KeptCredential[]> {
  const policy = ports.policy();
  const now = ports.now();
  const stored = (await ports.store.list(tenant)).map((info): KeptCredential => {
    const due = dueAt(planOf(policy, info.name), info);
    return { ...info, source: "store", ...(due === undefined ? {} : { dueAt: due }), overdue: due !== undefined && due <= now };
  });
  const outside = await Promise.all(
    usesOutside(policy).flatMap((use) => placesOf(policy, tenant, use).map((place) => lookAt(ports, use, place, now))),
  );
  return [...stored, ...outside];
}

interface Place {
  readonly tenant: string;
  readonly environment: string;
  readonly workflow: string;
}

/** A partner's tokens are made for one session each, and grants of tools' servers lie in the store: there is nothing to look at. */
function usesOutside(policy: Policy): readonly CredentialUse[] {
  const uses = policy.tools.flatMap(({ credential }) =>
    credential?.from === undefined || /^(?:store$|oauth$|partner:)/u.test(credential.from) ? [] : [credential],
  );
  return uses.filter((use, index) => uses.findIndex((other) => other.name === use.name) === index);
}

/** Where agents of the tenant work, once for each source text: what does not differ is shown as `*`. */
function placesOf(policy: Policy, tenant: string, { from = "" }: CredentialUse): readonly Place[] {
  const places = policy.agents
    .filter((agent) => agent.tenant === tenant)
    .map(({ environment, workflow }) => ({
      tenant,
      environment: from.includes("${environment}") ? environment : "*",
      workflow: from.includes("${workflow}") ? workflow : "*",
    }));
  return [...new Map(places.map((place) => [`${place.environment}|${place.workflow}`, place])).values()];
}

async function lookAt({ external }: Pick<KeeperPorts, "external">, use: CredentialUse, place: Place, now: Date): Promise<KeptCredential> {
  const source = filledSource(use.from ?? "", place);
  const known = { ...place, name: use.name, hosts: use.hosts ?? [], source, overdue: false };
  try {
    const found = await readSource(source, external);
    if (found === undefined) return { ...known, version: 0, state: "missing" };
    const info: CredentialInfo = { ...known, version: found.version, state: "active", origin: "person", createdAt: found.since ?? now };
    const due = found.since === undefined ? undefined : dueAt(use.rotate, info);
    return {
      ...known,
      version: found.version,
      state: "active",
      ...(found.since === undefined ? {} : { createdAt: found.since }),
      ...(due === undefined ? {} : { dueAt: due }),
      overdue: due !== undefined && due <= now,
    };
  } catch (failure) {
    if (failure instanceof Fault) return { ...known, version: 0, state: "unreadable" };
    throw failure;
  }
}
