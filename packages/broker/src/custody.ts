import { randomBytes } from "node:crypto";
import type { Policy } from "@bailiwick/policy";
import { cachedCredentials } from "./adapters/cache/credential-cache.ts";
import { externalSources } from "./adapters/credential-source/external-sources.ts";
import { heldSecrets } from "./adapters/credential-source/held-secrets.ts";
import { sourcedCredentials } from "./adapters/credential-source/sourced-credentials.ts";
import { credentialKeeper } from "./adapters/rotation/keeper.ts";
import type { Store } from "./adapters/store/index.ts";
import { createTryOut } from "./adapters/tools/index.ts";
import type { CredentialOpener } from "./domain/credential.ts";
import type { HeldSecrets } from "./domain/held-secrets.ts";
import type { CredentialKeeper } from "./domain/credential-keeper.ts";

export interface CustodyParts {
  readonly store: Store;
  policy(): Policy;
  readonly environment: (name: string) => string | undefined;
  now(): Date;
  /** Told of what the schedule could not do. */
  complain(tenant: string, sentence: string): void;
}

/** The broker's credentials: opened for calls, kept by people, tended by time. */
export interface Custody {
  readonly opener: CredentialOpener;
  readonly keeper: CredentialKeeper;
  /** What none of a tenant's results and arguments may hold. */
  readonly held: HeldSecrets;
  /** Credentials in use longer than their plan says, over all tenants. */
  overdue(): Promise<number>;
  close(): Promise<void>;
}

/** How often it is looked for credentials that are due, and for replaced ones whose grace is over. */
const TEND_MS = 60_000;

/** @throws Fault `credential_unavailable` when a vault is named that cannot be used safely. */
export async function openCustody(parts: CustodyParts): Promise<Custody> {
  const { store, policy, environment, now } = parts;
  const external = await externalSources(environment);
  const nowMs = (): number => performance.now();
  const useOf = (name: string) => policy().tools.find((tool) => tool.credential?.name === name)?.credential;
  const held = heldSecrets(store.credentials, nowMs, store);
  const keeper = credentialKeeper({
    store: store.credentials,
    log: store.log,
    policy,
    now,
    tryOut: createTryOut(policy, environment),
    external,
    environment,
    random: (bytes) => randomBytes(bytes),
  });
  let tending: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    tending = tending.then(() => tendAll(parts, keeper));
  }, TEND_MS);
  return {
    opener: cachedCredentials(held.watch(sourcedCredentials(useOf, store.credentials, external, nowMs)), nowMs, store),
    keeper,
    held,
    overdue: async () => {
      const lists = await Promise.all(policy().tenants.map((tenant) => keeper.list(tenant)));
      return lists.flat().filter((each) => each.overdue).length;
    },
    close: async () => {
      clearInterval(timer);
      await tending;
      await external.close();
    },
  };
}

async function tendAll({ policy, complain }: CustodyParts, keeper: CredentialKeeper): Promise<void> {
  for (const tenant of policy().tenants) {
    const failures = await keeper.tend(tenant).catch(() => ["its credentials could not be looked at; the store did not answer"]);
    for (const failure of failures) complain(tenant, failure);
  }
}
