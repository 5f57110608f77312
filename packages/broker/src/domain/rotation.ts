import type { CatalogTool, Policy } from "@bailiwick/policy";
import type { CredentialInfo, VersionRef } from "./credential.ts";

/** How often a credential is to be replaced, and by whom. */
export type RotationPlan = NonNullable<NonNullable<CatalogTool["credential"]>["rotate"]>;

/** A credential that is used longer than its plan says. */
export interface OverdueCredential extends VersionRef {
  readonly dueAt: Date;
  /** `broker`: it can be rotated by the broker itself; `person`: somebody has to put a new version. */
  readonly by: "broker" | "person";
}

/** The plan of a credential; `load` guarantees that all tools that name it say the same. */
export function planOf(policy: Pick<Policy, "tools">, name: string): RotationPlan | undefined {
  return policy.tools.find((tool) => tool.credential?.name === name)?.credential?.rotate;
}

/** When the active version is to be replaced; undefined for any other version, and when there is no plan. */
export function dueAt(plan: RotationPlan | undefined, info: CredentialInfo): Date | undefined {
  if (plan?.everyMs === undefined || info.state !== "active") return undefined;
  return new Date((info.activatedAt ?? info.createdAt).getTime() + plan.everyMs);
}

/** The active versions whose time is over. */
export function overdue(policy: Pick<Policy, "tools">, infos: readonly CredentialInfo[], now: Date): readonly OverdueCredential[] {
  return infos.flatMap((info) => {
    const plan = planOf(policy, info.name);
    const due = dueAt(plan, info);
    if (due === undefined || due > now) return [];
    const { name, tenant, environment, workflow, version } = info;
    return [{ name, tenant, environment, workflow, version, dueAt: due, by: plan?.postgres === undefined ? "person" : "broker" } as const];
  });
}
