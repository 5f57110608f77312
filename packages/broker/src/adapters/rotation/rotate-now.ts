import { isDeepStrictEqual } from "node:util";
import { equippedWith } from "../../call/upstream.ts";
import { type CredentialInfo, type CredentialPlace, isAt, type OpenCredential } from "../../domain/credential.ts";
import type { Actor, KeeperAnswer } from "../../domain/credential-keeper.ts";
import { opens } from "../../domain/credential-versions.ts";
import { Fault } from "../../domain/fault.ts";
import { letRoleLapse, renewRole } from "../postgres-tool/login-roles.ts";
import { recordEvent, recordOf } from "./credential-record.ts";
import { changeDetail } from "./details.ts";
import { endLapsed } from "./end-lapsed.ts";
import { loginOf, loginRoles, type LoginRoleTarget, loginRoleTarget } from "./login-role-target.ts";
import type { KeeperPorts } from "./ports.ts";

/** 256 bits, as printable text. */
const PASSWORD_BYTES = 32;

/**
 * Renews the idle one of two login roles, tries it, switches calls over, and lets the other one lapse: no moment is without a login.
 * One broker at a time. Whatever fails before the switch leaves the version in use untouched, and nothing waiting.
 * With `dueVersion` only while that one is active: another broker may have been first.
 */
export async function rotateNow(ports: KeeperPorts, actor: Actor, place: CredentialPlace, dueVersion?: number): Promise<KeeperAnswer> {
  const ran = await ports.store.exclusively(place, async (): Promise<KeeperAnswer> => {
    try {
      const target = await loginRoleTarget(ports, place);
      if (target === undefined) return notRotatable(place);
      return await rotateLocked(ports, actor, { ...place, dueVersion }, target);
    } catch (failure) {
      if (!(failure instanceof Fault)) throw failure;
      await recordEvent(ports, actor, "credential.rotate_failed", place, { code: failure.code });
      return { ok: false, why: "not_verified", detail: failure.message };
    }
  });
  return ran?.value ?? busy(place);
}

async function rotateLocked(
  ports: KeeperPorts,
  actor: Actor,
  { dueVersion, ...place }: CredentialPlace & { readonly dueVersion: number | undefined },
  target: LoginRoleTarget,
): Promise<KeeperAnswer> {
  const sharer = await placeWithSameRoles(ports, place, target);
  if (sharer !== undefined) {
    return {
      ok: false,
      why: "not_rotatable",
      detail: `\`${place.name}\` logs in as the same roles for ${sharer}, whose login would end; give each its own roles or database (\`\${environment}\`, \`\${workflow}\` in the tool file)`,
    };
  }
  await endLapsed(ports, place, target);
  const versions = (await ports.store.list(place.tenant)).filter((each) => isAt(each, place));
  const pending = versions.find(({ state }) => state === "pending");
  if (pending?.origin === "person") return { ok: false, why: "pending_exists", detail: changeDetail("pending_exists", pending) };
  // A broker died between making a version and switching to it: nobody uses that password.
  if (pending !== undefined) await ports.store.revoke(pending, { record: recordOf(ports, actor, "credential.revoke") });
  const active = versions.find(({ state }) => state === "active");
  const current = active === undefined ? undefined : await ports.store.openVersion(active);
  if (current === undefined)
    return { ok: false, why: "no_such_version", detail: `\`${place.name}\` has no active version to rotate from; set one first` };
  if (dueVersion !== undefined && current.version !== dueVersion) return busy(place);
  const role = loginOf(target, current) === target.roles[0] ? target.roles[1] : target.roles[0];
  if (await stillUsed(ports, versions, target, role)) {
    return {
      ok: false,
      why: "in_grace",
      detail: `the role \`${role}\` still serves calls that began before the last rotation; rotate when its grace is over`,
    };
  }
  return renew(ports, actor, { place, target, current, role });
}

