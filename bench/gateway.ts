import type { Bench, BenchReport, Table } from "./bench.ts";
import { direct, mcpProxy, passThrough, startEchoServers, supergateway } from "./gateway/contenders.ts";
import type { Contender, EchoServers } from "./gateway/contenders.ts";
import { bailiwick } from "./gateway/bailiwick.ts";
import { measure } from "./gateway/measure.ts";
import type { Measured, Plan } from "./gateway/measure.ts";

const FULL: Plan = {
  rounds: 9,
  loads: [
    { callers: 1, calls: 300 },
    { callers: 16, calls: 800 },
    { callers: 64, calls: 1000 },
  ],
  warmUpCalls: 800,
  seed: 20_261_123,
};

const QUICK: Plan = { ...FULL, rounds: 2, loads: FULL.loads.map(({ callers }) => ({ callers, calls: 150 })), warmUpCalls: 100 };

const PEERS = ["mcp-proxy", "supergateway"];
const OURS = /^bailiwick/;

/** What a governed call costs, against what an ungoverned one costs through the gateways people use. */
export const gateway: Bench = {
  name: "gateway",
  about: "an echo tool called directly, through proxies, and through Bailiwick with decision, durable record and masking",
  aim: "the broker's CPU per call is lower than either peer's at 1, 16 and 64 callers, over the same kind of upstream (stdio)",
  async run({ quick, progress }): Promise<BenchReport> {
    const echo = await startEchoServers();
    const contenders: Contender[] = [];
    try {
      const starts = [
        direct,
        passThrough,
        mcpProxy,
        supergateway,
        (servers: EchoServers) => bailiwick(servers, "http"),
        (servers: EchoServers) => bailiwick(servers, "stdio"),
      ];
      for (const start of starts) {
        const contender = await start(echo);
        contenders.push(contender);
        progress(`started ${contender.name}`);
      }
      return report(await measure(contenders, quick ? QUICK : FULL, progress));
    } finally {
      for (const contender of contenders) await contender.stop();
      await echo.stop();
    }
  },
};

function report(measured: readonly Measured[]): BenchReport {
  const loads = [...new Set(measured.map((one) => one.callers))];
  const verdicts = loads.map((callers) => verdictOf(measured.filter((one) => one.callers === callers)));
  return {
    tables: loads.map((callers) =>
      tableOf(
        callers,
        measured.filter((one) => one.callers === callers),
      ),
    ),
    headline: `CPU per call, bailiwick to cheapest peer: ${verdicts.map((one, index) => `${one.ratio.toFixed(2)} at ${loads[index]} callers`).join(", ")}`,
    holds: verdicts.every((one) => one.ratio < 1),
  };
}

/** Bailiwick over stdio against the cheaper of the two peers, which are stdio only. */
function verdictOf(measured: readonly Measured[]): { readonly ratio: number } {
  const ours = measured.find((one) => OURS.test(one.contender) && one.contender.endsWith("stdio"));
  const peers = measured.filter((one) => PEERS.includes(one.contender)).map((one) => one.cpuUs);
  return { ratio: (ours?.cpuUs ?? Number.POSITIVE_INFINITY) / Math.min(...peers) };
}

function tableOf(callers: number, measured: readonly Measured[]): Table {
  const floor = measured.find((one) => one.contender === "bare pass-through");
  return {
    title: `${callers} caller${callers === 1 ? "" : "s"}: medians of the rounds (best decile)`,
    rows: measured.map((one) => ({
      "": one.contender,
      "p50 ms": `${one.p50Ms.toFixed(2)} (${one.p50BestMs.toFixed(2)})`,
      "p99 ms": one.p99Ms.toFixed(2),
      "calls/s": `${one.callsPerSecond.toFixed(0)} (${one.callsPerSecondBest.toFixed(0)})`,
      "CPU us": `${one.cpuUs.toFixed(0)} (${one.cpuBestUs.toFixed(0)})`,
      "store us": one.storeCpuUs.toFixed(0),
      "both us": (one.cpuUs + one.storeCpuUs).toFixed(0),
      "tool us": one.toolCpuUs.toFixed(0),
      "CPU / floor": (one.cpuUs / (floor?.cpuUs ?? Number.NaN)).toFixed(2),
    })),
  };
}
