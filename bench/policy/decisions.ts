import { join } from "node:path";
import { seededRandom, shuffled } from "../statistics.ts";
import { bailiwick } from "./bailiwick.ts";
import { casbin } from "./casbin.ts";
import { casl } from "./casl.ts";
import { cedarWasm } from "./cedar-wasm.ts";
import { startCerbos } from "./cerbos.ts";
import type { Cerbos } from "./cerbos.ts";
import { agreedVerdicts } from "./contender.ts";
import type { Contender } from "./contender.ts";
import { summarize, takeTurn } from "./measure.ts";
import type { Summary, Turn } from "./measure.ts";
import { makeWorkload } from "./workload.ts";

export interface DecisionPlan {
  readonly sizes: readonly number[];
  readonly questions: number;
  readonly rounds: number;
  /** How long one contender is asked in one round. */
  readonly turnMs: number;
}

/** What one number of policies costs each contender. */
export interface SizeResult {
  readonly size: number;
  readonly questions: number;
  readonly allowed: number;
  readonly summaries: readonly Summary[];
  /** Whether cerbos loaded the policies in time. */
  readonly withCerbos: boolean;
}

interface World {
  readonly size: number;
  readonly contenders: readonly Contender[];
  readonly verdicts: readonly boolean[];
  readonly cerbos: Cerbos | undefined;
}

const SEED = 20_261_128;

/**
 * Every contender at every size; each round in another order, one turn at a time, so that a busy moment hits all alike.
 * @throws Error when two contenders disagree on a question, before anything is timed.
 */
export async function measureDecisions(plan: DecisionPlan, home: string, progress: (line: string) => void): Promise<readonly SizeResult[]> {
  const servers: Cerbos[] = [];
  try {
    const worlds: World[] = [];
    for (const size of plan.sizes) {
      const world = await prepare(size, plan.questions, join(home, String(size)), (server) => servers.push(server));
      worlds.push(world);
      progress(`${size} policies: ${world.contenders.length} contenders agree on ${plan.questions} questions`);
    }
    const turns = await takeTurns(worlds, plan, progress);
    return worlds.map(({ size, contenders, verdicts, cerbos }) => ({
      size,
      questions: verdicts.length,
      allowed: verdicts.filter((verdict) => verdict).length,
      summaries: contenders.map((contender) => summarize(contender, turns.get(contender) ?? [])),
      withCerbos: cerbos !== undefined,
    }));
  } finally {
    for (const server of servers) await server.stop();
  }
}

async function prepare(size: number, questions: number, folder: string, started: (server: Cerbos) => void): Promise<World> {
  const workload = makeWorkload(size, questions);
  const cerbos = await startCerbos(workload, folder);
  if (cerbos !== undefined) started(cerbos);
  const contenders = [cedarWasm(workload), ...bailiwick(workload), casl(workload), await casbin(workload), ...(cerbos?.contenders ?? [])];
  return { size, contenders, verdicts: await agreedVerdicts(contenders, workload.questions), cerbos };
}

async function takeTurns(
  worlds: readonly World[],
  plan: DecisionPlan,
  progress: (line: string) => void,
): Promise<ReadonlyMap<Contender, readonly Turn[]>> {
  const random = seededRandom(SEED);
  const all = worlds.flatMap(({ contenders, verdicts }) => contenders.map((contender) => ({ contender, verdicts })));
  const turns = new Map<Contender, Turn[]>(all.map(({ contender }) => [contender, []]));
  // Compiled code settles before the first round.
  for (const { contender, verdicts } of all) await takeTurn(contender, verdicts, plan.turnMs);
  for (let round = 1; round <= plan.rounds; round++) {
    for (const { contender, verdicts } of shuffled(all, random)) {
      turns.get(contender)?.push(await takeTurn(contender, verdicts, plan.turnMs));
    }
    progress(`round ${round} of ${plan.rounds} done`);
  }
  return turns;
}
