import { type Approvers, restApprovers } from "./approvers.ts";
import { type AgentKey, type AgentLine, connectAgent } from "./agent-line.ts";
import type { Company } from "./company.ts";
import { checkEffects } from "./expected-effects.ts";
import { differences, facts } from "./judge.ts";
import type { Observed } from "./observed.ts";
import { callText, type Held, renderCall, renderRow } from "./render.ts";
import { type Actor, FIRST_SCREEN, SCENARIO, type Step } from "./scenario.ts";

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
  /** Makes this run's tasks its own, so that an answer of an earlier run is not found again. Default: the time of the start. */
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
  const run = options.run ?? String(Date.now());
  const agents = agentLines(options, run);
  const approvers = restApprovers(options.brokerUrl, options.tokenOf);
  try {
    const ok = options.once ? await playAll(options, agents, approvers, print) : await playFirst(options, agents, approvers, print);
    return { ok, lines };
  } finally {
    await agents.close();
  }
}

interface AgentLines {
  of(actor: Actor): Promise<AgentLine>;
  close(): Promise<void>;
}

/** One session for each actor: its token is scoped to the agent, the user and the task. */
function agentLines(options: DemoOptions, run: string): AgentLines {
  const open = new Map<Actor, Promise<AgentLine>>();
  return {
    of: (actor) => {
      const known =
        open.get(actor) ??
        connectAgent({ brokerUrl: options.brokerUrl, key: options.keyOf(actor.agent), actor: { ...actor, task: `${actor.task}/${run}` } });
      open.set(actor, known);
      return known;
    },
    close: async () => {
      for (const line of await Promise.allSettled(open.values())) if (line.status === "fulfilled") await line.value.close();
    },
  };
}

async function playFirst(options: DemoOptions, agents: AgentLines, approvers: Approvers, print: (line: string) => void): Promise<boolean> {
  const [first] = FIRST_SCREEN;
  if (first !== undefined && !options.json) {
    print(`  ${first.actor.agent} works for ${first.actor.user} and makes four calls:`);
    print("");
  }
  let ok = true;
  for (const step of FIRST_SCREEN) {
    const seen = await (await agents.of(step.actor)).call(step);
    const wrong = step.approve === undefined ? differences(step.expect, seen) : notHeld(seen);
    ok &&= wrong.length === 0;
    const held = await heldCall(step, seen, approvers);
    if (options.json) print(JSON.stringify(firstLine(step, seen, wrong, held)));
    else for (const line of renderCall(step, seen, held)) print(line);
  }
  return ok;
}

function notHeld(seen: Observed): readonly string[] {
  return seen.kind === "pending" && seen.ticket !== undefined ? [] : [`kind is ${seen.kind}: it was not held for a person`];
}

async function heldCall(step: Step, seen: Observed, approvers: Approvers): Promise<Held | undefined> {
  if (seen.ticket === undefined || step.approve === undefined) return undefined;
  const { by } = step.approve;
  return { ...(await approvers.view(by, seen.ticket)), command: `npx bailiwick approvals approve ${seen.ticket} --as ${by}` };
}

function firstLine(step: Step, seen: Observed, wrong: readonly string[], held: Held | undefined): unknown {
  const expected = step.approve === undefined ? step.expect : { kind: "pending" };
  const { shows, actor, call } = step;
  return {
    shows,
    agent: actor.agent,
    call,
    expected,
    actual: facts(seen),
    ...(held === undefined ? {} : { ticket: seen.ticket, ...held }),
    ok: wrong.length === 0,
  };
}

async function playAll(options: DemoOptions, agents: AgentLines, approvers: Approvers, print: (line: string) => void): Promise<boolean> {
  const texts: string[] = [];
  let wrongs = 0;
  for (const [index, step] of SCENARIO.entries()) {
    const { seen, wrong } = await play(step, await agents.of(step.actor), approvers);
    texts.push(seen.text);
    wrongs += wrong.length;
    print(options.json ? JSON.stringify(jsonLine(index + 1, step, seen, wrong)) : renderRow(step, seen, wrong));
  }
  const checks = [await credentialCheck(options, agents, texts), ...(await checkEffects(options.company))];
  for (const { what, ok, expected, actual } of checks) {
    if (!ok) wrongs += 1;
    print(
      options.json
        ? JSON.stringify({ check: what, expected, actual, ok })
        : `${ok ? "ok  " : "WRONG"} ${what}${ok ? "" : `: ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`}`,
    );
  }
  return wrongs === 0;
}

function jsonLine(number: number, step: Step, seen: Observed, wrong: readonly string[]): unknown {
  const { shows, actor, expect: expected, approve } = step;
  return {
    step: number,
    shows,
    agent: actor.agent,
    call: callText(step),
    expected,
    actual: facts(seen),
    ...(approve === undefined ? {} : { answered: { by: approve.by, answer: approve.answer } }),
    ok: wrong.length === 0,
    ...(wrong.length === 0 ? {} : { wrong, message: seen.message }),
  };
}

interface Played {
  readonly seen: Observed;
  readonly wrong: readonly string[];
}

async function play(step: Step, line: AgentLine, approvers: Approvers): Promise<Played> {
  const first = await line.call(step);
  const { approve } = step;
  if (approve === undefined) return { seen: first, wrong: differences(step.expect, first) };
  if (first.ticket === undefined || notHeld(first).length > 0) return { seen: first, wrong: notHeld(first) };
  const shown = approve.diff === undefined ? [] : await diffDifferences(approvers, approve.by, first.ticket, approve.diff);
  await approvers.answer(approve.by, first.ticket, approve.answer, approve.reason);
  const seen = await line.waitForApproval(first.ticket);
  return { seen, wrong: [...shown, ...differences(step.expect, seen)] };
}

async function diffDifferences(
  approvers: Approvers,
  person: string,
  ticket: string,
  expected: Readonly<Record<string, readonly [unknown, unknown]>>,
): Promise<readonly string[]> {
  const actual = JSON.stringify((await approvers.view(person, ticket)).diff);
  const wanted = JSON.stringify(expected);
  return actual === wanted ? [] : [`the approver is shown ${actual}, not ${wanted}`];
}

/** No credential of the company may stand in anything that any agent was given, answers and tool lists alike. */
async function credentialCheck(
  options: DemoOptions,
  agents: AgentLines,
  texts: readonly string[],
): Promise<{ what: string; ok: boolean; expected: unknown; actual: unknown }> {
  const actors = [...new Set(SCENARIO.map((step) => step.actor))];
  const lists = await Promise.all(actors.map(async (actor) => JSON.stringify(await (await agents.of(actor)).listTools())));
  const all = [...texts, ...lists].join("\n");
  const forms = (value: string): readonly string[] => [
    value,
    Buffer.from(value).toString("base64"),
    Buffer.from(value).toString("hex"),
    encodeURIComponent(value),
  ];
  const seen = options.company.secrets.filter(({ value }) => forms(value).some((form) => all.includes(form))).map(({ name }) => name);
  return { what: "credentials injected, nowhere visible to an agent", ok: seen.length === 0 && all.length > 0, expected: [], actual: seen };
}
