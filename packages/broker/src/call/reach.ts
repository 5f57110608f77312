import type { Policy } from "@bailiwick/policy";
import type { Reach } from "../domain/approval.ts";
import { readPath } from "./paths.ts";
import type { LimitedCall } from "./types.ts";

/** What a call would reach, as far as its arguments and the catalog say. */
export function reachOf(call: LimitedCall): Reach {
  const { action, args, decision, policy, session, request } = call;
  const cost = decision.amounts?.cost ?? 0;
  const own = ownDomains(policy, session.tenant);
  return {
    // Of a read that turned out large it is known by now how large.
    records: Math.max(decision.amounts?.records ?? 1, request.expected ?? 0),
    ...(cost === 0 ? {} : { cost }),
    destinations: action.destination.flatMap((path) => {
      const value = readPath({ args }, path);
      const all = Array.isArray(value) ? value : [value];
      return all.flatMap((each) =>
        typeof each === "string" || typeof each === "number"
          ? [{ argument: path.replace(/^args\./u, ""), value: String(each), external: isExternal(String(each), own) }]
          : [],
      );
    }),
    ...(action.undo === undefined ? {} : { undo: action.undo.do }),
  };
}

/** Domains of the tenant's own people: whatever goes elsewhere leaves the company. */
function ownDomains({ people }: Policy, tenant: string): ReadonlySet<string> {
  return new Set(people.filter(({ tenants }) => tenants.includes(tenant)).map(({ email }) => domainOf(email)));
}

/** What is not an address at a domain of one's own counts as outside: an account, a channel, a URL. */
function isExternal(value: string, own: ReadonlySet<string>): boolean {
  return !value.includes("@") || !own.has(domainOf(value));
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1).toLowerCase();
}
