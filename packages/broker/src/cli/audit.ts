import type { Command } from "commander";
import { z } from "zod";
import { callSchema, verificationSchema } from "../rest-contract/schemas.ts";
import type { Cli } from "./cli.ts";
import { EXIT } from "./failure.ts";
import { table } from "./text.ts";

interface QueryOptions {
  readonly tenant?: string;
  readonly agent?: string;
  readonly user?: string;
  readonly session?: string;
  readonly task?: string;
  readonly tool?: string;
  readonly action?: string;
  readonly verdict?: string;
  readonly status?: string;
  readonly code?: string;
  readonly before?: string;
  readonly limit: string;
}

/** `bailiwick audit query | verify`. */
export function addAudit(program: Command, cli: Cli): void {
  const audit = program.command("audit").description("what happened, and proof that the log is whole");
  audit
    .command("query")
    .description("calls, newest first")
    .option("--tenant <tenant>", "only this tenant")
    .option("--agent <name>", "only this agent")
    .option("--user <user>", "only calls for this user")
    .option("--session <id>", "only this session")
    .option("--task <task>", "only this task")
    .option("--tool <tool>", "only this tool")
    .option("--action <tool:action>", "only this action")
    .option("--verdict <verdict>", "allow, ask or deny")
    .option("--status <status>", "done, refused, held, running, unknown, ...")
    .option("--code <code>", "only this refusal code")
    .option("--before <seq>", "older than this position (takes --tenant)")
    .option("--limit <n>", "at most so many", "50")
    .action(async (options: QueryOptions) => {
      const broker = await cli.broker();
      const answer = await broker.get("/calls", z.object({ calls: z.array(callSchema), next: z.int().optional() }), { ...options });
      cli.answer(answer, answer.calls.length === 0 ? "" : callTable(answer.calls));
      if (answer.calls.length === 0) cli.talk("no calls match; a call appears here as soon as an agent makes one");
      else cli.talk("\nask why with `bailiwick explain <call>`");
    });
  audit
    .command("verify")
    .description("recomputes every hash of the log")
    .option("--tenant <tenant>", "only this tenant")
    .action(async (options: { tenant?: string }) => {
      const broker = await cli.broker();
      const answer = await broker.get("/audit/verify", z.object({ ok: z.boolean(), logs: z.array(verificationSchema) }), {
        tenant: options.tenant,
      });
      cli.answer(answer, answer.logs.map(describeLog).join(""));
      if (!answer.ok) cli.exitWith(EXIT.refused);
    });
}

function callTable(calls: readonly z.output<typeof callSchema>[]): string {
  const rows = calls.map((call) => [
    call.at.slice(0, 19).replace("T", " "),
    call.callId,
    call.tenant,
    call.agent?.split("/").at(-1) ?? "-",
    call.action ?? call.tool ?? "-",
    call.verdict ?? "-",
    call.code ?? call.status,
  ]);
  return table(["AT (UTC)", "CALL", "TENANT", "AGENT", "ACTION", "VERDICT", "OUTCOME"], rows);
}

function describeLog(log: z.output<typeof verificationSchema>): string {
  if (log.ok && log.records === 0) return `${log.tenant}: no records yet\n`;
  if (log.ok) return `${log.tenant}: ${log.records} records, whole; head ${log.head}\n`;
  const fault = log.fault === undefined ? "not whole" : `record ${log.fault.seq}: ${log.fault.what}`;
  return `${log.tenant}: BROKEN at ${fault}; keep this database as it is and compare it with a backup\n`;
}
