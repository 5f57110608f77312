import type { Command } from "commander";
import { z } from "zod";
import { sessionSchema } from "../rest-contract/schemas.ts";
import type { Cli } from "./cli.ts";
import { relative, table } from "./text.ts";

/** `bailiwick sessions list | revoke`. */
export function addSessions(program: Command, cli: Cli): void {
  const sessions = program.command("sessions").description("live sessions of agents, and their end");
  sessions
    .command("list", { isDefault: true })
    .description("sessions, newest first")
    .option("--all", "ended ones too")
    .option("--tenant <tenant>", "only this tenant")
    .option("--as <person>", "as this person")
    .action(async (options: { all?: boolean; tenant?: string; as?: string }) => {
      const broker = await cli.broker(options.as);
      const query = { live: options.all === true ? "false" : "true", tenant: options.tenant };
      const answer = await broker.get("/sessions", z.object({ sessions: z.array(sessionSchema) }), query);
      const rows = answer.sessions.map((session) => [
        session.id,
        session.agent,
        session.user,
        session.task,
        stateOf(session, cli.io.now()),
      ]);
      cli.answer(answer.sessions, rows.length === 0 ? "" : table(["ID", "AGENT", "USER", "TASK", "STATE"], rows));
      if (rows.length === 0) cli.talk("no live sessions; one appears when an agent gets a token");
    });
  sessions
    .command("revoke <id>")
    .description("ends a session; its next call is refused")
    .option("--as <person>", "who revokes")
    .action(async (id: string, options: { as?: string }) => {
      const broker = await cli.broker(options.as);
      const session = await broker.send("POST", `/sessions/${encodeURIComponent(id)}/revoke`, sessionSchema, {});
      cli.answer(session, `revoked ${session.id} of ${session.agent}; its next call is refused\n`);
    });
}

function stateOf(session: z.output<typeof sessionSchema>, now: Date): string {
  if (session.revokedAt !== undefined) return `revoked ${relative(new Date(session.revokedAt), now)}`;
  return session.live ? `ends ${relative(new Date(session.expiresAt), now)}` : "expired";
}
