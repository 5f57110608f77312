import { decide, present, residual, selects } from "../../packages/policy/src/index.ts";
import type { JsonObject } from "../../packages/policy/src/index.ts";
import { median } from "../statistics.ts";
import { requestOf } from "./folder.ts";
import type { Folder } from "./folder.ts";

export interface RowTimes {
  readonly how: string;
  /** Whether all it does is to choose rows, which is what the aim speaks of. */
  readonly onlyRows: boolean;
  readonly visible: number;
  readonly p50Ms: number;
  /** Median of the CPU time of the thread, which a busy machine changes less. */
  readonly cpuMs: number;
}

interface Way {
  readonly how: string;
  readonly onlyRows: boolean;
  /** The number of visible rows; each call begins from the request, so that nothing is kept from the last one. */
  readonly filter: () => number;
}

/**
 * The records of one result filtered `times` times in each way.
 * @throws Error when the ways that only choose rows choose different numbers of them, or all or none.
 */
export function filterRows(folder: Folder, times: number): readonly RowTimes[] {
  const ways = folderWays(folder).map((way) => ({ ...way, wallMs: new Array<number>(), cpuMs: new Array<number>(), visible: 0 }));
  for (let time = 0; time < times; time++) {
    for (const way of ways) {
      const [started, cpu] = [performance.now(), process.threadCpuUsage()];
      way.visible = way.filter();
      way.wallMs.push(performance.now() - started);
      const { user, system } = process.threadCpuUsage(cpu);
      way.cpuMs.push((user + system) / 1_000);
    }
  }
  const measured = ways.map(({ how, onlyRows, visible, wallMs, cpuMs }) => ({
    how,
    onlyRows,
    visible,
    p50Ms: median(wallMs),
    cpuMs: median(cpuMs),
  }));
  const counts = new Set(measured.filter((one) => one.onlyRows).map((one) => one.visible));
  if (counts.size !== 1 || counts.has(0) || counts.has(folder.records.length)) {
    throw new Error(`the ways to filter rows see ${[...counts].join(", ")} of ${folder.records.length} rows, so their speed says nothing`);
  }
  return measured;
}

function folderWays({ policy, records }: Folder): readonly Way[] {
  const list = (agent: "support" | "front-desk") => requestOf(agent, "list_tickets", { status: "open" });
  const presented = (agent: "support" | "front-desk"): number => {
    const request = list(agent);
    const decision = decide(policy, request);
    return count(records, (record) => present(policy, request, decision, record, "Ticket").visible);
  };
  return [
    { how: "folder: decide, then present each row", onlyRows: true, filter: () => presented("support") },
    { how: "folder: the same, hiding one field and masking one", onlyRows: false, filter: () => presented("front-desk") },
    { how: "folder: residual predicate", onlyRows: true, filter: () => count(records, residual(policy, list("support")).matches) },
    {
      how: "folder: residual as an expression for a database, run here",
      onlyRows: true,
      filter() {
        const { where, complete } = residual(policy, list("support"));
        if (!complete) throw new Error("the bench's row conditions are not all in the expression");
        return count(records, (record) => selects(where, record));
      },
    },
  ];
}

function count(records: readonly JsonObject[], visible: (record: JsonObject) => boolean): number {
  let seen = 0;
  for (const record of records) if (visible(record)) seen += 1;
  return seen;
}
