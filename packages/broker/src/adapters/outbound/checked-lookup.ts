import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import type { LookupFunction } from "node:net";
import { callbackify } from "node:util";
import { fewLookups } from "./few-lookups.ts";
import { isLoopback, isPrivateNetwork, isSpecialUse } from "./special-use.ts";

/** Resolves a name to all its addresses. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

/** Name look-ups under way at once, of whoever chose the names: the system's resolver shares few threads with everything else. */
const MAX_LOOKUPS = 2;
const lookups = {
  /** Names of the policy folder. */
  reviewed: fewLookups((host: string) => lookup(host, { all: true }), MAX_LOOKUPS),
  /** Names that agents chose: however slowly a stranger's name server answers, reviewed names do not wait for it. */
  agents: fewLookups((host: string) => lookup(host, { all: true }), MAX_LOOKUPS),
};

/** A name that leads where nobody may be led to. */
export class AddressRefused extends Error {
  override readonly name = "AddressRefused";
}

export interface LookupBounds {
  readonly private: boolean;
  /** Default false. */
  readonly loopback?: boolean | undefined;
  /** Default `reviewed`. */
  readonly chosenBy?: keyof typeof lookups;
  /** Default: the system's resolver. */
  readonly resolve?: Resolve | undefined;
}

/**
 * The address to connect to. Every address of a name is checked, not only the one that is used: a name that also points inwards is
 * somebody's attempt. `private` lets it lead to this machine and to private networks, never to link-local or other special addresses;
 * `loopback` to this machine only.
 * @throws AddressRefused; other errors are the resolver's.
 */
export async function checkedAddress(host: string, options: LookupBounds & { readonly signal: AbortSignal }): Promise<LookupAddress> {
  const found =
    options.resolve === undefined ? await lookups[options.chosenBy ?? "reviewed"](host, options.signal) : await options.resolve(host);
  const [first] = found;
  const allowed = (address: string): boolean =>
    !isSpecialUse(address) || (options.private && isPrivateNetwork(address)) || (options.loopback === true && isLoopback(address));
  if (first === undefined || !found.every(({ address }) => allowed(address)))
    throw new AddressRefused(`\`${host}\` leads to a private or special address`);
  return first;
}

/** The same for a socket: what this returns is what it connects to, so a name cannot change its mind in between (DNS rebinding). */
export function checkedLookup(options: LookupBounds & { readonly timeoutMs: number }): LookupFunction {
  const ask = callbackify((host: string) => checkedAddress(host, { ...options, signal: AbortSignal.timeout(options.timeoutMs) }));
  return (host, { all }, done) => {
    ask(host, (error, found) => {
      if (error) return done(error, "", 4);
      return all === true ? done(null, [found]) : done(null, found.address, found.family);
    });
  };
}
