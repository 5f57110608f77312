import type { RoleFile } from "../../files/schemas.ts";
import type { RuleBook } from "../../rules/rule.ts";
import type { Compiled } from "../compiled.ts";
import type { Shaped } from "../folder.ts";
import { warnShadowedApprovals } from "../shadowed-approvals.ts";
import type { Verdicts } from "../validate-conditions.ts";
import type { World } from "../world.ts";
import { warnAlwaysTrue, warnNeverAsking } from "./always-true.ts";
import { Holders } from "./holders.ts";
import { checkCeilings, checkImpossible } from "./impossible.ts";
import { warnShadowedGrants } from "./shadowed-grants.ts";
import { warnTooFewApprovers } from "./too-few.ts";
import { warnIdleDenies, warnIdleGates, warnUnreachableGrants, warnUnusedRoles } from "./unreachable.ts";
import { warnWideCeilings, warnWidePermits } from "./wide.ts";

/** What each rule says by itself: conditions that never or always hold. */
export function checkConditions(world: World, book: RuleBook, verdicts: Verdicts): void {
  checkImpossible(world, book, verdicts);
  warnAlwaysTrue(world);
  warnNeverAsking(world, book.grants);
}

/** What rules come to together, for the agents that there are. The folder must be free of errors. */
export function checkRules(world: World, compiled: Compiled, roles: readonly Shaped<RoleFile>[]): void {
  const { book } = compiled;
  const holders = new Holders(compiled);
  if (checkCeilings(world, holders, book)) return;
  warnUnusedRoles(world, holders, roles);
  const unreachable = warnUnreachableGrants(world, holders, book.grants);
  warnShadowedGrants(
    world,
    holders,
    book.grants.filter((grant) => !unreachable.has(grant.ref.id)),
  );
  warnIdleDenies(world, holders, book.denies);
  warnIdleGates(world, holders, book);
  warnShadowedApprovals(world, holders);
  warnWideCeilings(world, book);
  warnWidePermits(world, book.grants);
  warnTooFewApprovers(world, holders, book);
}
