import { type CredentialInfo, type CredentialPlace, DEFAULT_GRACE_MS, isAt } from "../../domain/credential.ts";
import { SCHEDULE } from "../../domain/credential-keeper.ts";
import { lapsed } from "../../domain/credential-versions.ts";
import { Fault } from "../../domain/fault.ts";
import { overdue } from "../../domain/rotation.ts";
import { endLapsed } from "./end-lapsed.ts";
import { type LoginRoleTarget, loginRoleTarget } from "./login-role-target.ts";
import type { KeeperPorts } from "./ports.ts";
import { rotateNow } from "./rotate-now.ts";

/** Ends what is over and renews what is due in one tenant; whatever fails is said and tried again at the next look. */
export async function tend(ports: KeeperPorts, tenant: string): Promise<readonly string[]> {
  const infos = await ports.store.list(tenant);
  const failures: string[] = [];
  for (const place of placesOf(lapsed(infos, ports.now()))) {
    const failure = await ports.store
      .exclusively(place, async () => endLapsed(ports, place, await targetOrNone(ports, place)))
      .then(() => undefined, sentence);
    if (failure !== undefined) failures.push(failure);
  }
  for (const due of overdue(ports.policy(), infos, ports.now())) {
    if (due.by === "person") continue;
    const answer = await rotateNow(ports, SCHEDULE, due, due.version);
    if (!answer.ok && answer.why !== "rotation_busy") failures.push(`\`${due.name}\` of ${tenant} was not rotated: ${answer.detail}`);
  }
  return failures;
}

/** A plan that lost its admin must not keep values alive: without a target they end in the store alone, when twice their grace is over. */
async function targetOrNone(ports: KeeperPorts, place: CredentialPlace): Promise<LoginRoleTarget | undefined> {
  try {
    return await loginRoleTarget(ports, place);
  } catch (failure) {
    const since = ports.now().getTime() - DEFAULT_GRACE_MS;
    const late = (await ports.store.list(place.tenant)).some(
      (each) => isAt(each, place) && each.state === "previous" && (each.graceUntil?.getTime() ?? since) < since,
    );
    if (late) return undefined;
    throw failure;
  }
}

function placesOf(infos: readonly CredentialInfo[]): readonly CredentialPlace[] {
  return infos.filter((info, index) => infos.findIndex((other) => isAt(other, info)) === index);
}

function sentence(failure: unknown): string {
  return failure instanceof Fault ? failure.message : "a replaced version could not be ended";
}
