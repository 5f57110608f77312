import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { z } from "zod";
import { credentialSchema } from "../rest-contract/schemas.ts";
import type { Cli, CliIo } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { table } from "./text.ts";

/** `bailiwick secrets put | list`. A value is never an argument: other users of the machine can read those. */
export function addSecrets(program: Command, cli: Cli): void {
  const secrets = program.command("secrets").description("credentials the broker presents to tools; agents never see them");
  secrets
    .command("list", { isDefault: true })
    .description("names, versions and bindings, never values")
    .option("--tenant <tenant>", "only this tenant")
    .action(async (options: { tenant?: string }) => {
      const broker = await cli.broker();
      const answer = await broker.get("/credentials", z.object({ credentials: z.array(credentialSchema) }), { tenant: options.tenant });
      const rows = answer.credentials.map((one) => [
        one.name,
        String(one.version),
        one.tenant,
        one.environment,
        one.workflow,
        one.hosts.join(",") || "(stdio only)",
        one.createdAt,
      ]);
      cli.answer(
        answer.credentials,
        rows.length === 0 ? "" : table(["NAME", "VERSION", "TENANT", "ENVIRONMENT", "WORKFLOW", "HOSTS", "CREATED"], rows),
      );
      if (rows.length === 0) cli.talk("no credentials; store one with `bailiwick secrets put <name> --tenant <tenant>`");
    });
  secrets
    .command("put <name>")
    .description("stores a new version; asks for the value, or reads it from stdin")
    .requiredOption("--tenant <tenant>", "whose it is")
    .option("--environment <name>", "only in this environment", "*")
    .option("--workflow <name>", "only for this workflow", "*")
    .option("--host <host...>", "hosts it may be sent to; none: stdio tools only", [])
    .action(async (name: string, options: { tenant: string; environment: string; workflow: string; host: string[] }) => {
      const broker = await cli.broker();
      const value = await readSecret(cli.io, `value of ${name}: `);
      const { tenant, environment, workflow, host } = options;
      const info = await broker.send("PUT", `/credentials/${encodeURIComponent(name)}`, credentialSchema, {
        tenant,
        environment,
        workflow,
        hosts: host,
        value,
      });
      cli.answer(info, `stored ${info.name} version ${info.version} for ${info.tenant}/${info.environment}/${info.workflow}\n`);
    });
}

async function readSecret(io: CliIo, prompt: string): Promise<string> {
  const value = io.stdin.isTTY === true ? await askUnseen(io, prompt) : (await text(io.stdin)).replace(/\r?\n$/u, "");
  if (value === "") throw new CliFailure("usage", "the value is empty", ["type it at the prompt, or send it on stdin"]);
  return value;
}

/** Readline echoes to a stream nobody reads, so the value is never on the screen. */
async function askUnseen(io: CliIo, prompt: string): Promise<string> {
  io.stderr.write(prompt);
  const lines = createInterface({ input: io.stdin, output: new PassThrough().resume(), terminal: true });
  const answer = Promise.withResolvers<string>();
  lines.once("line", answer.resolve);
  lines.once("close", () => {
    answer.resolve("");
  });
  const value = await answer.promise;
  lines.close();
  io.stderr.write("\n");
  return value;
}
