import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench, BenchReport } from "./bench.ts";
import { AIM_TEXT, judge } from "./policy/aims.ts";
import { measureDecisions } from "./policy/decisions.ts";
import type { DecisionPlan } from "./policy/decisions.ts";
import { openFolder } from "./policy/folder.ts";
import { measureLoad, measureReloads } from "./policy/memory.ts";
import { filterRows } from "./policy/rows.ts";
import { decideInSessions } from "./policy/sessions.ts";
import { contenderTable, decisionTable, memoryTables, rowTable, sessionTable } from "./policy/tables.ts";

interface Plan extends DecisionPlan {
  readonly rowRepeats: number;
  readonly sessionMs: number;
  /** Memory is compared between these two counts of reloads. */
  readonly reloads: readonly [number, number];
}

const FULL: Plan = {
  sizes: [10, 100, 1_000, 10_000],
  questions: 200,
  rounds: 6,
  turnMs: 400,
  rowRepeats: 21,
  sessionMs: 1_500,
  reloads: [100, 1_000],
};
const QUICK: Plan = { sizes: [10, 100, 10_000], questions: 40, rounds: 2, turnMs: 150, rowRepeats: 7, sessionMs: 300, reloads: [50, 150] };
const LOADED_POLICIES = 10_000;
const RELOADED_POLICIES = 100;

/** What a policy decision costs as a folder grows, and what loading, reloading, rows and sessions cost. */
export const policy: Bench = {
  name: "policy",
  about:
    "one decision at 10 to 10000 policies: the policy engine against cedar-wasm, cerbos, casbin and casl, which must give the same verdicts on the same questions; then load, reloads, rows and sessions",
  aim: AIM_TEXT,
  async run({ quick, progress }): Promise<BenchReport> {
    const plan = quick ? QUICK : FULL;
    const load = await measureLoad(LOADED_POLICIES);
    const reloads = await measureReloads(RELOADED_POLICIES, plan.reloads);
    progress("load and reloads are measured");
    const home = await mkdtemp(join(tmpdir(), "bailiwick-bench-"));
    try {
      const results = await measureDecisions(plan, home, progress);
      const folder = openFolder();
      const rows = filterRows(folder, plan.rowRepeats);
      const sessions = decideInSessions(folder, plan.sessionMs);
      const aims = judge({ results, rows, reloads });
      return {
        tables: [contenderTable(), ...results.map(decisionTable), sessionTable(sessions), rowTable(rows), ...memoryTables(load, reloads)],
        headline: aims.map(({ line }) => line).join("\n"),
        holds: aims.every(({ holds }) => holds),
      };
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  },
};
