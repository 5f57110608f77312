import { createHash } from "node:crypto";
import { suggestion } from "../files/did-you-mean.ts";
import { durationMs } from "../files/duration.ts";
import type { PartnersFile } from "../files/partner-schema.ts";
import { declaredNames, typeAt } from "../facts/field-path.ts";
import type { AgentConfig, PartnerConfig, Span } from "../types.ts";
import { checkKnown } from "./known.ts";
import { type Finding, reportError } from "./findings.ts";
import type { Shaped } from "./folder.ts";
import { checkScope } from "./scopes.ts";
import type { World } from "./world.ts";

type Entry = PartnersFile["partners"][string];
/** Place of a part of one partner's entry. */
type At = (...path: readonly PropertyKey[]) => Span;

/** No session lives longer, however it is bound. */
const MAX_TTL_MS = 15 * 60_000;

/** The partners of `partners.yaml`, each checked against the tenants, agents and catalog it speaks of. */
export function readPartners(
  world: World,
  agents: readonly AgentConfig[],
  file: Shaped<PartnersFile> | undefined,
): readonly PartnerConfig[] {
  if (file === undefined) return checkUses(world, []);
  const partners = Object.entries(file.value.partners).map(([name, entry]) => {
    const at: At = (...path) => file.source.at(["partners", name, ...path]);
    checkPlaces(world, agents, entry, at);
    checkKeys(world, entry, at);
    checkCeiling(world, entry, at);
    return configOf(name, entry, at());
  });
  checkUnique(world, partners, (name, path) => file.source.at(["partners", name, ...path]));
  return checkUses(world, partners);
}

function configOf(name: string, entry: Entry, at: Span): PartnerConfig {
  const { agent: local, maxTtl, contact, ...rest } = entry;
  const [workflow = "", agent = ""] = local.split("/");
  const version = createHash("sha256")
    .update(JSON.stringify({ ...rest, local, maxTtl }))
    .digest("hex");
  return { ...rest, name, version, workflow, agent, maxTtlMs: durationMs(maxTtl), contact, at };
}

function checkPlaces(world: World, agents: readonly AgentConfig[], entry: Entry, at: At): void {
  for (const [index, name] of entry.tenants.entries()) checkKnown(world, "tenant", name, world.tenants, at("tenants", index));
  for (const [index, name] of entry.environments.entries())
    checkKnown(world, "environment", name, world.environments, at("environments", index));
  const names = new Set(agents.map(({ name }) => name));
  const missing = entry.tenants
    .flatMap((tenant) => entry.environments.map((environment) => `bailiwick://${tenant}/${environment}/${entry.agent}`))
    .find((name) => !names.has(name));
  if (missing === undefined) return;
  reportError(world.report, {
    code: "unknown-agent",
    at: at("agent"),
    what: `no agent \`${missing}\` exists`,
    why: "the partner's sessions would act as nobody in that tenant and environment",
    write: suggestion(
      entry.agent,
      [...new Set(agents.map(({ workflow, agent }) => `${workflow}/${agent}`))],
      "a workflow and agent of `agents/`",
    ),
  });
}

function checkKeys(world: World, entry: Entry, at: At): void {
  const svid = entry.kinds.includes("jwt-svid");
  if (svid && entry.spiffe === undefined)
    wrong(
      world,
      at("kinds"),
      "`jwt-svid` is accepted and no trust domain is named",
      "nothing could be verified",
      "`spiffe: { trustDomain, bundle }`",
    );
  if (!svid && entry.spiffe !== undefined)
    wrong(
      world,
      at("spiffe"),
      "a trust domain is named and `jwt-svid` is not accepted",
      "the entry would be of no effect",
      "`kinds: [jwt-svid]`",
    );
  if (durationMs(entry.maxTtl) > MAX_TTL_MS)
    wrong(world, at("maxTtl"), "no session lives longer than 15 minutes", "the entry would promise what does not happen", "`15m` or less");
}

function checkCeiling(world: World, entry: Entry, at: At): void {
  for (const [index, text] of entry.ceiling.scope.entries()) checkScope(world, text, at("ceiling", "scope", index));
  for (const [type, fields] of Object.entries(entry.ceiling.rows)) {
    const declared = world.types.get(type);
    if (declared === undefined) {
      reportError(world.report, {
        code: "unknown-type",
        at: at("ceiling", "rows", type),
        what: `no record type \`${type}\` exists`,
        why: "the bound would hold nothing back",
        write: suggestion(type, [...world.types.keys()], "a type of a file in `tools/`"),
      });
      continue;
    }
    for (const field of Object.keys(fields)) {
      if (field === "id" || typeAt(declared, field.split(".")) !== undefined) continue;
      reportError(world.report, {
        code: "unknown-field",
        at: at("ceiling", "rows", type, field),
        what: `\`${type}\` has no field \`${field}\``,
        why: "no record would fit, whatever was meant",
        write: suggestion(field, declaredNames(declared), "a declared field of the type"),
      });
    }
  }
}

/** An assertion names its partner by `iss` or by trust domain: each must name one. */
function checkUnique(world: World, partners: readonly PartnerConfig[], at: (name: string, path: readonly PropertyKey[]) => Span): void {
  const issuers = new Map<string, string>();
  const domains = new Map<string, string>();
  for (const { name, issuer, spiffe } of partners) {
    const twin = issuers.get(issuer);
    if (twin !== undefined)
      wrong(
        world,
        at(name, ["issuer"]),
        `\`${twin}\` has the same issuer`,
        "an assertion would have two ceilings",
        "one entry for each issuer",
      );
    issuers.set(issuer, name);
    if (spiffe === undefined) continue;
    const neighbour = domains.get(spiffe.trustDomain);
    if (neighbour !== undefined)
      wrong(
        world,
        at(name, ["spiffe"]),
        `\`${neighbour}\` has the same trust domain`,
        "an assertion would have two ceilings",
        "one entry for each trust domain",
      );
    domains.set(spiffe.trustDomain, name);
  }
}

/** Tools that are called with a partner's tokens. */
function checkUses(world: World, partners: readonly PartnerConfig[]): readonly PartnerConfig[] {
  for (const { tool, connect, credential, at } of world.tools) {
    if (credential?.from?.startsWith("partner:") !== true) continue;
    const name = credential.from.slice("partner:".length);
    const partner = partners.find((each) => each.name === name);
    if (partner?.outbound === undefined)
      wrong(
        world,
        at,
        `tool \`${tool}\` goes out to \`${name}\`, which is no partner with \`outbound\``,
        "there would be no token for it",
        suggestion(
          name,
          partners.map((each) => each.name),
          "`outbound: { resource, scope }` at a partner",
        ),
      );
    if (!("mcp" in connect && "url" in connect.mcp && "header" in credential.inject))
      wrong(
        world,
        at,
        `tool \`${tool}\` cannot carry a partner's token`,
        "a token is sent in a header of an HTTP request",
        '`connect: { mcp: { url } }` and `inject: { header: authorization, format: "Bearer {value}" }`',
      );
    if (credential.hosts !== undefined || credential.rotate !== undefined)
      wrong(
        world,
        at,
        `\`hosts\` or \`rotate\` stand beside \`from: ${credential.from}\``,
        "a partner's token goes to the host of `outbound.resource` and lives minutes",
        "neither",
      );
  }
  return partners;
}

function wrong(world: World, at: Span, what: string, why: string, write: string): void {
  const finding: Finding = { code: "partner", at, what, why, write };
  reportError(world.report, finding);
}
