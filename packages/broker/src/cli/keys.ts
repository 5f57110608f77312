import type { Command } from "commander";
import { z } from "zod";
import type { Cli } from "./cli.ts";

/** `bailiwick keys rotate`: the keys that sign agents' tokens. */
export function addKeys(program: Command, cli: Cli): void {
  const keys = program.command("keys").description("the broker's own keys, which sign agents' tokens");
  keys
    .command("rotate")
    .description("signs tokens with a new key from now on, on every broker; those that live stay valid until they expire")
    .option("--as <person>", "who rotates")
    .action(async (options: { readonly as?: string }) => {
      const answer = await (await cli.broker(options.as)).send("POST", "/signing-keys/rotate", z.object({ kid: z.string() }), {});
      cli.answer(answer, `tokens are signed with key ${answer.kid} from now on\n`);
    });
}
