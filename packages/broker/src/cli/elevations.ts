import type { Command } from "commander";
import type { z } from "zod";
import { elevationDetailSchema, elevationSchema, elevationsSchema, eligibleRolesSchema } from "../rest-contract/elevations.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { labelled, printable, relative, table } from "./text.ts";

type ElevationView = z.output<typeof elevationSchema>;
type Detail = z.output<typeof elevationDetailSchema>;

interface AskOptions {
  readonly as: string;
  readonly role?: string;
  readonly scope?: string;
  readonly for?: string;
  readonly task?: string;
  readonly reason: string;
}

interface ApproveOptions {
  readonly as: string;
  readonly scope?: string;
  readonly for?: string;
  readonly reason?: string;
}

/** `bailiwick elevations list | show | eligible | ask | approve | deny | revoke`. */
export function addElevations(program: Command, cli: Cli): void {
  const elevations = program.command("elevations").description("rights that agents have for a time");
  addReads(elevations, cli);
  addAnswers(elevations, cli);
  elevations
    .command("ask <agent>")
    .description("asks for a right that an agent shall have for a time; others answer")
    .requiredOption("--as <person>", "who asks")
    .requiredOption("--reason <text>", "why, for whoever answers and the record")
    .option("--role <role>", "one of the agent's eligible roles (default: the first that holds the scopes)")
    .option("--scope <scopes>", "only these scopes, separated by spaces (default: all of the role)")
    .option("--for <time>", "how long, such as 30m or 2h (default: 1h, or as long as the policy gives it for)")
    .option("--task <task>", "only for sessions of this task")
    .action(async (agent: string, options: AskOptions) => {
      const { role, task, reason } = options;
      const body = { agent, role, task, reason, ...boundsOf(options) };
      const asked = await (await cli.broker(options.as)).send("POST", "/elevations", elevationSchema, body);
      cli.answer(asked, `${asked.id} (${asked.state}): ${printable(asked.sentence)}\n`);
      if (asked.state === "pending")
        cli.talk(`\`bailiwick elevations approve ${asked.id} --as <person>\`, by ${asked.approvers.join(" or ")}`);
    });
}

function addReads(elevations: Command, cli: Cli): void {
  elevations
    .command("list", { isDefault: true })
    .description("elevations, newest first")
    .option("--state <state>", "pending, active, denied, expired, revoked, cancelled or all", "all")
    .option("--agent <agent>", "only this agent's")
    .option("--tenant <tenant>", "only this tenant")
    .option("--as <person>", "as this person")
    .action(async (options: { state: string; agent?: string; tenant?: string; as?: string }) => {
      const { tenant, agent } = options;
      const state = options.state === "all" ? undefined : options.state;
      const { elevations: found } = await (await cli.broker(options.as)).get("/elevations", elevationsSchema, { tenant, agent, state });
      cli.answer(found, found.length === 0 ? "" : elevationTable(found, cli.io.now()));
      if (found.length === 0) cli.talk("no elevations; `bailiwick elevations eligible` shows what can be asked for");
      else cli.talk("\nlook at one with `bailiwick elevations show <id>`");
    });
  elevations
    .command("show <id>")
    .description("one elevation: what would be given, why, to whose answer, and the calls that stood on it")
    .option("--as <person>", "as this person")
    .action(async (id: string, options: { as?: string }) => {
      const elevation = await (await cli.broker(options.as)).get(`/elevations/${encodeURIComponent(id)}`, elevationDetailSchema);
      cli.answer(elevation, describe(elevation, cli.io.now()));
    });
  elevations
    .command("eligible")
    .description("what can be asked for, for which agents")
    .option("--tenant <tenant>", "only this tenant")
    .option("--as <person>", "as this person")
    .action(async (options: { tenant?: string; as?: string }) => {
      const { roles } = await (await cli.broker(options.as)).get("/eligible-roles", eligibleRolesSchema, { tenant: options.tenant });
      const rows = roles.map((role) => [
        role.agent,
        role.role,
        `${role.mostMinutes} min`,
        role.approvers.join(" or "),
        role.scopes.join(" "),
        role.reason,
      ]);
      cli.answer(roles, roles.length === 0 ? "" : table(["AGENT", "ROLE", "AT MOST", "ANSWERED BY", "SCOPES", "WHY"], rows));
      if (roles.length === 0) cli.talk("nothing; list roles under `eligible` in a file of `agents/`, as docs/guide/elevation.md says");
    });
}

