import { MIN_SECRET_CHARS } from "../../call/scrub.ts";
import {
  type Changed,
  type CredentialInfo,
  DEFAULT_GRACE_MS,
  isAt,
  type RecordChange,
  type Verification,
  type VersionRef,
} from "../../domain/credential.ts";
import type { Actor, CredentialKeeper, KeeperAnswer, NewValue, Trial } from "../../domain/credential-keeper.ts";
import { planOf } from "../../domain/rotation.ts";
import { recordEvent, recordOf } from "./credential-record.ts";
import { changeDetail } from "./details.ts";
import { listCredentials } from "./list-credentials.ts";
import type { KeeperPorts } from "./ports.ts";
import { rotateNow } from "./rotate-now.ts";
import { tend } from "./tend.ts";
import { tryVersion } from "./try-version.ts";

export function credentialKeeper(ports: KeeperPorts): CredentialKeeper {
  return {
    list: (tenant) => listCredentials(ports, tenant),
    set: (actor, value, options) => refuseUnusable(ports, value) ?? set(ports, actor, value, options.verify),
    stage: (actor, value) => refuseUnusable(ports, value) ?? stage(ports, actor, value),
    verify: (actor, ref) => verify(ports, actor, ref),
    activate: (actor, ref, options) => activate(ports, actor, ref, options.verify),
    revoke: async (actor, ref) => {
      const changed = await ports.store.revoke(ref, { record: recordOf(ports, actor, "credential.revoke") });
      return answerOf(changed, ref);
    },
    rotate: (actor, place) => rotateNow(ports, actor, place),
    tend: (tenant) => tend(ports, tenant),
  };
}

async function set(ports: KeeperPorts, actor: Actor, value: NewValue, wanted: boolean): Promise<KeeperAnswer> {
  const { name, binding } = value;
  const versions = (await ports.store.list(binding.tenant)).filter((each) => isAt(each, { ...binding, name }));
  if (!versions.some(({ state }) => state === "active")) {
    const record = recordOf(ports, actor, "credential.put");
    const info = await ports.store.put(name, binding, value.value, {
      login: value.login,
      record,
      graceMs: graceOf(ports, name),
      verification: versions.length === 0 ? "initial" : "skipped",
    });
    return { ok: true, info };
  }
  const staged = await stage(ports, actor, value);
  if (!staged.ok) return staged;
  const activated = await activate(ports, actor, staged.info, wanted);
  // `set` is all or nothing: a value that did not work is not left waiting.
  if (!activated.ok) await ports.store.revoke(staged.info, { record: recordOf(ports, actor, "credential.revoke") });
  return activated;
}

async function stage(ports: KeeperPorts, actor: Actor, { name, binding, value, login }: NewValue): Promise<KeeperAnswer> {
  const record = recordOf(ports, actor, "credential.stage");
  return answerOf(await ports.store.stage(name, binding, value, { login, record }), { ...binding, name, version: 0 });
}

async function verify(ports: KeeperPorts, actor: Actor, ref: VersionRef): Promise<KeeperAnswer> {
  const info = await infoAt(ports, ref);
  const opened = await ports.store.openVersion(ref);
  if (info === undefined || opened === undefined)
    return { ok: false, why: "no_such_version", detail: changeDetail("no_such_version", ref) };
  const trial = await tryVersion(ports.policy(), ports.tryOut, opened);
  await recordEvent(ports, actor, "credential.verify", ref, { version: ref.version, outcome: trial.outcome });
  return { ok: true, info, trial };
}

async function activate(ports: KeeperPorts, actor: Actor, ref: VersionRef, wanted: boolean): Promise<KeeperAnswer> {
  const tried = wanted ? await verify(ports, actor, ref) : undefined;
  if (tried !== undefined && !tried.ok) return tried;
  const refused = refusedTrial(tried?.trial);
  if (refused !== undefined) return refused;
  const verification: Verification = wanted ? "verified" : "skipped";
  const record: RecordChange = recordOf(ports, actor, "credential.activate");
  const changed = await ports.store.activate(ref, { verification, graceMs: graceOf(ports, ref.name), record });
  const answer = answerOf(changed, ref);
  return answer.ok ? { ...answer, trial: tried?.trial } : answer;
}

function refusedTrial(trial: Trial | undefined): KeeperAnswer | undefined {
  switch (trial?.outcome) {
    case undefined:
    case "verified":
      return undefined;
    case "failed":
      return { ok: false, why: "not_verified", detail: trial.why };
    case "impossible":
      return { ok: false, why: "cannot_verify", detail: trial.why };
  }
}

/** What could never be used, or never be kept out of results, is not stored. */
function refuseUnusable(ports: KeeperPorts, { name, value }: NewValue): Promise<KeeperAnswer> | undefined {
  const from = ports.policy().tools.find((tool) => tool.credential?.name === name)?.credential?.from ?? "store";
  if (from === "oauth")
    return Promise.resolve({
      ok: false,
      why: "kept_elsewhere",
      detail: `\`${name}\` is a grant of the tool's server; a person renews it with \`bailiwick tools connect\``,
    });
  if (from !== "store")
    return Promise.resolve({
      ok: false,
      why: "kept_elsewhere",
      detail: `the policy says that \`${name}\` is kept at \`${from}\`; change it there`,
    });
  if (value.length >= MIN_SECRET_CHARS && value.isWellFormed()) return undefined;
  const detail = `a value needs ${MIN_SECRET_CHARS} characters of text: a shorter one could not be told from ordinary text in results`;
  return Promise.resolve({ ok: false, why: "too_short", detail });
}

function answerOf(changed: Changed, ref: VersionRef): KeeperAnswer {
  return changed.ok ? changed : { ok: false, why: changed.why, detail: changeDetail(changed.why, ref) };
}

async function infoAt(ports: KeeperPorts, ref: VersionRef): Promise<CredentialInfo | undefined> {
  return (await ports.store.list(ref.tenant)).find((each) => isAt(each, ref) && each.version === ref.version);
}

function graceOf(ports: KeeperPorts, name: string): number {
  return planOf(ports.policy(), name)?.graceMs ?? DEFAULT_GRACE_MS;
}
