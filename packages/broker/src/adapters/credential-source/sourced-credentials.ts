import type { CredentialUse } from "@bailiwick/policy";
import { type CredentialOpener, DEFAULT_GRACE_MS } from "../../domain/credential.ts";
import { Fault } from "../../domain/fault.ts";
import type { ValueSource } from "./value-source.ts";

/** The sources outside the store. `vault` is absent when the broker was not told where it is. */
export interface ExternalSources {
  readonly env: ValueSource;
  readonly file: ValueSource;
  readonly vault?: ValueSource | undefined;
}

/** Opens each credential where the policy says that it is kept: in the store, or outside of it. */
export function sourcedCredentials(
  useOf: (name: string) => Pick<CredentialUse, "from" | "hosts"> | undefined,
  store: CredentialOpener,
  external: ExternalSources,
  nowMs: () => number,
): CredentialOpener {
  const remembered = formerValues(nowMs);
  return {
    open: async (name, at, version) => {
      const use = useOf(name);
      if (use?.from === undefined || use.from === "store") return store.open(name, at, version);
      const place = filledSource(use.from, at);
      const found = await readSource(place, external);
      if (found === undefined) return undefined;
      const { tenant, environment, workflow } = at;
      const alsoSecret = remembered.after(JSON.stringify([tenant, place]), found.value);
      if (version !== undefined && found.version !== version) return undefined;
      return { name, tenant, environment, workflow, hosts: use.hosts ?? [], version: found.version, value: found.value, alsoSecret };
    },
  };
}

type At = Parameters<CredentialOpener["open"]>[1];

/** A source shows one value at a time; these are kept so that results are cleaned of the one before as well. */
const MAX_FORMER_VALUES = 4;

interface Former {
  value: string;
  before: readonly { readonly value: string; readonly until: number }[];
}

function formerValues(nowMs: () => number): { after(place: string, value: string): readonly string[] } {
  const places = new Map<string, Former>();
  return {
    after(place, value) {
      const known = places.get(place) ?? { value, before: [] };
      const replaced = known.value === value ? [] : [{ value: known.value, until: nowMs() + DEFAULT_GRACE_MS }];
      const before = [...replaced, ...known.before]
        .filter((each) => each.until > nowMs() && each.value !== value)
        .slice(0, MAX_FORMER_VALUES);
      places.set(place, { value, before });
      return before.map((each) => each.value);
    },
  };
}

/** Reads a place such as `file:/run/secrets/crm`, already filled in. @throws Fault `credential_unavailable`. */
export async function readSource(place: string, external: ExternalSources): ReturnType<ValueSource["read"]> {
  const kind = place.slice(0, place.indexOf(":"));
  const rest = place.slice(kind.length + 1);
  switch (kind) {
    case "env":
      return external.env.read(rest);
    case "file":
      return external.file.read(rest);
    case "vault":
      if (external.vault !== undefined) return external.vault.read(rest);
      throw new Fault("credential_unavailable", "a credential is kept in a vault and the broker knows none; set BAILIWICK_VAULT_ADDR");
    default:
      throw new Fault("credential_unavailable", `\`${place}\` names no known source; see docs/spec/policy-files.md`);
  }
}

/** The names have no characters that lead elsewhere: policy allows letters, digits, `_` and `-` in them. */
export function filledSource(from: string, at: At): string {
  const filled = from.replaceAll(/\$\{(tenant|environment|workflow)\}/gu, (_, part: string) =>
    part === "tenant" ? at.tenant : part === "environment" ? at.environment : at.workflow,
  );
  if (/[^\w./#:-]|\.\./u.test(filled))
    throw new Fault("credential_unavailable", `\`${filled}\` is no place to look for a credential; write plain names in \`from\``);
  return filled;
}
