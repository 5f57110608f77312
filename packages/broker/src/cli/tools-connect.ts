import type { Command } from "commander";
import { z } from "zod";
import type { Cli } from "./cli.ts";
import { relative } from "./text.ts";

const linkAnswer = z.object({ url: z.url(), expiresAt: z.string() });

interface ConnectOptions {
  readonly tenant?: string;
  readonly environment: string;
  readonly workflow: string;
  readonly scope?: string;
  readonly as?: string;
}

/** `bailiwick tools connect`. */
export function addToolConnect(tools: Command, cli: Cli): void {
  tools
    .command("connect <tool>")
    .description("prints a link: whoever opens it lets the broker use the tool's server (OAuth), until they take it back there")
    .option("--tenant <tenant>", "for agents of this tenant")
    .option("--environment <environment>", "of this environment", "*")
    .option("--workflow <workflow>", "and of this workflow", "*")
    .option("--scope <scopes>", "scopes beside what the server asks for, separated by spaces; the tool's file must allow them")
    .option("--as <person>", "only this person's browser may open the link")
    .action(async (tool: string, { tenant, environment, workflow, scope, as }: ConnectOptions) => {
      const broker = await cli.broker(as);
      const answer = await broker.send("POST", `/tools/${encodeURIComponent(tool)}/connect`, linkAnswer, {
        ...(tenant === undefined ? {} : { tenant }),
        environment,
        workflow,
        scope: (scope ?? "").split(" ").filter((each) => each !== ""),
      });
      cli.answer(answer, `${answer.url}\n`);
      cli.talk(`open it in your browser; it works once and ends ${relative(new Date(answer.expiresAt), cli.io.now())}`);
    });
}
