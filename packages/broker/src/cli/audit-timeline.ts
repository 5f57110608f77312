import type { Command } from "commander";
import type { z } from "zod";
import { timelineSchema } from "../rest-contract/schemas.ts";
import type { BrokerClient } from "./broker-client.ts";
import type { Cli } from "./cli.ts";
import { printable } from "./text.ts";

type Timeline = z.output<typeof timelineSchema>;
type Step = Timeline["steps"][number];

/** Pages of a run that are put together; a longer run is shown from its end. */
const MAX_PAGES = 20;

/** `bailiwick audit timeline <run>`. */
export function addAuditTimeline(audit: Command, cli: Cli): void {
  audit
    .command("timeline <run>")
    .description("what happened in one run, in order; its delegates' sessions are indented")
    .option("--tenant <tenant>", "in this tenant")
    .option("--before <position>", "only what lies before this position")
    .action(async (run: string, options: { readonly tenant?: string; readonly before?: string }) => {
      const timeline = await whole(await cli.broker(), run, options);
      cli.answer(timeline, timelineText(timeline.steps));
      if (timeline.earlier !== undefined) cli.talk(`the run began earlier: add \`--before ${timeline.earlier}\``);
      cli.talk("\nask why with `bailiwick explain <call>`");
    });
}

async function whole(broker: BrokerClient, run: string, asked: { readonly tenant?: string; readonly before?: string }): Promise<Timeline> {
  const page = (before: string | undefined, tenant: string | undefined): Promise<Timeline> =>
    broker.get(`/runs/${encodeURIComponent(run)}/timeline`, timelineSchema, { tenant, before });
  let timeline = await page(asked.before, asked.tenant);
  for (let pages = 1; timeline.earlier !== undefined && pages < MAX_PAGES; pages += 1) {
    const older = await page(String(timeline.earlier), timeline.tenant);
    timeline = { ...older, steps: [...older.steps, ...timeline.steps] };
  }
  const steps = [...new Map(timeline.steps.map((step) => [step.index, step])).values()].toSorted((a, b) => a.index - b.index);
  return { ...timeline, steps };
}

/** A line a step: time, time since the step before, agent, what, verdict, outcome, call. */
function timelineText(steps: readonly Step[]): string {
  const rows = steps.map((step, place) => {
    const before = steps[place - 1];
    const delta = before === undefined ? "" : `+${seconds(Date.parse(step.at) - Date.parse(before.at))}`;
    const who = `${"  ".repeat(step.depth)}${step.agent?.split("/").at(-1) ?? step.by ?? "-"}`;
    return [step.at.slice(0, 23).replace("T", " "), delta, who, whatOf(step), step.verdict ?? "", outcomeOf(step), linkOf(step)].map(
      printable,
    );
  });
  const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

function whatOf(step: Step): string {
  switch (step.kind) {
    case "session":
    case "answer":
    case "event":
      return `${step.event ?? "-"}${step.by === undefined || step.by === step.agent ? "" : ` by ${step.by}`}`;
    case "lookup":
      return `looks up: ${step.action ?? "-"}`;
    case "call":
    case "hold":
    case "refusal":
      return step.action ?? "-";
  }
}

function outcomeOf(step: Step): string {
  const took = step.durationMs === undefined ? "" : ` in ${step.durationMs} ms`;
  return `${step.code ?? step.status ?? ""}${took}`;
}

function linkOf(step: Step): string {
  return step.kind === "session" ? (step.session ?? step.callId) : step.callId;
}

function seconds(ms: number): string {
  if (Math.abs(ms) < 1_000) return `${ms} ms`;
  return Math.abs(ms) < 120_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}