/** Another environment or workflow of the tenant that the tool file leads to the same roles of the same database. */
async function placeWithSameRoles(ports: KeeperPorts, place: CredentialPlace, target: LoginRoleTarget): Promise<string | undefined> {
  const others = (await ports.store.list(place.tenant)).filter(
    (each) => each.name === place.name && each.state === "active" && !isAt(each, place),
  );
  const same = others.find((other) => {
    const theirs = loginRoles(ports, other);
    return theirs !== undefined && isDeepStrictEqual([theirs.at, theirs.roles], [target.at, target.roles]);
  });
  return same === undefined ? undefined : `${same.environment}/${same.workflow}`;
}

interface Renewal {
  readonly place: CredentialPlace;
  readonly target: LoginRoleTarget;
  readonly current: OpenCredential;
  readonly role: string;
}

async function renew(ports: KeeperPorts, actor: Actor, { place, target, current, role }: Renewal): Promise<KeeperAnswer> {
  const password = Buffer.from(ports.random(PASSWORD_BYTES)).toString("base64url");
  // The hosts come from the sealed text of the version in use, not from the row beside it.
  const staged = await ports.store.stage(place.name, { ...place, hosts: current.hosts }, password, {
    login: role,
    origin: "rotation",
    record: recordOf(ports, actor, "credential.stage", { login: role }),
  });
  if (!staged.ok) return { ok: false, why: staged.why, detail: changeDetail(staged.why, { ...place, version: 0 }) };
  try {
    await renewRole(target.who, role, password, async () => {
      const versions = await ports.store.list(place.tenant);
      return versions.some((each) => isAt(each, place) && each.version === staged.info.version && each.state === "pending");
    });
    await tryRenewed(ports, target, staged.info);
  } catch (failure) {
    await ports.store.revoke(staged.info, { record: recordOf(ports, actor, "credential.revoke") });
    throw failure;
  }
  const record = recordOf(ports, actor, "credential.activate", { login: role });
  const changed = await ports.store.activate(staged.info, { verification: "verified", graceMs: target.graceMs, record });
  if (!changed.ok) return { ok: false, why: changed.why, detail: changeDetail(changed.why, staged.info) };
  const former = loginOf(target, current);
  // When this fails the role is closed when its grace is over, by whichever broker tends the place then.
  if (target.roles.includes(former)) await letRoleLapse(target.who, former, target.graceMs).catch(() => undefined);
  return { ok: true, info: changed.info, trial: { outcome: "verified", tools: [target.tool.tool] } };
}

async function tryRenewed(ports: KeeperPorts, { tool, credential }: LoginRoleTarget, info: CredentialInfo): Promise<void> {
  const opened = await ports.store.openVersion(info);
  if (opened === undefined)
    throw new Fault("credential_unavailable", `version ${info.version} of \`${info.name}\` went away while it was tried`);
  const { tenant, environment, workflow } = info;
  await ports.tryOut({ tool: tool.tool, tenant, environment, workflow }, equippedWith(tool, credential, opened).equipment);
}

async function stillUsed(ports: KeeperPorts, versions: readonly CredentialInfo[], target: LoginRoleTarget, role: string): Promise<boolean> {
  const now = ports.now();
  for (const info of versions.filter((each) => each.state === "previous" && opens(each, now))) {
    const opened = await ports.store.openVersion(info);
    if (opened !== undefined && loginOf(target, opened) === role) return true;
  }
  return false;
}

function busy({ name }: CredentialPlace): KeeperAnswer {
  return { ok: false, why: "rotation_busy", detail: `another broker rotates \`${name}\` at this moment` };
}

function notRotatable({ name }: CredentialPlace): KeeperAnswer {
  return {
    ok: false,
    why: "not_rotatable",
    detail: `the policy does not say that the broker can renew \`${name}\` itself (\`rotate: { postgres: ... }\`); make a new value where it comes from and set it`,
  };
}
