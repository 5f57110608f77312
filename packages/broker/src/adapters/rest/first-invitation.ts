import { BROKER } from "../../domain/admin-record.ts";
import { invite } from "./enrolment.ts";
import type { RestPorts } from "./ports.ts";

/**
 * An enrolment link for the first owner of the policy, while nobody has a passkey or a linked account: without it a new broker could be
 * used from its own machine only. Undefined once anybody is enrolled, and when the policy lists no owner.
 */
export async function firstInvitation(
  ports: RestPorts,
): Promise<{ readonly person: string; readonly url: string; readonly expiresAt: Date } | undefined> {
  const owner = ports.policy().people.find((person) => person.roles.includes("owner"));
  if (owner === undefined || (await ports.signIn.passkeys.anyoneEnrolled())) return undefined;
  return invite(ports, owner, { by: BROKER, via: "first-start" });
}
