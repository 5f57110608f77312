import type { Question } from "./workload.ts";

/** One way to answer the questions of a workload by their number. `true` is allow. */
export type Contender = InProcess | Remote;

interface Named {
  readonly name: string;
  /** From the policies' texts (or objects, where it takes those) to the first possible answer. */
  readonly loadMs: number;
}

export interface InProcess extends Named {
  readonly kind: "in process";
  /** Decisions timed together, because one alone is too near to the clock's resolution. */
  readonly batch: number;
  decide(question: number): boolean;
}

export interface Remote extends Named {
  readonly kind: "remote";
  readonly callers: number;
  decide(question: number): Promise<boolean>;
}

/**
 * The verdict of every question, after each contender gave the same one.
 * @throws Error that says who differed from the first contender, and on what.
 */
export async function agreedVerdicts(contenders: readonly Contender[], questions: readonly Question[]): Promise<readonly boolean[]> {
  const [reference, ...others] = contenders;
  if (reference === undefined) return [];
  const verdicts = await verdictsOf(reference, questions.length);
  const differences: string[] = [];
  for (const contender of others) {
    const given = await verdictsOf(contender, questions.length);
    const at = given.flatMap((verdict, index) => (verdict === verdicts[index] ? [] : [index]));
    if (at.length > 0) differences.push(difference(contender, reference, at, verdicts, questions));
  }
  if (differences.length > 0) throw new Error(`contenders differ, so their speed says nothing: ${differences.join("; ")}`);
  return verdicts;
}

async function verdictsOf(contender: Contender, questions: number): Promise<readonly boolean[]> {
  const verdicts: boolean[] = [];
  for (let question = 0; question < questions; question++) verdicts.push(await contender.decide(question));
  return verdicts;
}

function difference(
  contender: Contender,
  reference: Contender,
  at: readonly number[],
  verdicts: readonly boolean[],
  questions: readonly Question[],
): string {
  const first = at[0] ?? 0;
  const question = questions[first];
  const said = verdicts[first] === true ? "allow" : "deny";
  const what = `${question?.action ?? ""} by ${question?.agent.id ?? ""} (${question?.agent.roles.join(", ") ?? ""})`;
  return `${contender.name} on ${at.length} of ${questions.length} questions, first number ${first}: ${what}, where ${reference.name} says ${said}`;
}
