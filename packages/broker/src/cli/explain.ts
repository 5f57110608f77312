import type { Explanation, RuleRef } from "@bailiwick/policy";
import type { Command } from "commander";
import type { z } from "zod";
import { callPathSchema } from "../rest-contract/call-path.ts";
import { ruleText } from "../insight/what-holds.ts";
import { approvalSchema } from "../rest-contract/approvals.ts";
import { explanationSchema } from "../rest-contract/schemas.ts";
import type { BrokerClient } from "./broker-client.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { REFUSAL_GUIDE, type RefusalGuide } from "./refusal-guide.ts";
import { labelled, printable } from "./text.ts";

type CallStep = z.output<typeof callPathSchema>["steps"][number];

const CODES = Object.keys(REFUSAL_GUIDE);

/** `bailiwick explain <call | approval | refusal code>`. A code is explained without a broker. */
export function addExplain(program: Command, cli: Cli): void {
  program
    .command("explain <id-or-code>")
    .description("why a call came out as it did, or what a refusal code means")
    .action(async (what: string) => {
      const guide = guideOf(what);
      if (guide !== undefined) {
        cli.answer(
          { code: what, ...guide },
          `${what}\n\n${labelled([
            ["what", guide.what],
            ["why", guide.why],
            ["next", guide.next],
          ])}`,
        );
        return;
      }
      const known = /^(call|apr)_/u.exec(what);
      if (known === null) {
        throw new CliFailure("usage", `\`${printable(what)}\` is no call id (call_...), approval id (apr_...) or refusal code`, [
          `refusal codes: ${CODES.join(", ")}`,
        ]);
      }
      const broker = await cli.broker();
      const callId = known[1] === "apr" ? (await broker.get(`/approvals/${encodeURIComponent(what)}`, approvalSchema)).callId : what;
      await explainCall(cli, broker, callId);
    });
}

async function explainCall(cli: Cli, broker: BrokerClient, callId: string): Promise<void> {
  const explanation = await broker.get(`/calls/${encodeURIComponent(callId)}/explanation`, explanationSchema);
  const path = await broker.get(`/calls/${encodeURIComponent(callId)}/path`, callPathSchema);
  const erased = explanation.erased ? "\nwhat the decision was made from was erased; this is what the record still says\n" : "";
  cli.answer({ ...explanation, path: path.steps }, `${explanationText(explanation)}${erased}${pathText(path.steps)}`);
}

const MARKS: Readonly<Record<CallStep["state"], string>> = {
  passed: "ok",
  stopped: "STOPPED",
  waiting: "waits",
  running: "runs",
  unknown: "UNKNOWN",
  skipped: "-",
  not_reached: "",
};

/** The steps a call went through, up to where it stands. */
function pathText(steps: readonly CallStep[]): string {
  const reached = steps.filter(({ state }) => state !== "not_reached");
  const lines = reached.map(({ step, state, says }) => `${step.padEnd(12)}  ${MARKS[state].padEnd(7)}  ${says ?? ""}`.trimEnd());
  return section("its path", lines);
}

/** A rule as people are told of it. */
type ShownRule = Pick<RuleRef, "id" | "at" | "reason"> & { readonly kind: string };

interface ShownExplanation extends Pick<Explanation, "summary" | "wouldChange"> {
  readonly rules: readonly ShownRule[];
  readonly unmatched: readonly { readonly rule: ShownRule; readonly because: string }[];
}

/** An explanation for people: what came out, the rules for and against, and what would turn it. */
export function explanationText({ summary, rules, unmatched, wouldChange }: ShownExplanation): string {
  const parts = [
    section(
      "rules that decided",
      rules.map((rule) => `${ruleText(rule)}: ${rule.reason}`),
    ),
    section(
      "rules that did not match",
      unmatched.map(({ rule, because }) => `${ruleText(rule)}: ${because}`),
    ),
    section("what would change it", wouldChange),
  ];
  return `${printable(summary)}\n${parts.join("")}`;
}

/** Lines under a title, indented; nothing when there are none. */
export function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `\n${title}\n${lines.map((line) => `  ${printable(line)}\n`).join("")}`;
}

function guideOf(code: string): RefusalGuide | undefined {
  return Object.entries(REFUSAL_GUIDE).find(([name]) => name === code)?.[1];
}
