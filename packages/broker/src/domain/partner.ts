import type { PartnerConfig, Policy } from "@bailiwick/policy";
import { covers } from "./delegation.ts";
import type { Session } from "./session.ts";

/**
 * Whether the partner whose assertion a session stands on is in the policy as it was then. A partner that was removed, or of which
 * anything but its contact was changed, has ended its sessions: nobody has to find them. True for a session without a partner. Pure.
 */
export function partnerStillHolds(policy: Pick<Policy, "partners">, session: Session): boolean {
  if (session.partner === undefined) return true;
  const partner = partnerOf(policy, session.partner);
  return partner !== undefined && partner.version === session.partnerVersion;
}

export function partnerOf(policy: Pick<Policy, "partners">, name: string): PartnerConfig | undefined {
  return policy.partners.find((each) => each.name === name);
}

/** Whether a partner may speak of this subject. A pattern is a whole subject, or a beginning with a `*` after it. */
export function speaksOf(partner: Pick<PartnerConfig, "subjects">, subject: string): boolean {
  return partner.subjects.some((pattern) => (pattern.endsWith("*") ? subject.startsWith(pattern.slice(0, -1)) : subject === pattern));
}

/** The first asked scope that a partner's ceiling does not hold. */
export function aboveCeiling({ ceiling }: Pick<PartnerConfig, "ceiling">, asked: readonly string[]): string | undefined {
  return asked.find((scope) => !ceiling.scope.some((held) => covers(held, scope)));
}
