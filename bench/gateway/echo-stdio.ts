import { createInterface } from "node:readline";
import { asMessage, echoAnswer } from "./echo.ts";

/** The echo server over stdio: one JSON-RPC message a line; ends with its input. */
createInterface({ input: process.stdin }).on("line", (line) => {
  const parsed: unknown = JSON.parse(line);
  const answer = echoAnswer(asMessage(parsed));
  if (answer !== undefined) process.stdout.write(`${JSON.stringify(answer)}\n`);
});
