import type { PartnerConfig, Policy } from "@bailiwick/policy";
import { adminRecord, BROKER } from "../../domain/admin-record.ts";
import type { AuditLog } from "../../domain/audit.ts";
import type { CredentialOpener, OpenCredential } from "../../domain/credential.ts";
import { Fault } from "../../domain/fault.ts";
import { partnerOf } from "../../domain/partner.ts";
import type { Session } from "../../domain/session.ts";
import { PartnerUnavailable } from "./metadata.ts";
import type { PartnerToken, Traveller } from "./outbound.ts";

export interface PartnerCredentialPorts {
  now(): Date;
  newId(prefix: "tok"): string;
  policy(): Policy;
  readonly issuer: string;
  /** @throws PartnerUnavailable. */
  readonly tokenFor: (partner: PartnerConfig, traveller: Traveller) => Promise<PartnerToken>;
  readonly log: Pick<AuditLog, "append">;
}

/** Tokens kept in memory; one for each session that calls out, and one for each tool's connection. */
const MAX_TOKENS = 10_000;
/** A token that ends this soon is not used any more: the call still has to travel. */
const SPARE_MS = 20_000;
const FROM = "partner:";

/**
 * Opens credentials `from: partner:<name>`: a token of that partner for the session of the call, fetched when first needed and recorded
 * before it is asked for; every other credential as before. A tool's connection outlives sessions, so what is opened without one is a
 * token for the broker itself, in which no user is named.
 */
export function withPartnerTokens(ports: PartnerCredentialPorts, others: CredentialOpener): CredentialOpener {
  const tokens = new Map<string, Promise<PartnerToken>>();

  async function token(partner: PartnerConfig, tenant: string, session: Session | undefined): Promise<PartnerToken> {
    const name = nameOf(partner, tenant, session);
    const held = tokens.get(name);
    if (held !== undefined) {
      const kept = await held;
      if (kept.expiresAt.getTime() - SPARE_MS > ports.now().getTime()) return kept;
      if (tokens.get(name) !== held) return token(partner, tenant, session);
    }
    const asked = ask(ports, partner, tenant, session);
    // Whoever is dropped to make room only asks again.
    if (tokens.size >= MAX_TOKENS) tokens.clear();
    tokens.set(name, asked);
    asked.catch(() => {
      if (tokens.get(name) === asked) tokens.delete(name);
    });
    return asked;
  }

  const fromOf = (name: string): string | undefined =>
    ports.policy().tools.find((tool) => tool.credential?.name === name)?.credential?.from;

  return {
    async open(name, at, version) {
      const from = fromOf(name);
      if (from?.startsWith(FROM) !== true) return others.open(name, at, version);
      const { tenant, environment, workflow, session } = at;
      const partner = reachable(ports.policy(), from.slice(FROM.length), tenant, environment);
      const opened = await token(partner, tenant, session);
      const own = numberOf(opened);
      if (version !== undefined && version !== own) return undefined;
      return {
        name,
        tenant,
        environment,
        workflow,
        hosts: hostsOf(partner),
        version: own,
        value: opened.value,
        alsoSecret: [],
      } satisfies OpenCredential;
    },
    refused(name, at, challenge) {
      const from = fromOf(name);
      if (from?.startsWith(FROM) !== true) return others.refused?.(name, at, challenge);
      const partner = partnerOf(ports.policy(), from.slice(FROM.length));
      // A token for the same scope would be refused as this one was.
      if (partner === undefined || challenge?.error === "insufficient_scope") return undefined;
      // The connection's own token stands on the same entry at the partner, so it has ended as well.
      tokens.delete(nameOf(partner, at.tenant, at.session));
      tokens.delete(nameOf(partner, at.tenant, undefined));
      return undefined;
    },
  };
}

function nameOf(partner: PartnerConfig, tenant: string, session: Session | undefined): string {
  return JSON.stringify([partner.name, partner.version, tenant, session?.id ?? null]);
}

/** @throws Fault `credential_unavailable` when this tenant and environment have nothing to do with the partner. */
function reachable(policy: Policy, name: string, tenant: string, environment: string): PartnerConfig {
  const partner = partnerOf(policy, name);
  if (partner?.outbound !== undefined && partner.tenants.includes(tenant) && partner.environments.includes(environment)) return partner;
  throw new Fault(
    "credential_unavailable",
    `nothing goes out from \`${tenant}/${environment}\` to partner \`${name}\`; see \`tenants\`, \`environments\` and \`outbound\` in partners.yaml`,
  );
}

async function ask(
  ports: PartnerCredentialPorts,
  partner: PartnerConfig,
  tenant: string,
  session: Session | undefined,
): Promise<PartnerToken> {
  if (session?.user === ports.issuer)
    throw new Fault(
      "credential_unavailable",
      `the session's user bears the broker's own name (\`${ports.issuer}\`), under which only the broker itself goes out; open it for the person the work is for`,
    );
  const traveller: Traveller =
    session === undefined ? { user: ports.issuer, actors: [] } : { user: session.user, actors: [session.agent, ...session.actors] };
  const id = session?.id ?? ports.newId("tok");
  await ports.log.append(
    tenant,
    adminRecord({
      at: ports.now(),
      event: "federation.out",
      by: session === undefined ? BROKER : { named: session.agent },
      callId: id,
      // A token for the broker itself names nobody.
      user: session?.user,
      task: session?.task,
      body: {
        partner: partner.name,
        scope: partner.outbound?.scope ?? [],
        ...(session === undefined ? {} : { session: session.id, run: session.run, agent: session.agent, environment: session.environment }),
      },
    }),
  );
  try {
    return await ports.tokenFor(partner, traveller);
  } catch (error) {
    if (error instanceof PartnerUnavailable) throw new Fault("credential_unavailable", error.message, { cause: error });
    throw error;
  }
}

/** Tells one token from the one after it in the records. */
function numberOf({ issuedAt }: PartnerToken): number {
  return Math.floor(issuedAt.getTime() / 1000);
}

/** A partner's token goes to the host and port it is for and to no other; the usual port is written as none, as URLs have it. */
function hostsOf({ outbound }: PartnerConfig): readonly string[] {
  const url = URL.parse(outbound?.resource ?? "");
  if (url === null) return [];
  return [`${url.hostname}:${url.port}`];
}
