import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { useTenant } from "../../shell/tenant.ts";
import { cls } from "../../ui/classes.ts";
import { Empty } from "../../ui/empty.tsx";
import { Page } from "../../ui/page.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { isShellWord } from "../../ui/shell-word.ts";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Review } from "./review.tsx";
import { ToolMark } from "./tool-mark.tsx";
import { type ToolState, toolsQuery } from "./tool-queries.ts";

/** One tool: its operations, and what a reviewer needs to see of the chosen one. */
export function ToolPage() {
  const { tool } = useParams({ from: "/tools/$tool" });
  const { name, kind = "tool", at } = useSearch({ from: "/tools/$tool" });
  const chosen = useTenant();
  const tenant = at ?? chosen;
  const { data, error, refetch } = useQuery(toolsQuery(tenant));
  const own = data?.filter((each) => each.tool === tool) ?? [];
  return (
    <Page title={tool} actions={<Link to="/tools">All tools</Link>}>
      <ProblemNote error={error} onRetry={() => void refetch()} />
      {data === undefined && error === null ? <Skeleton /> : undefined}
      {data !== undefined && own.length === 0 ? (
        <Empty title="Nothing is known of this tool." command={isShellWord(tool) ? `bailiwick tools add ${tool}` : undefined}>
          It is not in the catalog of your tenants, or it declares no action and was not connected yet.
        </Empty>
      ) : undefined}
      <div className="flex items-start gap-4 max-lg:flex-col">
        {own.length === 0 ? undefined : <Operations of={own} chosen={{ name, kind, at }} />}
        {name === undefined ? undefined : (
          <div className="w-full min-w-0 grow">
            <Review key={`${kind} ${name} ${tenant ?? ""}`} tool={tool} kind={kindOf(kind)} name={name} tenant={tenant} />
          </div>
        )}
      </div>
    </Page>
  );
}

function kindOf(text: string): "tool" | "resource" | "prompt" {
  return text === "resource" || text === "prompt" ? text : "tool";
}

function Operations(props: {
  readonly of: readonly ToolState[];
  readonly chosen: { readonly name?: string | undefined; readonly kind: string; readonly at?: string | undefined };
}) {
  const { of, chosen } = props;
  return (
    <nav aria-label="Operations" className="w-full lg:w-72 lg:shrink-0">
      <ul className="grid gap-0.5">
        {of.map(({ tool, operation, state, tenant }) => {
          const current = operation.name === chosen.name && operation.kind === chosen.kind && (chosen.at ?? tenant) === tenant;
          return (
            <li key={`${tenant} ${operation.kind} ${operation.name}`}>
              <Link
                to="/tools/$tool"
                params={{ tool }}
                search={{ name: operation.name, kind: operation.kind, at: tenant }}
                aria-current={current ? "page" : undefined}
                className={cls(
                  "flex min-h-8 flex-wrap items-center justify-between gap-x-2 rounded px-2 text-ink no-underline hover:bg-raised",
                  current && "bg-chosen",
                )}
              >
                <span className="min-w-0">
                  <Text>{operation.name}</Text> <span className="text-soft">{tenant}</span>
                </span>
                <ToolMark of={state} />
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
