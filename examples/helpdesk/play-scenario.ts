import { setTimeout as sleep } from "node:timers/promises";
import type { AgentLine } from "./agent-line.ts";
import type { Approvers, HeldCall } from "./approvers.ts";
import type { Company } from "./company.ts";
import { checkEffects, type EffectCheck } from "./expected-effects.ts";
import { differences, facts } from "./judge.ts";
import type { Observed } from "./observed.ts";
import { callText, renderRow } from "./render.ts";
import { type Answer, SCENARIO, type Step } from "./scenario.ts";
import { notHeld, type Stage } from "./stage.ts";

/** Limits count within whole minutes; a group of steps that meets one takes well below this time. */
const GROUP_MS = 5_000;
const MINUTE_MS = 60_000;
/** The broker's clock decides when its minute is over. */
const CLOCK_GRACE_MS = 100;

/** Plays every step, answers what is held, and looks at what really happened. True when all is as the scenario says. */
export async function playScenario(stage: Stage, company: Company): Promise<boolean> {
  const texts: string[] = [];
  let wrongs = 0;
  for (const [index, step] of SCENARIO.entries()) {
    const played = await playInItsMinute(step, await stage.agents.of(step.actor), stage.approvers);
    texts.push(played.seen.text);
    wrongs += played.wrong.length;
    stage.print(stage.json ? JSON.stringify(jsonLine(index + 1, step, played)) : renderRow(step, played.seen, played.wrong));
  }
  for (const check of [await credentialCheck(stage, company, texts), ...(await checkEffects(company))]) {
    if (!check.ok) wrongs += 1;
    stage.print(
      stage.json ? JSON.stringify({ check: check.what, expected: check.expected, actual: check.actual, ok: check.ok }) : checkRow(check),
    );
  }
  return wrongs === 0;
}

/** A group that meets a limit starts in a minute that lasts, and with nothing used of it by an earlier run on the same data folder. */
async function playInItsMinute(step: Step, line: AgentLine, approvers: Approvers): Promise<Played> {
  if (step.startsMinute !== true) return play(step, line, approvers);
  const leftMs = (): number => MINUTE_MS - (Date.now() % MINUTE_MS) + CLOCK_GRACE_MS;
  if (leftMs() < GROUP_MS) await sleep(leftMs());
  const played = await play(step, line, approvers);
  if (played.seen.code !== "rate_limited") return played;
  await sleep(leftMs());
  return play(step, line, approvers);
}

interface Played {
  readonly seen: Observed;
  readonly wrong: readonly string[];
  /** What the approver was shown, when the call was held. */
  readonly held?: HeldCall;
}

async function play(step: Step, line: AgentLine, approvers: Approvers): Promise<Played> {
  const first = await line.call(step);
  const { approve } = step;
  if (approve === undefined) return { seen: first, wrong: differences(step.expect, first) };
  if (first.ticket === undefined || notHeld(first).length > 0) return { seen: first, wrong: notHeld(first) };
  const held = await approvers.view(approve.by, first.ticket);
  const misused = await answeredByTheWrongPerson(approvers, approve, first.ticket);
  await approvers.answer(approve.by, first.ticket, approve.answer, approve.reason);
  const seen = await line.waitForApproval(first.ticket);
  return { seen, held, wrong: [...diffDifferences(approve, held), ...misused, ...differences(step.expect, seen)] };
}

function diffDifferences({ diff }: Answer, held: HeldCall): readonly string[] {
  if (diff === undefined) return [];
  const [wanted, actual] = [JSON.stringify(diff), JSON.stringify(held.diff)];
  return actual === wanted ? [] : [`the approver is shown ${actual}, not ${wanted}`];
}

/** Someone without the right role tries first; the broker must not listen. */
async function answeredByTheWrongPerson(approvers: Approvers, { notBy, reason }: Answer, ticket: string): Promise<readonly string[]> {
  if (notBy === undefined) return [];
  return approvers.answer(notBy, ticket, "approve", reason).then(
    () => [`\`${notBy}\` could answer without the role`],
    () => [],
  );
}

/** No credential of the company may stand in anything that any agent was given, answers and tool lists alike. */
async function credentialCheck({ agents }: Stage, company: Company, texts: readonly string[]): Promise<EffectCheck> {
  const actors = [...new Set(SCENARIO.map((step) => step.actor))];
  const lists = await Promise.all(actors.map(async (actor) => JSON.stringify(await (await agents.of(actor)).listTools())));
  const all = [...texts, ...lists].join("\n");
  const visible = company.secrets.filter(({ value }) => encodings(value).some((form) => all.includes(form))).map(({ name }) => name);
  return { what: "credentials injected, nowhere visible to an agent", ok: visible.length === 0, expected: [], actual: visible };
}

function encodings(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  return [value, bytes.toString("base64"), bytes.toString("base64url"), bytes.toString("hex"), encodeURIComponent(value)];
}

function jsonLine(number: number, step: Step, { seen, wrong, held }: Played): unknown {
  const { shows, actor, expect: expected, approve } = step;
  return {
    step: number,
    shows,
    agent: actor.agent,
    call: callText(step),
    expected,
    actual: facts(seen),
    ...(approve === undefined ? {} : { held: { diff: held?.diff ?? {}, by: approve.by, answer: approve.answer, reason: approve.reason } }),
    ok: wrong.length === 0,
    ...(wrong.length === 0 ? {} : { wrong, message: seen.message }),
  };
}

function checkRow({ what, ok, expected, actual }: EffectCheck): string {
  return ok ? `ok    ${what}` : `WRONG ${what}: ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`;
}
