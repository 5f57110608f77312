import type { AgentKey } from "./agent-line.ts";
import { agentLines } from "./agent-lines.ts";
import { restApprovers } from "./approvers.ts";
import type { Company } from "./company.ts";
import { playFirstScreen, printAnswer, type Waiting } from "./first-screen.ts";
import { playScenario } from "./play-scenario.ts";
import type { Stage } from "./stage.ts";

export interface DemoOptions {
  /** Where the broker listens, without a trailing slash. */
  readonly brokerUrl: string;
  readonly company: Company;
  /** The private key of an agent identity; each has its own. */
  readonly keyOf: (agent: string) => AgentKey;
  /** The bearer token of a signed-in person, by the id of `bailiwick.yaml`. */
  readonly tokenOf: (person: string) => string;
  /** Plays everything and answers approvals as a second person; otherwise shows the first four calls and leaves the last waiting. */
  readonly once: boolean;
  readonly json: boolean;
  readonly print: (line: string) => void;
  /** Without `once`: the agent keeps waiting for the person until this aborts, and what became of the call is printed. Default: it goes at once. */
  readonly signal?: AbortSignal | undefined;
  /** Names this run in its tasks. Default: the time of the start. */
  readonly run?: string | undefined;
}

export interface DemoResult {
  /** All calls came out as the scenario says, and the databases and mails are exactly as they should be. */
  readonly ok: boolean;
  readonly lines: readonly string[];
}

/** Lets the scripted agents work through the broker. Never throws for a call that came out differently: that is a line and `ok: false`. */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const lines: string[] = [];
  const print = (line: string): void => {
    lines.push(line);
    options.print(line);
  };
  const agents = agentLines({ ...options, run: options.run ?? String(Date.now()) });
  const stage = { agents, approvers: restApprovers(options.brokerUrl, options.tokenOf), json: options.json, print };
  let leaving = agents.close;
  try {
    if (options.once) return { ok: await playScenario(stage, options.company), lines };
    const { ok, waiting } = await playFirstScreen(stage);
    const { signal } = options;
    if (waiting !== undefined && signal !== undefined) {
      leaving = () => Promise.resolve();
      void answerThenLeave(stage, waiting, signal);
    }
    return { ok, lines };
  } finally {
    await leaving();
  }
}

async function answerThenLeave(stage: Stage, waiting: Waiting, signal: AbortSignal): Promise<void> {
  await printAnswer(stage, waiting, signal);
  await stage.agents.close();
}
