import {
  type AgentConfig,
  approvalWords,
  durationWords,
  type Matrix,
  type MatrixCell,
  type MatrixElevation,
  type MatrixRow,
  type MatrixWay,
} from "@bailiwick/policy";
import { ruleText } from "../insight/what-holds.ts";
import { printable } from "./text.ts";

const WIDTH = 120;

/** The table for people: a block an agent, a line an action, details indented. Identities of one agent that come out the same share a block. */
export function matrixText({ rows }: Matrix): string {
  return blocksOf(rows).map(blockText).join("");
}

/** The table as records with a heading, one for each agent and action. */
export function matrixRecords({ rows }: Matrix): readonly (readonly string[])[] {
  return [HEADING, ...rows.flatMap(({ agent, cells }) => cells.map((cell) => recordOf(agent, cell)))];
}

/** What a way consists of, under the words that people read. */
const PARTS: readonly (readonly [string, (way: MatrixWay) => readonly string[]])[] = [
  ["if", (way) => way.conditions],
  ["rows", (way) => way.rows],
  ["fields", (way) => way.fields],
  ["limits", (way) => way.limits],
  ["approval", (way) => way.approval],
  ["hours", (way) => way.hours],
  ["texts", (way) => way.content],
];

const HEADING: readonly string[] = (
  "agent tenant environment workflow tool action kind scope effect verdict when reason grants " +
  `${PARTS.map(([label]) => label).join(" ")} rules eligible`
).split(" ");

/** Phrases that must all be true are joined by a word that says so, in brackets where they offer a choice. */
function joined(label: string, phrases: readonly string[]): string {
  if (label !== "if" && label !== "rows") return phrases.join("; ");
  return phrases.length < 2 ? phrases.join("") : phrases.map((text) => (/\|\||^if /u.test(text) ? `(${text})` : text)).join(" and ");
}

function recordOf({ name, tenant, environment, workflow }: AgentConfig, cell: MatrixCell): readonly string[] {
  const { operation, action, scope, effect, verdict, when, reason, ways, rules, elevations } = cell;
  return [
    name,
    tenant,
    environment,
    workflow,
    operation.tool,
    action,
    operation.kind,
    scope,
    effect,
    verdict,
    when,
    reason ?? "",
    numbered(ways.map(({ grant }) => grant.id)),
    ...PARTS.map(([label, of]) => numbered(ways.map((way) => joined(label, of(way))))),
    rules.map((rule) => ruleText(rule)).join("; "),
    elevations.map((elevation) => elevationText(elevation)).join("; "),
  ];
}

/** One text for each way; with several ways each says which it belongs to. */
function numbered(texts: readonly string[]): string {
  if (texts.length < 2) return texts.join("");
  return texts.flatMap((text, index) => (text === "" ? [] : [`(${index + 1}) ${text}`])).join(" ");
}

interface Block {
  readonly agents: readonly AgentConfig[];
  readonly cells: readonly MatrixCell[];
}

function blocksOf(rows: readonly MatrixRow[]): readonly Block[] {
  const blocks = new Map<string, { readonly agents: AgentConfig[]; readonly cells: readonly MatrixCell[] }>();
  for (const { agent, cells } of rows) {
    const key = JSON.stringify([agent.workflow, agent.agent, cells]);
    const block = blocks.get(key);
    if (block === undefined) blocks.set(key, { agents: [agent], cells });
    else block.agents.push(agent);
  }
  const nameOf = ({ agents: [first] }: Block): string => (first === undefined ? "" : `${first.workflow}/${first.agent}`);
  return [...blocks.values()].toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0));
}

function blockText({ agents, cells }: Block): string {
  const [first] = agents;
  if (first === undefined) return "";
  const eligible = first.eligible.length === 0 ? "" : `; may ask for ${first.eligible.map(({ role }) => role).join(", ")}`;
  const about = `roles ${first.roles.join(", ") || "none"}${eligible}; owner ${first.owner}; ${first.at.file}:${first.at.line}`;
  return (
    [...wrapped(namesText(agents), "", ""), ...wrapped(printable(about), "", ""), ...cellLines(cells)].map((line) => `${line}\n`).join("") +
    "\n"
  );
}

/** `bailiwick://{acme,globex}/prod/helpdesk/support` where that is exactly the identities. */
function namesText(agents: readonly AgentConfig[]): string {
  const tenants = [...new Set(agents.map(({ tenant }) => tenant))];
  const environments = [...new Set(agents.map(({ environment }) => environment))];
  const [first] = agents;
  if (first === undefined || tenants.length * environments.length !== agents.length) return agents.map(({ name }) => name).join(" ");
  return `bailiwick://${braced(tenants)}/${braced(environments)}/${first.workflow}/${first.agent}`;
}

function braced(words: readonly string[]): string {
  return words.length === 1 ? words.join("") : `{${words.join(",")}}`;
}

function cellLines(cells: readonly MatrixCell[]): readonly string[] {
  const columns = cells.map(({ verdict, action, scope, effect }) => [verdict, action, scope, effect].map(printable));
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...columns.map((texts) => texts[column]?.length ?? 0)));
  return cells.flatMap((cell, index) => {
    const head = `  ${(columns[index] ?? []).map((text, column) => text.padEnd(widths[column] ?? 0)).join("  ")}`;
    const { reason, when } = cell;
    const elevations = elevationLines(cell);
    if (reason === undefined) return [`${head}  ${when}`, ...wayLines(cell.ways), ...elevations];
    const whole = `${head}  ${printable(reason)}`;
    return [...(whole.length <= WIDTH ? [whole] : [head.trimEnd(), ...detail("because", reason)]), ...elevations];
  });
}

/** What one role more would make of the cell: in one line how it is had, then the grants that it adds. */
function elevationLines({ elevations }: MatrixCell): readonly string[] {
  return elevations.flatMap((elevation) => [
    ...detail(elevation.active.length === 0 ? "eligible" : "elevated", elevationText(elevation)),
    ...wayLines(elevation.ways),
  ]);
}

/** The verdict that it leads to, and either until when it is in force or what it takes to get it. */
function elevationText({ eligible, active, verdict, when }: MatrixElevation): string {
  const { role, mostMs, approve, at } = eligible;
  const [last] = active.toSorted((a, b) => b.until.getTime() - a.until.getTime());
  const then = `${verdict} ${when}`;
  return last === undefined
    ? `${then} with \`${role}\`: ask for the elevation, at most ${durationWords(mostMs)}, ${approvalWords(approve)}, ${at.file}:${at.line}`
    : `${then} with \`${role}\` until ${last.until.toISOString()} (${last.id})`;
}

/** Each way with the grant first and the rules that bound it behind. */
function wayLines(ways: readonly MatrixWay[]): readonly string[] {
  return ways.flatMap((way, index) => [
    ...detail(index === 0 ? "by" : "or by", way.rules.map((rule) => ruleText(rule)).join("; ")),
    ...PARTS.flatMap(([label, of]) => (of(way).length === 0 ? [] : detail(label, joined(label, of(way))))),
  ]);
}

const INDENT = " ".repeat(9);
const LABEL_WIDTH = "approval".length;

function detail(label: string, text: string): readonly string[] {
  return wrapped(printable(text), `${INDENT}${label.padEnd(LABEL_WIDTH)}  `, `${INDENT}${" ".repeat(LABEL_WIDTH)}  `);
}

/** Broken at spaces, so that no line is longer than the width unless a word is. */
function wrapped(text: string, first: string, rest: string): readonly string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(" ")) {
    if (!isEmpty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      [line, isEmpty] = [rest, true];
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line.trimEnd()];
}
