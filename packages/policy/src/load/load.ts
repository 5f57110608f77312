import { createHash } from "node:crypto";
import { actionId } from "../engine/cedar-schema.ts";
import type { Vocabulary } from "../engine/cedar-schema.ts";
import type { Report } from "../files/source.ts";
import { shapeOf } from "../facts/shape.ts";
import { RuleIndex } from "../rules/rule-index.ts";
import type { RuleBook } from "../rules/rule.ts";
import type { AgentConfig, CatalogAction, Diagnostic, LoadResult, Policy, PolicyFile, RuleRef } from "../types.ts";
import { attributeTypes, readAgents, readEnvironmentCeilings } from "./agents.ts";
import { readCatalog } from "./catalog.ts";
import { readCedarFiles } from "./cedar-files.ts";
import { checkTests } from "./check-tests.ts";
import { readPartners } from "./partners.ts";
import { checkCredentials } from "./credentials.ts";
import { Compiled, compiledOf } from "./compiled.ts";
import { checkConditionNames } from "./checks/names.ts";
import { checkConditions, checkRules } from "./checks/check-rules.ts";
import { compareText, orderDiagnostics, reportError } from "./findings.ts";
import { readFolder } from "./folder.ts";
import type { Folder } from "./folder.ts";
import { readGates } from "./gates.ts";
import { LoadMemory } from "./memory.ts";
import { readReveal } from "./reveal.ts";
import { readRoles } from "./roles.ts";
import { validateConditions } from "./validate-conditions.ts";
import { makeWorld } from "./world.ts";
import type { World } from "./world.ts";

/**
 * Reads a policy folder. All findings are collected, so that one run shows everything that is wrong.
 * A folder with nothing but `bailiwick.yaml` loads and denies everything. `previous` changes nothing but the time it takes: what
 * that version asked Cedar's parser and validator is not asked again.
 * @throws TypeError when `previous` was not made by `load`.
 */
export function load(files: readonly PolicyFile[], previous?: Policy): LoadResult {
  const found: Diagnostic[] = [];
  const report: Report = (diagnostic) => found.push(diagnostic);
  const memory = new LoadMemory(previous === undefined ? undefined : compiledOf(previous).remembered);
  const folder = readFolder(files, report);
  const policy = folder.main === undefined ? undefined : build(folder, folder.main, files, { found, report, memory });
  const diagnostics = orderDiagnostics(found);
  if (policy === undefined || diagnostics.some((diagnostic) => diagnostic.severity === "error")) return { ok: false, diagnostics };
  return { ok: true, policy: { ...policy, warnings: diagnostics } };
}

/** `sha256:` over the names and texts of all files, each with its length, in the order of their names. */
export function versionOf(files: readonly PolicyFile[]): string {
  const hash = createHash("sha256");
  for (const { path, text } of files.toSorted((a, b) => compareText(a.path, b.path))) {
    for (const part of [path, text]) hash.update(`${String(Buffer.byteLength(part))}\n`).update(part);
  }
  return `sha256:${hash.digest("hex")}`;
}

interface Run {
  readonly found: readonly Diagnostic[];
  readonly report: Report;
  readonly memory: LoadMemory;
}

function build(folder: Folder, main: NonNullable<Folder["main"]>, files: readonly PolicyFile[], run: Run): Omit<Policy, "warnings"> {
  const { found, report } = run;
  const tools = readCatalog(folder.tools, report);
  checkCredentials(folder.tools, main.value.tenants, report);
  const world = makeWorld(main.value, tools, folder.roles.map((role) => role.value.role).toSorted(), run);
  const roles = readRoles(world, folder.roles);
  const cedar = readCedarFiles(world, folder.cedar);
  const { agents, ceilings } = readAgents(world, folder.agents, roles.closure);
  const reveal = readReveal(world, main);
  const book: RuleBook = {
    grants: byId([...roles.grants, ...cedar.grants]),
    denies: byId([...roles.denies, ...cedar.denies]),
    gates: byId(readGates(world, folder.gates)),
    environmentCeilings: readEnvironmentCeilings(world, main),
    agentCeilings: ceilings,
    agentRoles: new Map(agents.map((agent) => [agent.name, new Set(agent.roles.flatMap((role) => [...(roles.closure.get(role) ?? [])]))])),
    closure: roles.closure,
  };
  checkIds(world, book);
  const vocabulary: Vocabulary = { types: world.types, attributes: attributeTypes(world, agents), sessionData: world.sessionData };
  const verdicts = validateConditions(world, vocabulary, checkConditionNames(world, agents));
  checkConditions(world, book, verdicts);
  checkTests(world, agents, folder.tests);
  const partners = readPartners(world, agents, folder.partners);
  const engine = compile(world, vocabulary, book, agents);
  // Next to a mistake, what looks unreachable may only be misread.
  if (!found.some((diagnostic) => diagnostic.severity === "error")) checkRules(world, engine, folder.roles);
  const { tenants, environments, people } = world;
  return { version: versionOf(files), tenants, environments, people, reveal, signIn: main.value.signIn, agents, tools, partners, engine };
}

function compile(world: World, vocabulary: Vocabulary, book: RuleBook, agents: readonly AgentConfig[]): Compiled {
  const prefixes = world.actions.filter((action) => isPrefix(action));
  const forced = (action: CatalogAction) => Object.fromEntries(Object.keys(action.force).map((key) => [key, "string" as const]));
  return new Compiled({
    book,
    vocabulary,
    agents: new Map(agents.map((agent) => [agent.name, agent])),
    actions: new Map(world.actions.map((action) => [actionId(action.operation), action])),
    prefixes: prefixes.toSorted(
      (a, b) => b.operation.name.length - a.operation.name.length || compareText(a.operation.name, b.operation.name),
    ),
    grants: new RuleIndex(book.grants),
    denies: new RuleIndex(book.denies),
    argumentShapes: new Map(world.actions.map((action) => [action, shapeOf({ ...forced(action), ...action.args })])),
    recordShapes: new Map([...vocabulary.types].map(([name, fields]) => [name, shapeOf(fields)])),
    sessionShape: shapeOf(vocabulary.sessionData),
    attributeShape: shapeOf(vocabulary.attributes),
    remembered: world.memory.kept,
  });
}

function isPrefix(action: CatalogAction): boolean {
  return action.operation.kind === "resource" && action.operation.name.endsWith("*");
}

function byId<T extends { readonly ref: RuleRef }>(rules: readonly T[]): readonly T[] {
  return rules.toSorted((a, b) => compareText(a.ref.id, b.ref.id));
}

function checkIds(world: World, book: RuleBook): void {
  const seen = new Map<string, RuleRef>();
  for (const { ref } of [...book.grants, ...book.denies, ...book.gates]) {
    const other = seen.get(ref.id);
    seen.set(ref.id, other ?? ref);
    if (other === undefined) continue;
    reportError(world.report, {
      code: "duplicate-id",
      at: ref.at,
      what: `the id \`${ref.id}\` is already used at ${other.at.file}:${String(other.at.line)}`,
      why: "a decision names its rules by id",
      write: "another `id`",
    });
  }
}
