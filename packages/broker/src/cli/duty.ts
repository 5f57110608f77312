import type { Command } from "commander";
import type { z } from "zod";
import { dutiesSchema, dutySchema } from "../rest-contract/duties.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { printable, relative, table } from "./text.ts";

type DutyView = z.output<typeof dutySchema>;

interface PutOptions {
  readonly as: string;
  readonly to: string;
  readonly from?: string;
  readonly roles?: string;
  readonly begins?: string;
  readonly for?: string;
  readonly until?: string;
  readonly reason: string;
  readonly tenant?: string;
}

/** `bailiwick duty list | put | end`: who answers for whom while they are away. */
export function addDuty(program: Command, cli: Cli): void {
  const duty = program.command("duty").description("who answers approvals for whom while they are away");
  duty
    .command("list", { isDefault: true })
    .description("duties in force, to come, and of the last 30 days")
    .option("--tenant <tenant>", "only this tenant")
    .option("--as <person>", "as this person")
    .action(async (options: { tenant?: string; as?: string }) => {
      const broker = await cli.broker(options.as);
      const { duties } = await broker.get("/duties", dutiesSchema, { tenant: options.tenant });
      cli.answer(duties, duties.length === 0 ? "" : dutyTable(duties, cli.io.now()));
      if (duties.length === 0)
        cli.talk("nobody answers for anybody; `bailiwick duty put --as <person> --to <person> --for 14d --reason <text>`");
    });
  duty
    .command("put")
    .description("lets another person answer in somebody's roles for a time; it lends nothing else")
    .requiredOption("--as <person>", "who says so: the person who is away, or an owner")
    .requiredOption("--to <person>", "who answers meanwhile")
    .requiredOption("--reason <text>", "why, for the record")
    .option("--from <person>", "who is away (default: the person of `--as`)")
    .option("--roles <roles>", "only these roles, separated by commas (default: all)")
    .option("--begins <time>", "when it begins, such as 2027-02-01T08:00:00Z (default: now)")
    .option("--for <time>", "how long, such as 8h or 14d")
    .option("--until <time>", "when it ends, instead of `--for`")
    .option("--tenant <tenant>", "the tenant, when there are several")
    .action(async (options: PutOptions) => {
      const made = await (await cli.broker(options.as)).send("POST", "/duties", dutySchema, bodyOf(options, cli.io.now()));
      cli.answer(made, `${made.id}: ${sentence(made)}\n`);
      cli.talk(`end it before its time with \`bailiwick duty end ${made.id}\``);
    });
  duty
    .command("end <id>")
    .description("ends a duty before its time")
    .option("--as <person>", "who ends it")
    .action(async (id: string, options: { as?: string }) => {
      const broker = await cli.broker(options.as);
      const ended = await broker.send("POST", `/duties/${encodeURIComponent(id)}/revoke`, dutySchema, {});
      cli.answer(ended, `ended: ${printable(ended.to)} no longer answers for ${printable(ended.from)}\n`);
    });
}

function bodyOf({ to, from, roles, begins, reason, tenant, ...times }: PutOptions, now: Date): Record<string, unknown> {
  const start = begins === undefined ? now : timeOf("--begins", begins);
  return {
    to,
    reason,
    ends: endOf(times, start).toISOString(),
    ...(from === undefined ? {} : { from }),
    ...(roles === undefined ? {} : { roles: roles.split(",").map((role) => role.trim()) }),
    ...(begins === undefined ? {} : { begins: start.toISOString() }),
    ...(tenant === undefined ? {} : { tenant }),
  };
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function endOf({ for: span, until }: Pick<PutOptions, "for" | "until">, start: Date): Date {
  if ((span === undefined) === (until === undefined))
    throw new CliFailure("usage", "a duty has one end", ["give either `--for 14d` or `--until 2027-02-15T08:00:00Z`"]);
  if (until !== undefined) return timeOf("--until", until);
  const match = /^([1-9][0-9]{0,3})([mhd])$/u.exec(span ?? "");
  const unit = UNITS[match?.[2] ?? ""];
  if (unit === undefined) throw new CliFailure("usage", `\`${span ?? ""}\` is no length of time`, ["write `90m`, `8h` or `14d`"]);
  return new Date(start.getTime() + Number(match?.[1]) * unit);
}

function timeOf(option: string, text: string): Date {
  const time = new Date(text);
  if (/^\d{4}-\d{2}-\d{2}(T|$)/u.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new CliFailure("usage", `\`${option}\` is no time`, ["write it as `2027-02-01T08:00:00Z`"]);
}

function sentence({ from, to, roles, begins, ends }: DutyView): string {
  const as = roles.length === 0 ? "in all their roles" : `as ${roles.map(printable).join(", ")}`;
  return `${printable(to)} answers for ${printable(from)} ${as}, from ${begins} until ${ends}`;
}

function dutyTable(duties: readonly DutyView[], now: Date): string {
  return table(
    ["ID", "STATE", "AWAY", "ANSWERS", "ROLES", "BEGINS", "ENDS", "REASON"],
    duties.map(({ id, state, from, to, roles, begins, ends, reason }) => [
      id,
      state.replace("_", " "),
      from,
      to,
      roles.join(", ") || "all",
      relative(new Date(begins), now),
      relative(new Date(ends), now),
      reason,
    ]),
  );
}
