import type { CredentialFeed, CredentialOpener, CredentialStore, OpenCredential } from "../../domain/credential.ts";
import { Fault } from "../../domain/fault.ts";
import type { HeldSecrets } from "../../domain/held-secrets.ts";

/** How long a list is used without being told of a change: the bound when notices are lost. */
export const HELD_TTL_MS = 60_000;

/** The same for a list in which a version could not be opened. */
const INCOMPLETE_TTL_MS = 5_000;

/** Values from outside the store that are remembered for a tenant; the oldest are dropped. */
const MAX_OUTSIDE = 256;

interface Held {
  readonly secrets: readonly string[];
  readonly until: number;
}

/** Keeps the values in memory only, as the cache of opened credentials does. `watch` adds what an opener gives to what is held. */
export function heldSecrets(
  store: Pick<CredentialStore, "list" | "openVersion">,
  nowMs: () => number,
  feed?: CredentialFeed,
): HeldSecrets & { watch(opener: CredentialOpener): CredentialOpener } {
  const kept = new Map<string, Held>();
  const outside = new Map<string, Set<string>>();
  const loading = new Map<string, Promise<readonly string[]>>();
  feed?.onCredentialChanged((change) => {
    const tenants = change === undefined ? [...kept.keys(), ...loading.keys()] : [change.tenant];
    for (const tenant of tenants) {
      loading.delete(tenant);
      // The list itself stays, so that it is the same one again when the values are.
      const old = kept.get(tenant);
      if (old !== undefined) kept.set(tenant, { ...old, until: -Infinity });
    }
  });

  const load = async (tenant: string): Promise<Held> => {
    const stored = await storedValues(store, tenant);
    const secrets = [...new Set([...stored.values, ...(outside.get(tenant) ?? [])])];
    const old = kept.get(tenant)?.secrets ?? [];
    const same = old.length === secrets.length && secrets.every((value, index) => value === old[index]);
    return { secrets: same ? old : secrets, until: nowMs() + (stored.complete ? HELD_TTL_MS : INCOMPLETE_TTL_MS) };
  };
  const refresh = (tenant: string): Promise<readonly string[]> => {
    const mine: Promise<readonly string[]> = load(tenant).then(
      (held) => {
        // What was read before a change must not be kept after it.
        if (loading.get(tenant) === mine) {
          kept.set(tenant, held);
          loading.delete(tenant);
        }
        return held.secrets;
      },
      (failure: unknown) => {
        if (loading.get(tenant) === mine) loading.delete(tenant);
        throw failure;
      },
    );
    loading.set(tenant, mine);
    return mine;
  };
  const note = (opened: OpenCredential): void => {
    const known = kept.get(opened.tenant);
    const values = [opened.value, ...opened.alsoSecret].filter((value) => known?.secrets.includes(value) !== true);
    if (values.length === 0) return;
    outside.set(opened.tenant, new Set([...(outside.get(opened.tenant) ?? []), ...values].slice(-MAX_OUTSIDE)));
    if (known !== undefined) kept.set(opened.tenant, { ...known, secrets: [...known.secrets, ...values] });
  };
  return {
    of: (tenant) => {
      const known = kept.get(tenant);
      return known !== undefined && known.until > nowMs() ? Promise.resolve(known.secrets) : (loading.get(tenant) ?? refresh(tenant));
    },
    watch: (opener) => ({
      ...opener,
      open: async (name, at, version) => {
        const opened = await opener.open(name, at, version);
        if (opened !== undefined) note({ ...opened, tenant: at.tenant });
        return opened;
      },
    }),
  };
}

async function storedValues(
  store: Pick<CredentialStore, "list" | "openVersion">,
  tenant: string,
): Promise<{ readonly values: readonly string[]; readonly complete: boolean }> {
  const values: string[] = [];
  let complete = true;
  for (const info of await store.list(tenant)) {
    if (info.state === "revoked") continue;
    try {
      const opened = await store.openVersion(info);
      if (opened !== undefined) values.push(opened.value);
    } catch (failure) {
      // A row that was tampered with opens for no call; it must not keep all the others from being looked for.
      if (!(failure instanceof Fault) || failure.code !== "credential_unavailable") throw failure;
      complete = false;
    }
  }
  return { values, complete };
}
