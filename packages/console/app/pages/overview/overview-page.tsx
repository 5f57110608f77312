import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { useTenant } from "../../shell/tenant.ts";
import { Empty } from "../../ui/empty.tsx";
import { Page } from "../../ui/page.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { durationText } from "../../ui/time.tsx";
import type { CallFilter } from "../calls/filter.ts";
import { HoursChart } from "./hours-chart.tsx";
import { Kpis } from "./kpis.tsx";
import { Ranking } from "./ranking.tsx";

type Overview = Schema<"Overview">;

/** How soon it is asked again while the broker still counts. */
const COUNTING_MS = 500;

/** Today and this week in figures; each leads to the calls it counts. */
export function OverviewPage() {
  const tenant = useTenant();
  const { data, error, refetch } = useQuery({
    queryKey: ["overview", tenant ?? null],
    queryFn: async () => answerOf(api.GET("/api/v1/overview", { params: { query: tenant === undefined ? {} : { tenant } } })),
    placeholderData: (before) => before,
    // Nothing else says when the broker has counted on.
    refetchInterval: ({ state }) => (state.data?.complete === false ? COUNTING_MS : false),
  });
  return (
    <Page title="Overview">
      <ProblemNote error={error} onRetry={() => void refetch()} />
      {data === undefined ? error === null ? <Skeleton lines={10} label="Counting" /> : undefined : <Figures of={data} />}
    </Page>
  );
}

function Figures({ of: overview }: { readonly of: Overview }) {
  const { week, complete, records } = overview;
  return (
    <div className="grid gap-5">
      {complete ? undefined : (
        <p role="status" className="text-ask">{`Still counting: the newest ${records} records are in these figures.`}</p>
      )}
      {week.calls === 0 && complete ? (
        <Empty title="No agent has called a tool this week." command="bailiwick demo">
          The figures begin with the first call.
        </Empty>
      ) : (
        <>
          <Today overview={overview} />
          <Week overview={overview} />
        </>
      )}
      <section aria-label="Figures that security teams report">
        <h2 className="mb-2 text-base">What security teams report</h2>
        <Kpis kpis={overview.kpis} />
      </section>
    </div>
  );
}

function Today({ overview }: { readonly overview: Overview }) {
  const { today, week, answers } = overview;
  const from = `${overview.at.slice(0, 10)}T00:00:00Z`;
  return (
    <section aria-label="Today">
      <h2 className="mb-2 text-base">Today (UTC)</h2>
      <ul className="grid grid-cols-[repeat(auto-fill,minmax(9rem,1fr))] gap-2">
        <Count name="calls" value={today.calls} week={week.calls} find={{ from }} />
        <Count name="held" value={today.held} week={week.held} find={{ from, status: "held" }} />
        <Count name="refused" value={today.refused} week={week.refused} find={{ from, status: "refused" }} />
        <Count name="outcome unknown" value={today.unknown} week={week.unknown} find={{ from, status: "unknown" }} />
        <Tile name="time to decide (7 days)">
          <p className="text-lg font-semibold">{answers.medianMs === undefined ? "-" : durationText(answers.medianMs)}</p>
          <p className="text-soft">
            {answers.p90Ms === undefined ? "no answer this week" : `median of ${answers.count}; 90 % within ${durationText(answers.p90Ms)}`}
          </p>
        </Tile>
      </ul>
    </section>
  );
}

function Count(props: { readonly name: string; readonly value: number; readonly week: number; readonly find: CallFilter }) {
  return (
    <Tile name={props.name}>
      <p className="text-lg font-semibold">
        <Link to="/calls" search={props.find} aria-label={`${props.value} ${props.name} today: see them`}>
          {props.value}
        </Link>
      </p>
      <p className="text-soft">{props.week} in 7 days</p>
    </Tile>
  );
}

function Tile({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <li className="rounded border border-line bg-card px-3 py-2">
      <p className="text-soft">{name}</p>
      {children}
    </li>
  );
}

function Week({ overview }: { readonly overview: Overview }) {
  const { hours, refusedRules, refusedActions, codes, agents } = overview;
  return (
    <>
      <section aria-label="This week by hour">
        <h2 className="mb-2 text-base">Seven days by hour</h2>
        <div className="grid gap-3 md:grid-cols-2">
          <HoursChart name="calls" hours={hours} of="calls" tone="accent" find={{}} />
          <HoursChart name="refused" hours={hours} of="refused" tone="deny" find={{ status: "refused" }} />
          <HoursChart name="held" hours={hours} of="held" tone="ask" find={{ status: "held" }} />
          <HoursChart name="outcome unknown" hours={hours} of="unknown" tone="soft" find={{ status: "unknown" }} />
        </div>
      </section>
      <div className="grid gap-4 md:grid-cols-2">
        <Ranking
          title="Rules that refused most"
          none="No rule has refused a call this week."
          rows={refusedRules.map(({ rule, at, refused }) => ({
            name: rule,
            detail: at === undefined ? "no longer in the policy" : `${at.file}:${at.line}`,
            count: refused,
            find: { rule, status: "refused", since: "7d" },
          }))}
        />
        <Ranking
          title="Actions refused most"
          none="No action was refused this week."
          rows={refusedActions.map(({ action, refused, calls }) => ({
            name: action,
            detail: `of ${calls} calls`,
            count: refused,
            find: { action, status: "refused", since: "7d" },
          }))}
        />
        <Ranking
          title="Why calls were refused"
          none="No call was refused this week."
          rows={codes.map(({ code, count }) => ({ name: code, count, find: { code, since: "7d" } }))}
        />
        <Ranking
          title="Busiest agents"
          none="No agent has called a tool this week."
          rows={agents.map(({ agent, calls, refused, held }) => ({
            name: agent,
            detail: `${refused} refused, ${held} held`,
            count: calls,
            find: { agent, since: "7d" },
          }))}
        />
      </div>
    </>
  );
}
