import type { Approve } from "../rules/rule.ts";
import type { PersonConfig } from "../types.ts";
import { READ_ONLY_ROLE } from "./parts.ts";

/** Roles one of which a person must hold to take the place; one place for each yes that is needed. */
export type Place = readonly string[];

/** The places of a demand, those it escalates to included: in the end they may sit where the first ones do. */
export function placesOf({ by, count, also, escalate }: Approve): readonly Place[] {
  const first = [...by, ...(escalate?.to ?? [])];
  return [{ by: first, count }, ...also].flatMap((group) => Array.from({ length: group.count }, () => group.by));
}

/** Who can answer in a tenant at all. */
export function peopleOf(people: readonly PersonConfig[], tenant: string): readonly PersonConfig[] {
  return people.filter(({ tenants, roles }) => tenants.includes(tenant) && !roles.includes(READ_ONLY_ROLE));
}

/** How many places different people can take at once. Maximum bipartite matching by augmenting paths; there are a handful of places. */
export function seatedOf(places: readonly Place[], people: readonly PersonConfig[]): number {
  const sitting = new Map<PersonConfig, Place>();
  const seat = (place: Place, tried: Set<PersonConfig>): boolean =>
    people.some((person) => {
      if (tried.has(person) || !person.roles.some((role) => place.includes(role))) return false;
      tried.add(person);
      const before = sitting.get(person);
      if (before !== undefined && !seat(before, tried)) return false;
      sitting.set(person, place);
      return true;
    });
  return places.filter((place) => seat(place, new Set())).length;
}
