import { cedarCall, cedarPolicies } from "./cedar-form.ts";
import { compile, readCall } from "./bailiwick.ts";
import type { Footprint, LoadCost, ReloadCost } from "./memory.ts";
import { makeWorkload } from "./workload.ts";

/** Reloads before the first footprint, so that caches and compiled code are there. */
const WARM_UP = 20;

const [task, size, ...marks] = process.argv.slice(2);
const cost = task === "load" ? loadOnce(Number(size)) : reload(Number(size), marks.map(Number));
process.stdout.write(`${JSON.stringify(cost)}\n`);

function loadOnce(count: number): LoadCost {
  const texts = cedarPolicies(makeWorkload(count, 1));
  // The parser is started by a small set, so that its own start is not counted.
  compile(cedarPolicies(makeWorkload(10, 1)));
  const before = footprint();
  const started = performance.now();
  const loaded = compile(texts);
  const loadMs = performance.now() - started;
  const after = footprint();
  return { policies: count, loadMs, before, after: keep(loaded, after) };
}

function reload(count: number, counts: readonly number[]): ReloadCost {
  const workload = makeWorkload(count, 20);
  const calls = workload.questions.map((question) => readCall(cedarCall(question)));
  const texts = cedarPolicies(workload);
  let held: unknown;
  const once = (round: number): void => {
    const policies = compile(Object.fromEntries(Object.entries(texts).map(([id, text]) => [id, changed(text, round)])));
    for (const decide of calls) decide(policies);
    held = policies;
  };
  for (let round = 0; round < WARM_UP; round++) once(-round);
  const footprints: { readonly reloads: number; readonly at: Footprint }[] = [{ reloads: 0, at: footprint() }];
  const started = performance.now();
  let done = 0;
  for (const reloads of counts) {
    while (done < reloads) once(++done);
    footprints.push({ reloads, at: keep(held, footprint()) });
  }
  return { policies: count, reloadMs: (performance.now() - started) / done, footprints };
}

/** Another text with the same meaning each time, so that whatever is kept by text or by value would grow. */
function changed(text: string, round: number): string {
  return text.replace("when { ", `when { context.session != "round ${round}" && `);
}

function footprint(): Footprint {
  for (let time = 0; time < 4; time++) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed, external, resident: rss };
}

/** `value`, with `alive` reachable until here. */
function keep<T>(alive: unknown, value: T): T {
  return alive === undefined ? value : value;
}
