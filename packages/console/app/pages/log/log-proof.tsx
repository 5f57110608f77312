import { useQuery } from "@tanstack/react-query";
import { answerOf, api } from "../../api/client.ts";
import { Code, CodeBlock } from "../../ui/code.tsx";
import { Empty } from "../../ui/empty.tsx";
import { Pairs } from "../../ui/pairs.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Time } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { VerifyLog } from "./prove.tsx";
import { signedSize } from "./signed-size.ts";

/** Checkpoints shown of each log. */
const SHOWN = 10;
/** Records before the newest checkpoint among which others are looked for. */
const LOOKED_BACK = 500;

/** What proves each log: its name and keys, its newest checkpoints, and the commands that verify it. */
export function LogProof({ tenants }: { readonly tenants: readonly string[] }) {
  return (
    <div className="grid gap-6">
      {tenants.map((tenant) => (
        <section key={tenant} aria-label={`Log of ${tenant}`} className="grid gap-3">
          <h2 className="text-base">
            Log of <Text>{tenant}</Text>
          </h2>
          <OneLog tenant={tenant} />
          <VerifyLog tenant={tenant} />
        </section>
      ))}
    </div>
  );
}

function OneLog({ tenant }: { readonly tenant: string }) {
  const { data, error, refetch } = useQuery({ queryKey: ["log", "proof", tenant], queryFn: () => evidenceOf(tenant) });
  if (error !== null) return <ProblemNote error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Skeleton label="Loading checkpoints" />;
  const { keys, base, checkpoints } = data;
  if (keys.keys.length === 0)
    return (
      <Empty title="This log is empty." command="bailiwick demo">
        Its first record makes its key and its first checkpoint.
      </Empty>
    );
  return (
    <>
      <Pairs
        of={[
          ["origin", <Code key="origin">{keys.origin}</Code>],
          ...keys.keys.map(
            ({ key, from, until }) =>
              [
                until === undefined ? "key" : "earlier key",
                <span key={key}>
                  <Code>{key}</Code>, sizes from {from}
                  {until === undefined ? "" : ` to ${until}`}
                </span>,
              ] as const,
          ),
          ["witnesses", keys.witnesses.length === 0 ? "none" : `${keys.quorum} of ${keys.witnesses.length} must have cosigned`],
          [
            "retired",
            base.size === 0
              ? "none: the log is kept from its first record on"
              : `records before ${base.size} were retired; what is left still proves itself`,
          ],
        ]}
      />
      <p className="text-soft">Compare the key with the one its operator gave you by another way; do not pin it from here.</p>
      <ol aria-label="Newest checkpoints" className="rounded border border-line bg-card">
        {checkpoints.map(({ size, at, note }) => (
          <li key={size} className="border-t border-line px-2 py-1 first:border-0">
            <details>
              <summary className="min-h-6">
                {size} records, signed <Time at={at} />
              </summary>
              <CodeBlock label={`Checkpoint of ${size} records`}>{note}</CodeBlock>
            </details>
          </li>
        ))}
      </ol>
    </>
  );
}

async function evidenceOf(tenant: string) {
  const params = { path: { tenant } };
  const [keys, base, size] = await Promise.all([
    answerOf(api.GET("/api/v1/audit/logs/{tenant}/keys", { params })),
    answerOf(api.GET("/api/v1/audit/logs/{tenant}/base", { params })),
    signedSize(tenant),
  ]);
  const query = { beyond: Math.max(0, (size ?? 0) - LOOKED_BACK), limit: LOOKED_BACK };
  const { checkpoints } = await answerOf(api.GET("/api/v1/audit/logs/{tenant}/checkpoints", { params: { ...params, query } }));
  return { keys, base, checkpoints: checkpoints.slice(-SHOWN).toReversed() };
}
