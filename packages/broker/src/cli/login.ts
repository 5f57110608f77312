import type { Command } from "commander";
import { z } from "zod";
import type { Cli } from "./cli.ts";
import { relative } from "./text.ts";

const linkSchema = z.object({ person: z.string(), code: z.string(), url: z.string(), expiresAt: z.string() });

/** `bailiwick login <person>`: a one-time link to the console. */
export function addLogin(program: Command, cli: Cli): void {
  program
    .command("login <person>")
    .description("prints a one-time link that signs a person in to the console")
    .action(async (person: string) => {
      const broker = await cli.broker();
      const link = await broker.send("POST", "/login-links", linkSchema, { person, via: "login-link" });
      cli.answer({ person: link.person, url: link.url, expiresAt: link.expiresAt }, `${link.url}\n`);
      cli.talk(`signs in ${link.person} once; expires ${relative(new Date(link.expiresAt), cli.io.now())}`);
    });
}
