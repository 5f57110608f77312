import type { Command } from "commander";
import { z } from "zod";
import { sessionSchema } from "../rest-contract/schemas.ts";
import type { Cli } from "./cli.ts";
import { relative, table } from "./text.ts";

const revokedSchema = sessionSchema.extend({ ended: z.array(z.string()), inFlight: z.array(z.string()) });

/** `bailiwick sessions list | revoke | end-task`. */
export function addSessions(program: Command, cli: Cli): void {
  const sessions = program.command("sessions").description("live sessions of agents, and their end");
  sessions
    .command("list", { isDefault: true })
    .description("sessions, newest first")
    .option("--all", "ended ones too")
    .option("--tenant <tenant>", "only this tenant")
    .option("--delegated-from <id>", "only those that were delegated from this session")
    .option("--as <person>", "as this person")
    .action(async (options: { all?: boolean; tenant?: string; delegatedFrom?: string; as?: string }) => {
      const broker = await cli.broker(options.as);
      const query = { live: options.all === true ? "false" : "true", tenant: options.tenant, delegatedFrom: options.delegatedFrom };
      const answer = await broker.get("/sessions", z.object({ sessions: z.array(sessionSchema) }), query);
      const rows = answer.sessions.map((session) => [
        session.id,
        session.agent,
        session.actors.length === 0 ? "" : session.actors.join(" < "),
        session.user,
        session.task,
        session.run,
        session.binding,
        stateOf(session, cli.io.now()),
      ]);
      cli.answer(
        answer.sessions,
        rows.length === 0 ? "" : table(["ID", "AGENT", "DELEGATED BY", "USER", "TASK", "RUN", "PROOF", "STATE"], rows),
      );
      if (rows.length === 0) cli.talk("no live sessions; one appears when an agent gets a token");
    });
  sessions
    .command("revoke <id>")
    .description("ends a session and all delegated from it; their next calls are refused")
    .option("--as <person>", "who revokes")
    .action(async (id: string, options: { as?: string }) => {
      const broker = await cli.broker(options.as);
      const session = await broker.send("POST", `/sessions/${encodeURIComponent(id)}/revoke`, revokedSchema, {});
      const below = session.ended.length > 1 ? ` and ${session.ended.length - 1} delegated from it` : "";
      const running = session.inFlight.length === 0 ? "" : `under way were: ${session.inFlight.join(", ")}\n`;
      cli.answer(session, `revoked ${session.id} of ${session.agent}${below}; its next call is refused\n${running}`);
    });
  addEndTask(sessions, cli);
}

const taskEnded = z.object({ task: z.string(), ended: z.array(z.string()) });

function addEndTask(sessions: Command, cli: Cli): void {
  sessions
    .command("end-task <task>")
    .description("ends all sessions of a task: what opened it says that it is over")
    .option("--tenant <tenant>", "the tenant, when there are several")
    .option("--user <user>", "only those of this user")
    .option("--as <person>", "who says so")
    .action(async (task: string, options: { tenant?: string; user?: string; as?: string }) => {
      const { tenant, user } = options;
      const answer = await (await cli.broker(options.as)).send("POST", "/tasks/end", taskEnded, { tenant, task, user });
      cli.answer(answer, `task ${answer.task} is over: ${answer.ended.length} sessions ended\n`);
    });
}

function stateOf(session: z.output<typeof sessionSchema>, now: Date): string {
  if (session.revokedAt !== undefined) return `revoked ${relative(new Date(session.revokedAt), now)}`;
  return session.live ? `ends ${relative(new Date(session.expiresAt), now)}` : "expired";
}
