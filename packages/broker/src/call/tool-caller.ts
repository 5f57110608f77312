import type { Caller } from "@bailiwick/policy";
import type { ToolCaller } from "../domain/tool.ts";

/** Whom the call is made for, as it is told to the tool's own side. */
export function toolCaller({ tenant, environment, agent, user, session }: Caller): ToolCaller {
  return { tenant, environment, agent, user, session };
}
