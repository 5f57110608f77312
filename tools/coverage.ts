import { z } from "zod";

const Counts = z.object({ covered: z.number(), total: z.number() });
const Summary = z.record(z.string(), z.object({ lines: Counts, branches: Counts }));

/** Sums istanbul's `coverage-summary.json` over the files below `folder`; percentages as text, `none` where there is nothing to cover. */
export function coverageOf(summary: unknown, folder: string): { readonly lines: string; readonly branches: string } {
  const files = Object.entries(Summary.parse(summary)).filter(([path]) => path.startsWith(`${folder}/`));
  return {
    lines: percent(files.map(([, file]) => file.lines)),
    branches: percent(files.map(([, file]) => file.branches)),
  };
}

function percent(counts: readonly z.infer<typeof Counts>[]): string {
  const total = counts.reduce((sum, count) => sum + count.total, 0);
  const covered = counts.reduce((sum, count) => sum + count.covered, 0);
  return total === 0 ? "none" : `${((100 * covered) / total).toFixed(1)} %`;
}
