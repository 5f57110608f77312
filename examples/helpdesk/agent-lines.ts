import { type AgentKey, type AgentLine, connectAgent } from "./agent-line.ts";
import type { Actor } from "./scenario.ts";

/** One session for each actor, opened when it first acts. */
export interface AgentLines {
  of(actor: Actor): Promise<AgentLine>;
  close(): Promise<void>;
}

/** Tokens are scoped to agent, user and task; `run` makes the tasks of this run its own, so that an answer of an earlier run is not found again. */
export function agentLines(options: {
  readonly brokerUrl: string;
  readonly keyOf: (agent: string) => AgentKey;
  readonly run: string;
}): AgentLines {
  const open = new Map<Actor, Promise<AgentLine>>();
  return {
    of: (actor) => {
      const line =
        open.get(actor) ??
        connectAgent({
          brokerUrl: options.brokerUrl,
          key: options.keyOf(actor.agent),
          actor: { ...actor, task: `${actor.task}/${options.run}` },
        });
      open.set(actor, line);
      return line;
    },
    close: async () => {
      for (const line of await Promise.allSettled(open.values())) if (line.status === "fulfilled") await line.value.close();
    },
  };
}