function addAnswers(elevations: Command, cli: Cli): void {
  elevations
    .command("approve <id>")
    .description("gives the right: as asked, or fewer scopes or less time")
    .requiredOption("--as <person>", "who answers")
    .option("--scope <scopes>", "only these scopes, separated by spaces")
    .option("--for <time>", "only so long, such as 30m")
    .option("--reason <text>", "why, for the record")
    .action(async (id: string, options: ApproveOptions) =>
      give(cli, id, "approve", options.as, { ...boundsOf(options), reason: options.reason }),
    );
  elevations
    .command("deny <id>")
    .description("does not give the right; whoever asked is told the reason")
    .requiredOption("--as <person>", "who answers")
    .requiredOption("--reason <text>", "why, for whoever asked and the record")
    .action(async (id: string, options: { as: string; reason: string }) => give(cli, id, "deny", options.as, { reason: options.reason }));
  elevations
    .command("revoke <id>")
    .description("takes a right back: the agent's next call does not have it")
    .requiredOption("--reason <text>", "why, for the record")
    .option("--as <person>", "who takes it back (default: the holder of the operator key)")
    .action(async (id: string, options: { as?: string; reason: string }) =>
      give(cli, id, "revoke", options.as, { reason: options.reason }),
    );
}

async function give(cli: Cli, id: string, what: "approve" | "deny" | "revoke", person: string | undefined, body: object): Promise<void> {
  const elevation = await (await cli.broker(person)).send("POST", `/elevations/${encodeURIComponent(id)}/${what}`, elevationSchema, body);
  cli.answer(elevation, `${elevation.state} by ${person ?? "the operator key"}: ${printable(elevation.sentence)}\n`);
  if (elevation.state === "pending") cli.talk(waitsFor(elevation));
  if (elevation.state === "active")
    cli.talk(`in force until ${elevation.given?.until ?? ""}; take it back with \`bailiwick elevations revoke ${id} --reason <text>\``);
}

function waitsFor({ quorum }: ElevationView): string {
  const open = quorum.groups.filter(({ count, yes }) => yes.length < count);
  return `it waits for ${open.map(({ by, count, yes }) => `${count - yes.length} more of ${by.join(" or ")}`).join(", and ")}`;
}

function boundsOf({ scope, for: time }: { readonly scope?: string; readonly for?: string }): object {
  return {
    ...(scope === undefined ? {} : { scope: scope.split(" ").filter((each) => each !== "") }),
    ...(time === undefined ? {} : { minutes: minutesIn(time) }),
  };
}

const UNITS: Readonly<Record<string, number>> = { m: 1, h: 60, d: 1_440 };

function minutesIn(text: string): number {
  const [, number, letter = ""] = /^([1-9][0-9]{0,4})([mhd])$/u.exec(text) ?? [];
  const unit = UNITS[letter];
  if (unit === undefined) throw new CliFailure("usage", `\`${text}\` is no length of time`, ["write `30m`, `2h` or `1d`"]);
  return Number(number) * unit;
}

function elevationTable(elevations: readonly ElevationView[], now: Date): string {
  return table(
    ["ID", "STATE", "UNTIL", "WHAT"],
    elevations.map((elevation) => [elevation.id, stateOf(elevation), untilOf(elevation, now), elevation.sentence]),
  );
}

function stateOf({ state, eligible }: ElevationView): string {
  return state === "active" && !eligible ? "no longer eligible" : state;
}

function untilOf({ state, askEndsAt, given }: ElevationView, now: Date): string {
  if (state === "pending") return relative(new Date(askEndsAt), now);
  return given === undefined ? "-" : relative(new Date(given.until), now);
}

function describe(elevation: Detail, now: Date): string {
  const { askedBy, reason, approvers, task, given, revoked, uses, roleScopes } = elevation;
  const words = askedBy.kind === "agent" ? "  (untrusted: in the agent's own words)" : "";
  const lines: [string, string][] = [
    ["why", `"${printable(reason)}"${words}`],
    ["asked by", askedBy.kind === "person" ? printable(askedBy.name) : `the agent, for user ${printable(askedBy.user ?? "")}`],
    ["role holds", roleScopes.join(" ")],
    ["answered by", approvers.join(" or ") || "(nobody may answer)"],
    ...(task === undefined ? [] : [["task", printable(task)] satisfies [string, string]]),
    ["state", `${stateOf(elevation)}, ${untilOf(elevation, now)}`],
    ...elevation.answers.map((answer): [string, string] => [
      answer.verdict === "approve" ? "yes of" : "no of",
      `${printable(answer.by)}${answer.signed ? ", signed" : ""}${answer.reason === undefined ? "" : `: ${printable(answer.reason)}`}`,
    ]),
    ...(given === undefined
      ? []
      : [["given", `${given.scope.join(" ") || "all of the role"} until ${given.until}`] satisfies [string, string]]),
    ...(revoked === undefined ? [] : [["revoked", `by ${printable(revoked.by)}: ${printable(revoked.reason)}`] satisfies [string, string]]),
    [
      "used by",
      `${uses.calls}${uses.more ? " or more" : ""} calls${uses.calls === 0 ? "" : `; \`bailiwick audit query --rule ${elevation.id}\` lists them`}`,
    ],
  ];
  const next =
    elevation.state === "pending"
      ? `\nbailiwick elevations approve ${elevation.id} --as <person>\nbailiwick elevations deny ${elevation.id} --as <person> --reason "..."\n`
      : "";
  return `${printable(elevation.sentence)}\n\n${labelled(lines)}${next}`;
}
