import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type { CliIo } from "./cli.ts";
import { CliFailure } from "./failure.ts";

/** A secret typed at a prompt that shows nothing, or sent on stdin; never an argument or a variable, which others can read. */
export async function askSecret(io: CliIo, prompt: string): Promise<string> {
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
