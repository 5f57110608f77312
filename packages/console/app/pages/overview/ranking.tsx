import { Link } from "@tanstack/react-router";
import { Text } from "../../ui/untrusted.tsx";
import type { CallFilter } from "../calls/filter.ts";

interface Row {
  readonly name: string;
  readonly detail?: string;
  readonly count: number;
  /** The calls it counts. */
  readonly find: CallFilter;
}

/** What occurred most, a bar each: the number says it, the bar only shows it. */
export function Ranking({ title, none, rows }: { readonly title: string; readonly none: string; readonly rows: readonly Row[] }) {
  const most = Math.max(1, ...rows.map(({ count }) => count));
  return (
    <section aria-label={title} className="min-w-0 rounded border border-line bg-card p-3">
      <h3 className="mb-1">{title}</h3>
      {rows.length === 0 ? <p className="text-soft">{none}</p> : undefined}
      <ol className="grid gap-1.5">
        {rows.map(({ name, detail, count, find }) => (
          <li key={name}>
            <div className="flex items-baseline justify-between gap-3">
              <span className="min-w-0">
                <Link to="/calls" search={find}>
                  <Text>{name}</Text>
                </Link>{" "}
                {detail === undefined ? undefined : (
                  <span className="text-soft">
                    <Text>{detail}</Text>
                  </span>
                )}
              </span>
              <span className="font-semibold">{count}</span>
            </div>
            <div aria-hidden="true" className="mt-0.5 h-1 rounded bg-raised">
              <div className="h-1 rounded bg-accent" style={{ width: `${(100 * count) / most}%` }} />
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
