import { isDeepStrictEqual } from "node:util";
import { durationMs } from "../files/duration.ts";
import type { ToolFile } from "../files/schemas.ts";
import type { Report, Source } from "../files/source.ts";
import type { CredentialUse } from "../credential-use.ts";
import { type Finding, reportError } from "./findings.ts";
import type { Shaped } from "./folder.ts";
import { checkToolOAuth, reportSharedToken } from "./tool-oauth.ts";

type Declared = NonNullable<ToolFile["credential"]>;

/** A shorter grace could end before another broker has heard of the new version. */
const MIN_GRACE_MS = 10_000;

/** The `credential` of a tool file, with its times in milliseconds. */
export function credentialUse({ rotate, ...rest }: Declared): CredentialUse {
  if (rotate === undefined) return rest;
  const { every, grace, postgres } = rotate;
  return {
    ...rest,
    rotate: {
      ...(every === undefined ? {} : { everyMs: durationMs(every) }),
      graceMs: durationMs(grace),
      ...(postgres === undefined ? {} : { postgres }),
    },
  };
}

/** Where values come from and how they are renewed, checked against the tool and against other tools of the same credential. */
export function checkCredentials(files: readonly Shaped<ToolFile>[], tenants: readonly string[], report: Report): void {
  const first = new Map<string, Declared>();
  for (const { source, value } of files) {
    const { credential } = value;
    if (credential === undefined) continue;
    checkSource(source, value, credential, tenants, report);
    checkRotation(source, value, credential, tenants, report);
    checkToolOAuth(source, value, credential, tenants, report);
    if (first.has(credential.name) && credential.from === "oauth") reportSharedToken(source, credential.name, report);
    const known = first.get(credential.name) ?? credential;
    first.set(credential.name, known);
    if (!isDeepStrictEqual(shared(known), shared(credential))) {
      at(source, ["credential"], report, {
        code: "credential-conflict",
        what: `another tool says something else of \`${credential.name}\``,
        why: "one credential has one source, one list of hosts and one schedule",
        write: "the same `from`, `hosts` and `rotate` in both, or another name",
      });
    }
  }
}

function shared({ from, hosts, rotate }: Declared): unknown {
  return { from: from ?? "store", hosts, rotate };
}

function checkSource(source: Source, tool: ToolFile, credential: Declared, tenants: readonly string[], report: Report): void {
  const { from = "store", hosts } = credential;
  if (from === "store") {
    if (hosts === undefined) return;
    return at(source, ["credential", "hosts"], report, {
      code: "credential-source",
      what: "a stored credential has `hosts` in the tool file",
      why: "its hosts are sealed with its value, so that a changed file cannot send it elsewhere",
      write: "`bailiwick secrets set <name> --host <host>`, and no `hosts` here",
    });
  }
  // Its host is the partner's, one token for each session: see partners.ts.
  if (from.startsWith("partner:")) return;
  // Its host is the tool's own: see tool-oauth.ts.
  if (from === "oauth") return;
  const overNetwork = !("mcp" in tool.connect && "command" in tool.connect.mcp);
  if (overNetwork && hosts === undefined) {
    at(source, ["credential", "from"], report, {
      code: "credential-source",
      what: `\`${credential.name}\` goes over the network and names no hosts`,
      why: "a credential that is not bound to hosts is not sent anywhere",
      write: "`hosts: [api.example:443]` beside `from`",
    });
  }
  if (tenants.length > 1 && !from.includes("${tenant}")) {
    at(source, ["credential", "from"], report, {
      code: "credential-source",
      what: `all tenants would share the one value at \`${from}\``,
      why: "a credential belongs to one tenant",
      write: "`${tenant}` in it, such as `env:CRM_KEY_${tenant}`, or keep it in the store",
    });
  }
}

function checkRotation(source: Source, tool: ToolFile, credential: Declared, tenants: readonly string[], report: Report): void {
  const { rotate, from = "store" } = credential;
  if (rotate === undefined) return;
  const wrong = (what: string, why: string, write: string): void =>
    at(source, ["credential", "rotate"], report, { code: "credential-rotation", what, why, write });
  if (durationMs(rotate.grace) < MIN_GRACE_MS)
    wrong("the grace is shorter than 10 s", "calls under way could lose their login", "`grace: 10s` or longer");
  if (rotate.every !== undefined && durationMs(rotate.every) < 2 * durationMs(rotate.grace))
    wrong("`every` is shorter than twice the grace", "a login would be renewed while it is still in grace", "a longer `every`");
  if (rotate.every !== undefined && /^(?:env:|partner:|oauth$)/.test(from))
    wrong("this source does not say how old a value is", "the schedule could not be held", "no `rotate`, or another source");
  if (rotate.postgres === undefined) return;
  const { roles, admin } = rotate.postgres;
  if (!("postgres" in tool.connect) || !("login" in credential.inject))
    wrong(
      "login roles are rotated for a tool that has none",
      "only a `postgres` tool with `inject: { login }` has them",
      "no `postgres` here",
    );
  if (from !== "store")
    wrong("the broker cannot write the new password to this source", "it would be lost", "`from: store`, or rotate it where it is kept");
  if (tenants.length > 1 && ![JSON.stringify(tool.connect), ...roles].some((text) => text.includes("${tenant}")))
    wrong(
      "all tenants would log in as the same two roles",
      "renewing one tenant's login would end another's",
      "`${tenant}` in both roles, or in `connect`",
    );
  if (roles[0] === roles[1] || admin === credential.name)
    wrong(
      "the two roles, or the credential and its admin, are the same",
      "one must work while the other is renewed",
      "two roles and a credential of another login",
    );
}

function at(source: Source, path: readonly string[], report: Report, finding: Omit<Finding, "at">): void {
  reportError(report, { ...finding, at: source.at(path) });
}
