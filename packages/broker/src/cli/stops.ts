import type { Command } from "commander";
import { z } from "zod";
import { stopSchema } from "../rest-contract/schemas.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { relative, table } from "./text.ts";

const stopped = stopSchema.extend({ inFlight: z.array(z.string()) });
const lifted = z.object({ kind: z.string(), name: z.string(), tenant: z.string() });
const KINDS = ["agent", "workflow", "tenant", "everything"] as const;
type Kind = (typeof KINDS)[number];

interface Options {
  readonly reason: string;
  readonly tenant?: string;
  readonly as?: string;
}

/** `bailiwick kill | resume | stops`: the kill switches. */
export function addStops(program: Command, cli: Cli): void {
  program
    .command("kill <kind> [name]")
    .description("stops an agent, a workflow (<environment>/<workflow>), a tenant or everything; the next call is refused, on every broker")
    .requiredOption("--reason <text>", "why; agents and the log are told")
    .option("--tenant <tenant>", "the tenant of a workflow")
    .option("--retire", "ends an agent for good: this stop cannot be lifted")
    .option("--as <person>", "who stops")
    .action(async (kind: string, name: string | undefined, options: Options & { readonly retire?: true }) => {
      const body = { ...targetOf(kind, name, options), state: options.retire === true ? "retired" : "suspended" };
      const stop = await (await cli.broker(options.as)).send("POST", "/stops", stopped, body);
      const running =
        stop.inFlight.length === 0 ? "nothing was under way" : `${stop.inFlight.length} calls were under way: ${stop.inFlight.join(", ")}`;
      const end =
        stop.state === "retired" ? "it is retired for good" : `lift it with \`bailiwick resume ${commandOf(stop.kind, stop.name)}\``;
      cli.answer(stop, `stopped ${stop.kind} ${stop.name}; its next call is refused. ${running}\n${end}\n`);
    });
  program
    .command("resume <kind> [name]")
    .description("lifts a stop")
    .requiredOption("--reason <text>", "why; the log is told")
    .option("--tenant <tenant>", "the tenant of a workflow")
    .option("--as <person>", "who lifts it")
    .action(async (kind: string, name: string | undefined, options: Options) => {
      const answer = await (await cli.broker(options.as)).send("POST", "/stops/lift", lifted, targetOf(kind, name, options));
      cli.answer(answer, `${answer.kind} ${answer.name} may act again\n`);
    });
  program
    .command("stops")
    .description("what is stopped, since when, and why")
    .option("--tenant <tenant>", "only this tenant")
    .option("--as <person>", "as this person")
    .action(async (options: { tenant?: string; as?: string }) => {
      const broker = await cli.broker(options.as);
      const { stops } = await broker.get("/stops", z.object({ stops: z.array(stopSchema) }), { tenant: options.tenant });
      const rows = stops.map(({ kind, name, state, at, by, reason }) => [
        kind,
        name,
        state,
        relative(new Date(at), cli.io.now()),
        by,
        reason,
      ]);
      cli.answer(stops, rows.length === 0 ? "" : table(["KIND", "NAME", "STATE", "SINCE", "BY", "REASON"], rows));
      if (rows.length === 0) cli.talk("nothing is stopped; `bailiwick kill agent <name> --reason <text>` stops an agent");
    });
}

function targetOf(
  kind: string,
  name: string | undefined,
  { reason, tenant }: Options,
): { kind: Kind; reason: string; name?: string; tenant?: string } {
  const known = KINDS.find((each) => each === kind);
  if (known === undefined) throw new CliFailure("usage", `\`${kind}\` cannot be stopped`, [`give one of: ${KINDS.join(", ")}`]);
  if (known !== "everything" && name === undefined)
    throw new CliFailure("usage", `which ${known} is not said`, [`write \`bailiwick kill ${known} <name> --reason <text>\``]);
  return { kind: known, reason, ...(name === undefined ? {} : { name }), ...(tenant === undefined ? {} : { tenant }) };
}

function commandOf(kind: Kind, name: string): string {
  return kind === "everything" ? "everything --reason <text>" : `${kind} ${name} --reason <text>`;
}
