import { type CredentialInfo, type CredentialPlace, isAt } from "../../domain/credential.ts";
import { SCHEDULE } from "../../domain/credential-keeper.ts";
import { lapsed } from "../../domain/credential-versions.ts";
import { closeRole } from "../postgres-tool/login-roles.ts";
import { recordOf } from "./credential-record.ts";
import { loginOf, type LoginRoleTarget } from "./login-role-target.ts";
import type { KeeperPorts } from "./ports.ts";

/** Revokes versions whose grace is over; a login role is closed at its database first, so that a destroyed value is a dead one. */
export async function endLapsed(ports: KeeperPorts, place: CredentialPlace, target: LoginRoleTarget | undefined): Promise<void> {
  const versions = (await ports.store.list(place.tenant)).filter((each) => isAt(each, place));
  const active = versions.find(({ state }) => state === "active");
  const current = active === undefined ? undefined : await ports.store.openVersion(active);
  for (const info of lapsed(versions, ports.now())) {
    if (target !== undefined) await closeFormer(ports, info, target, current === undefined ? undefined : loginOf(target, current));
    await ports.store.revoke(info, { record: recordOf(ports, SCHEDULE, "credential.revoke", { why: "grace over" }) });
  }
}

async function closeFormer(ports: KeeperPorts, info: CredentialInfo, target: LoginRoleTarget, inUse: string | undefined): Promise<void> {
  const opened = await ports.store.openVersion(info);
  const role = opened === undefined ? undefined : loginOf(target, opened);
  if (role !== undefined && role !== inUse && target.roles.includes(role)) await closeRole(target.who, role);
}
