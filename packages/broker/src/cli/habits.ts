import type { Command } from "commander";
import type { z } from "zod";
import { habitsSchema, proposalsSchema } from "../rest-contract/duties.ts";
import type { Cli } from "./cli.ts";
import { printable, table } from "./text.ts";

type Habit = z.output<typeof habitsSchema>["habits"][number];
type Proposal = z.output<typeof proposalsSchema>["proposals"][number];
type Figures = Pick<
  Habit["rules"][number],
  "asked" | "approved" | "denied" | "expired" | "medianSeconds" | "p90Seconds" | "quick" | "repeated"
>;

interface Options {
  readonly tenant?: string;
  readonly days: string;
  readonly proposals?: true;
  readonly as?: string;
}

/** `bailiwick approvals habits`: how people answer. */
export function addHabits(program: Command, cli: Cli): void {
  program.commands
    .find((command) => command.name() === "approvals")
    ?.command("habits")
    .description("how often and how fast people say yes and no, by rule, person and agent")
    .option("--tenant <tenant>", "only this tenant")
    .option("--days <days>", "how far back", "30")
    .option("--proposals", "changes of the policy that would spare questions, to paste")
    .option("--as <person>", "as this person")
    .action(async (options: Options) => {
      const broker = await cli.broker(options.as);
      const query = { tenant: options.tenant, days: options.days };
      if (options.proposals === true) {
        const { proposals } = await broker.get("/approvals/habits/proposals", proposalsSchema, query);
        cli.answer(proposals, proposals.map((proposal) => proposalText(proposal)).join("\n"));
        if (proposals.length === 0) cli.talk(`nothing to propose: no rule was always approved or often denied in ${options.days} days`);
        return;
      }
      const { habits } = await broker.get("/approvals/habits", habitsSchema, query);
      const asked = habits.filter(({ rules, approvers, drillsMissed }) => rules.length + approvers.length + drillsMissed > 0);
      cli.answer(habits, asked.map((habit) => habitText(habit)).join("\n"));
      if (asked.length === 0) cli.talk(`nobody was asked anything in ${options.days} days`);
      else if (asked.some(({ flags }) => flags.some(({ kind }) => kind === "always_yes" || kind === "often_no")))
        cli.talk("\nsee what to change with `bailiwick approvals habits --proposals`");
    });
}

const FIGURES = ["ASKED", "YES", "NO", "EXPIRED", "MEDIAN", "P90", "< 5 S", "REPEATED"];

function habitText({ tenant, rules, approvers, agents, flags }: Habit): string {
  const of = (what: string, rows: readonly (Figures & { readonly name: string })[]): string =>
    rows.length === 0
      ? ""
      : `\n${table(
          [what, ...FIGURES],
          rows.map((row) => [row.name, ...cells(row)]),
        )}`;
  const looks = flags.map(({ rule, person, agent, words }) => `! ${printable(rule ?? person ?? agent ?? tenant)}: ${printable(words)}\n`);
  return [
    `${printable(tenant)}\n`,
    ...looks,
    of(
      "RULE",
      rules.map((row) => ({ name: row.rule, ...row })),
    ),
    of(
      "PERSON",
      approvers.map((row) => ({ name: row.person, ...row })),
    ),
    of(
      "AGENT",
      agents.map((row) => ({ name: row.agent, ...row })),
    ),
  ].join("");
}

function cells({ asked, approved, denied, expired, medianSeconds, p90Seconds, quick, repeated }: Figures): readonly string[] {
  const seconds = (value: number | undefined): string => (value === undefined ? "-" : `${value} s`);
  return [
    String(asked),
    share(approved, asked),
    String(denied),
    String(expired),
    seconds(medianSeconds),
    seconds(p90Seconds),
    share(quick, approved + denied),
    String(repeated),
  ];
}

function share(part: number, of: number): string {
  return of === 0 ? "-" : `${part} (${Math.round((100 * part) / of)} %)`;
}

function proposalText({ rule, because, open, file, line, how, yaml, replayed, failingTests }: Proposal): string {
  const { spared, still, unknown } = replayed;
  return [
    `${printable(rule)}: ${printable(because)}`,
    `past questions it would have decided by itself: ${spared}; still asked: ${still}${unknown === 0 ? "" : `; not known any more: ${unknown}`}`,
    ...(open.length === 0 ? [] : [`it leaves open: ${open.map(printable).join(", ")}`]),
    ...(failingTests.length === 0 ? [] : [`tests of the folder that fail with it: ${failingTests.map(printable).join(", ")}`]),
    `${printable(file)}:${line}, ${how}:`,
    ...yaml
      .trimEnd()
      .split("\n")
      .map((each) => `  ${printable(each)}`),
    "",
  ].join("\n");
}
