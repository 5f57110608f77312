import { Link } from "@tanstack/react-router";
import type { Schema } from "../../api/client.ts";
import type { CallFilter } from "../calls/filter.ts";

type Hour = Schema<"Overview">["hours"][number];

const FILLS = { accent: "fill-accent", deny: "fill-deny", ask: "fill-ask", soft: "fill-soft" } as const;
const HEIGHT = 48;
const BAR = 3;
const GAP = 1;
const HOURS_A_DAY = 24;

/** One figure by hour over the week, in bars; what it shows is also said in words. */
export function HoursChart(props: {
  readonly name: string;
  readonly hours: readonly Hour[];
  readonly of: "calls" | "refused" | "held" | "unknown";
  readonly tone: keyof typeof FILLS;
  readonly find: CallFilter;
}) {
  const { name, hours, of, tone, find } = props;
  const most = Math.max(0, ...hours.map((hour) => hour[of]));
  const total = hours.reduce((sum, hour) => sum + hour[of], 0);
  const width = hours.length * (BAR + GAP);
  const busiest = hours.find((hour) => hour[of] === most);
  return (
    <figure className="min-w-0 rounded border border-line bg-card p-3">
      <figcaption className="mb-1 flex flex-wrap justify-between gap-x-3">
        <Link to="/calls" search={{ ...find, since: "7d" }}>
          {name}
        </Link>
        <span className="text-soft">{most === 0 ? "none" : `${total} in all, at most ${most} an hour`}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="block h-14 w-full"
        role="img"
        aria-label={
          busiest === undefined || most === 0
            ? `${name}: none in seven days`
            : `${name}: ${total} in seven days, most at ${hourText(busiest.at)} with ${most}`
        }
      >
        {hours.map((hour, at) => {
          const height = most === 0 ? 0 : (hour[of] / most) * (HEIGHT - 2);
          return (
            <g key={hour.at}>
              {new Date(hour.at).getUTCHours() === 0 ? (
                <rect x={at * (BAR + GAP) - GAP} y={0} width={0.5} height={HEIGHT} className="fill-line" />
              ) : undefined}
              {height === 0 ? undefined : (
                <rect
                  x={at * (BAR + GAP)}
                  y={HEIGHT - Math.max(1, height)}
                  width={BAR}
                  height={Math.max(1, height)}
                  className={FILLS[tone]}
                />
              )}
            </g>
          );
        })}
      </svg>
      <div aria-hidden="true" className="flex justify-between text-xs text-soft">
        <span>{hourText(hours[0]?.at ?? "").slice(0, 10)}</span>
        <span>{hours.length / HOURS_A_DAY} days</span>
        <span>{hourText(hours.at(-1)?.at ?? "").slice(0, 10)}</span>
      </div>
    </figure>
  );
}

function hourText(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)}`;
}
