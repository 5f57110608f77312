import type { Schema } from "../../api/client.ts";
import { durationText } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";

type Kpi = Schema<"Overview">["kpis"][number];

const NAMES: Readonly<Record<Kpi["id"], string>> = {
  shared_credentials: "Shared credentials",
  least_privilege_coverage: "Least-privilege coverage",
  high_risk_approval: "High-risk actions approved",
  policy_violation_rate: "Policy violation rate",
  time_to_detect: "Time to detect",
  stale_permissions: "Stale permissions",
};

/** The six figures, each with what was counted, or why there is none. Nothing is estimated. */
export function Kpis({ kpis }: { readonly kpis: readonly Kpi[] }) {
  return (
    <ul className="grid grid-cols-[repeat(auto-fill,minmax(15rem,1fr))] gap-2">
      {kpis.map((kpi) => (
        <li key={kpi.id} className="rounded border border-line bg-card px-3 py-2">
          <h3>{NAMES[kpi.id]}</h3>
          <p className={kpi.value === undefined ? "text-ask" : "text-lg font-semibold"}>
            {kpi.value === undefined ? `not measured yet: ${kpi.notMeasured ?? "no reason is known"}` : valueText(kpi.value, kpi.unit)}
            {kpi.value === undefined || kpi.part === undefined || kpi.whole === undefined ? undefined : (
              <span className="text-sm font-normal text-soft">{` ${kpi.part} of ${kpi.whole}`}</span>
            )}
          </p>
          <p className="text-soft">
            <Text>{kpi.means}</Text>
          </p>
        </li>
      ))}
    </ul>
  );
}

function valueText(value: number, unit: Kpi["unit"]): string {
  switch (unit) {
    case "count":
      return String(value);
    case "percent":
      return `${value} %`;
    case "ms":
      return durationText(value);
  }
}
