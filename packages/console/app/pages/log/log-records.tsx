import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { Button } from "../../ui/button.tsx";
import { CodeBlock } from "../../ui/code.tsx";
import { Empty } from "../../ui/empty.tsx";
import { Select, TextField } from "../../ui/field.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Time } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { signedSize } from "./signed-size.ts";

type Entry = Schema<"Record">;

/** Records shown at once. */
const PAGE = 50;

/** One log, record by record as it was written: what people and the broker did stands in it too. */
export function LogRecords({ tenants }: { readonly tenants: readonly string[] }) {
  const [chosen, choose] = useState<string>();
  const [asked, setFrom] = useState<number>();
  const tenant = chosen !== undefined && tenants.includes(chosen) ? chosen : tenants[0];
  const { data, error, refetch } = useQuery({
    queryKey: ["log", "records", tenant ?? null, asked ?? null],
    queryFn: () => recordsOf(tenant ?? "", asked),
    enabled: tenant !== undefined,
    placeholderData: (before) => before,
  });
  if (tenant === undefined)
    return (
      <Empty title="You have no tenant, and so no log.">
        An owner lists one for you in <code>bailiwick.yaml</code>.
      </Empty>
    );
  const jump = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const index = Number(new FormData(event.currentTarget).get("index"));
    setFrom(Number.isSafeInteger(index) && index >= 0 ? index : undefined);
  };
  const first = data?.from ?? 0;
  return (
    <div className="grid gap-3">
      <form onSubmit={jump} className="flex flex-wrap items-end gap-2">
        {tenants.length > 1 ? (
          <Select
            label="Log of"
            value={tenant}
            onChange={(event) => {
              choose(event.target.value);
              setFrom(undefined);
            }}
          >
            {tenants.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </Select>
        ) : undefined}
        <TextField label="From record" name="index" inputMode="numeric" pattern="\d{1,15}" placeholder={String(first)} />
        <Button type="submit">Go</Button>
        <Button onClick={() => setFrom(Math.max(0, first - PAGE))} disabled={first === 0}>
          Earlier
        </Button>
        <Button onClick={() => setFrom(first + PAGE)} disabled={(data?.records.length ?? 0) < PAGE}>
          Later
        </Button>
        <Button onClick={() => setFrom(undefined)}>Newest</Button>
      </form>
      <ProblemNote error={error} onRetry={() => void refetch()} />
      {data === undefined ? (
        error === null ? (
          <Skeleton lines={8} label="Loading records" />
        ) : undefined
      ) : (
        <Records entries={data.records} />
      )}
    </div>
  );
}

function Records({ entries }: { readonly entries: readonly Entry[] }) {
  if (entries.length === 0)
    return (
      <Empty title="There are no records here." command="bailiwick audit tail">
        Later ones are not written yet; the oldest may have been retired.
      </Empty>
    );
  return (
    <ol aria-label="Records" className="rounded border border-line bg-card">
      {entries.toReversed().map((entry) => (
        <li key={entry.index} className="border-t border-line px-2 py-1 first:border-0">
          <details>
            <summary className="min-h-6">
              {entry.index} <Text className="font-medium">{entry.kind}</Text> <Text>{subjectOf(entry)}</Text>, <Time at={entry.at} />
            </summary>
            <p className="py-1">
              {entry.kind === "admin" || entry.kind === "key" ? (
                <Text>{entry.callId}</Text>
              ) : (
                <Link to="/calls/$id" params={{ id: entry.callId }}>
                  <Text>{entry.callId}</Text>
                </Link>
              )}
            </p>
            <CodeBlock label={`Leaf ${entry.index}`}>{entry.text}</CodeBlock>
          </details>
        </li>
      ))}
    </ol>
  );
}

/** What a record is about, in a word of its own. */
function subjectOf({ body }: Entry): string {
  const { event, action, code, status } = body;
  return [event ?? action, code ?? status].filter((part) => typeof part === "string").join(", ");
}

async function recordsOf(tenant: string, asked: number | undefined): Promise<{ from: number; records: readonly Entry[] }> {
  const from = asked ?? Math.max(0, ((await signedSize(tenant)) ?? 0) - PAGE);
  const { records } = await answerOf(api.GET("/api/v1/audit/records", { params: { query: { tenant, from, limit: PAGE } } }));
  return { from, records };
}
