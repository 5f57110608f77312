import { Fault } from "../../domain/fault.ts";
import { Problem } from "./problem.ts";

/** @throws Problem `tool_not_connected` for what the tool's side or the browser did not let happen; other failures as they are. */
export async function orConnectProblem<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (failure) {
    if (!(failure instanceof Fault) || (failure.code !== "credential_unavailable" && failure.code !== "tool_unavailable")) throw failure;
    throw new Problem(
      "tool_not_connected",
      failure.message,
      ["correct what it says, then run `bailiwick tools connect` again", 'see docs/guide/credentials.md, "Tools with OAuth"'],
      { cause: failure },
    );
  }
}
