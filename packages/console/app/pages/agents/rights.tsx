import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import type { Schema } from "../../api/client.ts";
import { Verdict } from "../../ui/badge.tsx";
import { Code } from "../../ui/code.tsx";
import { Empty } from "../../ui/empty.tsx";
import { Select } from "../../ui/field.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Ways } from "../matrix/ways.tsx";

type Cell = Schema<"MatrixCell">;

/** What an agent may do, tool by tool, in words. */
export function Rights({ agent, rights }: { readonly agent: string; readonly rights: readonly Cell[] }) {
  const [verdict, setVerdict] = useState("may");
  const shown = useMemo(() => rights.filter((cell) => fits(cell, verdict)), [rights, verdict]);
  const tools = [...Map.groupBy(shown, ({ operation }) => operation.tool)];
  if (rights.length === 0) return <Empty title="The catalog has no action." command="bailiwick tools add <tool> --write" />;
  return (
    <>
      <Select label="Show" value={verdict} onChange={(event) => setVerdict(event.target.value)} className="mb-3 max-w-60">
        <option value="may">what it may do</option>
        <option value="ask">what a person is asked for</option>
        <option value="deny">what it may not do</option>
        <option value="all">everything</option>
      </Select>
      {shown.length === 0 ? <p className="text-soft">Nothing of this kind.</p> : undefined}
      {tools.map(([tool, cells]) => (
        <section key={tool} aria-label={tool} className="mb-4">
          <h2 className="mb-1">
            <Text>{tool}</Text>
          </h2>
          <ul className="grid gap-2">
            {cells.map((cell) => (
              <li key={cell.action} className="rounded border border-line bg-card px-3 py-2">
                <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
                  <Verdict of={cell.verdict} />
                  <Link to="/matrix" search={{ agent, action: cell.action }} className="font-medium">
                    <Text>{cell.operation.name}</Text>
                  </Link>
                  <Code className="text-soft">{cell.scope}</Code>
                  <span className="text-soft">{cell.effect}</span>
                  <span className="text-soft">{cell.when}</span>
                </div>
                {cell.reason === undefined ? (
                  <Ways of={cell.ways} />
                ) : (
                  <p className="text-soft">
                    <Text>{cell.reason}</Text>
                  </p>
                )}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

function fits({ verdict }: Cell, shown: string): boolean {
  return shown === "all" || (shown === "may" ? verdict !== "deny" : verdict === shown);
}
