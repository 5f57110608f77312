import { Text } from "../../ui/untrusted.tsx";
import { shortName } from "../agents/agent-name.ts";
import { type MatrixPart } from "./filter.ts";
import { Mark } from "./mark.tsx";

/** The table where it is narrow: a list for each agent. */
export function NarrowList({ rows, columns, onOpen }: MatrixPart & { readonly onOpen: (agent: string, action: string) => void }) {
  return (
    <ul className="grid gap-2">
      {rows.map(({ agent, cells }) => (
        <li key={agent} className="rounded border border-line bg-card">
          <details open={rows.length === 1}>
            <summary className="px-2 py-1.5">
              <Text className="font-medium">{shortName(agent)}</Text>
            </summary>
            <ul className="border-t border-line">
              {columns.map(({ action, at }) => {
                const mark = cells[at];
                if (mark === undefined) return undefined;
                return (
                  <li key={action.action} className="border-t border-line first:border-t-0">
                    <button
                      type="button"
                      onClick={() => onOpen(agent, action.action)}
                      className="flex min-h-8 w-full items-center justify-between gap-3 px-2 py-1 text-left hover:bg-raised"
                    >
                      <Text className="min-w-0">{action.action}</Text>
                      <Mark of={mark} />
                    </button>
                  </li>
                );
              })}
            </ul>
          </details>
        </li>
      ))}
    </ul>
  );
}
