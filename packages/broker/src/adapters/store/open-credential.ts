import { type Kysely, sql, type Transaction } from "kysely";
import type { CredentialOpener, OpenCredential, VersionRef } from "../../domain/credential.ts";
import { opens } from "../../domain/credential-versions.ts";
import { Fault } from "../../domain/fault.ts";
import { infoOf, placeText, refOf, requireTrueState, unsealSecret } from "./credential-rows.ts";
import type { CredentialsTable, Tables } from "./tables.ts";
import { tenantKeyOf } from "./tenant-key.ts";
import { inTenant } from "./tenant-scope.ts";

export interface OpenDeps {
  readonly db: Kysely<Tables>;
  readonly now: () => Date;
  readonly rootKey: Uint8Array;
  /** The highest active version this process has seen of each place: versions only go forward. */
  readonly floors: Map<string, number>;
}

/** See CredentialOpener. @throws Fault `credential_unavailable`. */
export function openActive(
  deps: OpenDeps,
  name: string,
  at: Parameters<CredentialOpener["open"]>[1],
  version: number | undefined,
): Promise<OpenCredential | undefined> {
  return inTenant(deps.db, at.tenant, async (scoped) => {
    const rows = narrowest(await candidates(scoped, name, at));
    const [first] = rows;
    if (first === undefined) return undefined;
    const tenantKey = await tenantKeyOf(scoped, at.tenant, deps.rootKey, "need");
    const living = rows.filter(({ state }) => state !== "revoked");
    for (const row of living) requireTrueState(tenantKey, row, rows);
    const active = living.find(({ state }) => state === "active");
    if (active === undefined) {
      throw new Fault(
        "credential_unavailable",
        `every version of the credential \`${name}\` is revoked or waits to be activated; activate one with \`bailiwick secrets activate ${name}\``,
      );
    }
    requireForward(deps.floors, active);
    const now = deps.now();
    const wanted = version === undefined ? active : living.find((row) => row.version === version && opens(infoOf(row), now));
    return wanted === undefined ? undefined : opened(tenantKey, wanted, living);
  });
}

/** One version that is not revoked, with the values of the others. */
export function openVersion(deps: Omit<OpenDeps, "floors">, ref: VersionRef): Promise<OpenCredential | undefined> {
  return inTenant(deps.db, ref.tenant, async (scoped) => {
    const rows = await candidates(scoped, ref.name, ref);
    const living = rows.filter((row) => placeText(refOf(row)) === placeText(ref) && row.state !== "revoked");
    const row = living.find(({ version }) => version === ref.version);
    if (row === undefined) return undefined;
    const tenantKey = await tenantKeyOf(scoped, ref.tenant, deps.rootKey, "need");
    for (const each of living) requireTrueState(tenantKey, each, rows);
    return opened(tenantKey, row, living);
  });
}

/** Living versions, and of each place the last one that was in use, living or not: narrowest place first, newest first. */
async function candidates(
  scoped: Transaction<Tables>,
  name: string,
  at: Parameters<CredentialOpener["open"]>[1],
): Promise<readonly CredentialsTable[]> {
  return (
    scoped
      .selectFrom("bailiwick.credentials as own")
      .selectAll("own")
      .where("own.tenant_id", "=", at.tenant)
      .where("own.name", "=", name)
      .where("own.environment", "in", [at.environment, "*"])
      .where("own.workflow", "in", [at.workflow, "*"])
      .where(
        sql<boolean>`(own.state <> 'revoked' or own.version = (
          select max(used.version) from bailiwick.credentials used
           where used.tenant_id = own.tenant_id and used.name = own.name and used.environment = own.environment
             and used.workflow = own.workflow and used.activated_at is not null))`,
      )
      // The environment weighs more than the workflow.
      .orderBy(sql`own.environment = '*'`)
      .orderBy(sql`own.workflow = '*'`)
      .orderBy("own.version", "desc")
      .execute()
  );
}

// A place whose only version was revoked does not fall back to a wider one: a call would silently go out under another identity.
function narrowest(rows: readonly CredentialsTable[]): readonly CredentialsTable[] {
  const used = rows.find((row) => row.activated_at !== null);
  return used === undefined ? [] : rows.filter((row) => placeText(refOf(row)) === placeText(refOf(used)));
}

/** @throws Fault when the store names a lower active version than before: somebody put an old row back. */
function requireForward(floors: Map<string, number>, active: CredentialsTable): void {
  const place = placeText(refOf(active));
  const floor = floors.get(place) ?? 0;
  if (active.version < floor) {
    throw new Fault(
      "credential_unavailable",
      `the store was rolled back: version ${active.version} of \`${active.name}\` is active and version ${floor} was; put the credential again, or restart the broker when the store was restored on purpose`,
    );
  }
  floors.set(place, active.version);
}

function opened(tenantKey: Uint8Array, row: CredentialsTable, living: readonly CredentialsTable[]): OpenCredential {
  const { value, hosts, login } = unsealSecret(tenantKey, row);
  const alsoSecret = living.filter((other) => other.version !== row.version).map((other) => unsealSecret(tenantKey, other).value);
  const { name, tenant, environment, workflow, version } = refOf(row);
  return { name, tenant, environment, workflow, version, hosts, value, alsoSecret, ...(login === undefined ? {} : { login }) };
}
