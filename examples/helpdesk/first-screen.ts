import { differences, facts } from "./judge.ts";
import type { Observed } from "./observed.ts";
import { type Held, renderCall } from "./render.ts";
import { FIRST_SCREEN, type Step } from "./scenario.ts";
import { notHeld, type Stage } from "./stage.ts";

/** A held call that nobody has answered yet. */
export interface Waiting {
  readonly step: Step;
  readonly ticket: string;
}

/** Shows an allowed, a masked, a refused and a waiting call; the last is left for the reader to answer. */
export async function playFirstScreen(stage: Stage): Promise<{ readonly ok: boolean; readonly waiting: Waiting | undefined }> {
  const [first] = FIRST_SCREEN;
  if (first !== undefined && !stage.json) {
    stage.print(`  ${first.actor.agent} works for ${first.actor.user} and makes four calls:`);
    stage.print("");
  }
  let ok = true;
  let waiting: Waiting | undefined;
  for (const step of FIRST_SCREEN) {
    const seen = await (await stage.agents.of(step.actor)).call(step);
    const wrong = step.approve === undefined ? differences(step.expect, seen) : notHeld(seen);
    const held = await heldCall(stage, step, seen);
    ok &&= wrong.length === 0;
    if (seen.ticket !== undefined) waiting = { step, ticket: seen.ticket };
    if (stage.json) stage.print(JSON.stringify(jsonLine(step, seen, wrong, held)));
    else for (const line of renderCall(step, seen, held)) stage.print(line);
  }
  return { ok, waiting };
}

/** Waits for the person and prints what became of the call. Resolves in any case: nobody may answer, or the broker may stop first. */
export async function printAnswer(stage: Stage, { step, ticket }: Waiting, signal: AbortSignal): Promise<void> {
  try {
    const seen = await (await stage.agents.of(step.actor)).waitForApproval(ticket, signal);
    if (stage.json) return stage.print(JSON.stringify({ shows: step.shows, answered: ticket, actual: facts(seen) }));
    stage.print("  a person answered, and the agent got:");
    stage.print("");
    for (const line of renderCall(step, seen)) stage.print(line);
  } catch {
    // The approval stays, so it can still be answered; only this agent no longer waits for it.
  }
}

async function heldCall({ approvers }: Stage, step: Step, seen: Observed): Promise<Held | undefined> {
  if (seen.ticket === undefined || step.approve === undefined) return undefined;
  const { by } = step.approve;
  return { ...(await approvers.view(by, seen.ticket)), command: `npx bailiwick approvals approve ${seen.ticket} --as ${by}` };
}

function jsonLine(step: Step, seen: Observed, wrong: readonly string[], held: Held | undefined): unknown {
  const { shows, actor, call, approve } = step;
  return {
    shows,
    agent: actor.agent,
    call,
    expected: approve === undefined ? step.expect : { kind: "pending" },
    actual: facts(seen),
    ...(held === undefined ? {} : { ticket: seen.ticket, diff: held.diff, approve: held.command }),
    ok: wrong.length === 0,
  };
}
