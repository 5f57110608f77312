import { z } from "@hono/zod-openapi";
import type { Principal } from "./principal.ts";
import { Problem } from "./problem.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";

/** Query parameter of every list; absent means all tenants of the asking person. */
export const tenantQuery = z.strictObject({ tenant: nameSchema.optional() });

/**
 * The tenants a request covers.
 * @throws Problem `wrong_tenant`, with the same words whether or not the tenant exists.
 */
export function tenantsOf(principal: Principal, asked: string | undefined): readonly string[] {
  if (asked === undefined) return principal.tenants;
  if (!principal.tenants.includes(asked)) {
    throw new Problem("wrong_tenant", "this tenant is not one of yours", [`ask for one of: ${principal.tenants.join(", ") || "none"}`]);
  }
  return [asked];
}

/** The one tenant a change is made in: the one asked for, or the only one there is. @throws Problem `wrong_tenant`, `malformed_request`. */
export function oneTenantOf(principal: Principal, asked: string | undefined): string {
  const [first, ...more] = tenantsOf(principal, asked);
  if (first === undefined)
    throw new Problem("wrong_tenant", "this person has no tenant", ["ask an owner to list a tenant for this person in `bailiwick.yaml`"]);
  if (more.length > 0) throw new Problem("malformed_request", "which tenant is not said", ["add the query parameter `tenant`"]);
  return first;
}

/** Looks for one thing in each tenant of the person: ids say nothing of the tenant they belong to. */
export async function findAmong<T>(tenants: readonly string[], find: (tenant: string) => Promise<T | undefined>): Promise<T | undefined> {
  for (const tenant of tenants) {
    const found = await find(tenant);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The same words for "does not exist" and "belongs to another tenant". */
export function notFound(what: string, id: string, command: string): Problem {
  return new Problem("not_found", `there is no ${what} \`${id}\` in your tenants`, [`run \`${command}\` to see those there are`]);
}
