import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench, BenchReport, Table } from "./bench.ts";
import { senderChecks, type SenderCheck } from "./identity/check.ts";
import { measureRevocation, type RevocationTimes } from "./identity/revocation.ts";
import { measureTokens, type TokenRate } from "./identity/tokens.ts";
import { median, quantile, seededRandom, shuffled } from "./statistics.ts";

const AIMS = { dpopUs: 150, hmacUs: 15, otherNodeP99Ms: 50 } as const;
const FULL = { rounds: 9, checks: 3_000, revocations: 200, tokens: 800, tokenRounds: 5 };
const QUICK = { rounds: 3, checks: 600, revocations: 30, tokens: 120, tokenRounds: 2 };
const SEED = 20_261_126;

/** What it costs to know on every call who sends it, and how fast a revocation is true everywhere. */
export const identity: Bench = {
  name: "identity",
  about:
    "the sender's check of each call against a stateless one by jose; tokens a second; revocation to refusal on one broker and across two on one PostgreSQL",
  aim: `a check costs at most ${AIMS.dpopUs} us with DPoP and ${AIMS.hmacUs} us with HMAC; across two brokers p99 below ${AIMS.otherNodeP99Ms} ms; no call admitted after a revocation's acknowledgement on the same broker`,
  async run({ quick, progress }): Promise<BenchReport> {
    const size = quick ? QUICK : FULL;
    const checks = await measureChecks(size.rounds, size.checks, progress);
    const folder = await mkdtemp(join(tmpdir(), "bailiwick-bench-"));
    try {
      const revocation = await measureRevocation(folder, size.revocations);
      progress("revocations done");
      const tokens = await measureTokens(size.tokens, size.tokenRounds);
      progress("tokens done");
      return report(checks, revocation, tokens);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** By name, the microseconds of CPU a check took in each round. */
type CheckCosts = ReadonlyMap<string, readonly number[]>;

async function measureChecks(rounds: number, count: number, progress: (line: string) => void): Promise<CheckCosts> {
  const checks = await senderChecks();
  const random = seededRandom(SEED);
  const costs = new Map<string, number[]>(checks.map(({ name }) => [name, []]));
  for (const check of checks) await costOf(check, count);
  for (let round = 0; round < rounds; round += 1) {
    for (const check of shuffled(checks, random)) costs.get(check.name)?.push(await costOf(check, count));
    progress(`round ${round + 1} done`);
  }
  return costs;
}

/** Requests that exist at once: thousands held at a time would measure the garbage collector copying them. */
const AT_ONCE = 100;

/** CPU, not time: jose verifies on other threads, and the machine has other work. */
async function costOf({ prepare, check }: SenderCheck, count: number): Promise<number> {
  let microseconds = 0;
  for (let done = 0; done < count; done += AT_ONCE) {
    const requests = await prepare(AT_ONCE);
    const cpu = process.cpuUsage();
    for (const request of requests) await check(request);
    const used = process.cpuUsage(cpu);
    microseconds += used.user + used.system;
  }
  return microseconds / count;
}

function report(checks: CheckCosts, revocation: RevocationTimes, tokens: readonly TokenRate[]): BenchReport {
  const cost = (name: string): number => median(checks.get(name) ?? []);
  const perCore = 1_000_000 / median(tokens.map((one) => one.cpuUs));
  const otherP99 = quantile(revocation.otherNodeMs, 0.99);
  const { admittedAfterAck: late, calls } = revocation;
  const holds =
    cost("DPoP") <= AIMS.dpopUs &&
    cost("RFC 9421 HMAC with body digest") <= AIMS.hmacUs &&
    otherP99 < AIMS.otherNodeP99Ms &&
    late.sameNode === 0 &&
    calls.admitted > 0;
  return {
    tables: [checkTable(checks), revocationTable(revocation), tokenTable(tokens)],
    headline: [
      `a check costs ${cost("bearer").toFixed(1)} us bearer, ${cost("mTLS thumbprint").toFixed(1)} mTLS, ${cost("RFC 9421 HMAC with body digest").toFixed(1)} HMAC, ${cost("DPoP").toFixed(0)} DPoP; stateless by jose ${cost("jose, stateless, DPoP").toFixed(0)}`,
      `across brokers ${median(revocation.otherNodeMs).toFixed(1)} ms p50, ${otherP99.toFixed(1)} p99; admitted after the acknowledgement: ${late.sameNode} on the same broker, ${late.otherNode} on the other, of ${calls.admitted} calls admitted in all`,
      `${perCore.toFixed(0)} tokens/s per core of the broker`,
    ].join("\n"),
    holds,
  };
}

function checkTable(checks: CheckCosts): Table {
  const jose = median(checks.get("jose, stateless, DPoP") ?? []);
  return {
    title: "one request's sender check: CPU us, median of the rounds",
    rows: [...checks].map(([check, costs]) => ({
      check,
      us: median(costs),
      "worst round": Math.max(...costs),
      "jose costs times": jose / median(costs),
    })),
  };
}

function revocationTable({ sameNodeMs, otherNodeMs, otherNodeAfterAckMs }: RevocationTimes): Table {
  const row = (from: string, times: readonly number[]): Table["rows"][number] => ({
    from,
    "p50 ms": median(times),
    "p99 ms": quantile(times, 0.99),
    "max ms": Math.max(...times),
  });
  return {
    title: `revocation to the first refusal, ${sameNodeMs.length} revocations while 8 callers of two brokers call`,
    rows: [
      row("asked for, same broker", sameNodeMs),
      row("asked for, another broker's memory", otherNodeMs),
      row("acknowledged, another broker's memory", otherNodeAfterAckMs),
    ],
  };
}

function tokenTable(tokens: readonly TokenRate[]): Table {
  return {
    title: "tokens with a durable session each, 16 callers",
    rows: [
      {
        grant: "client_credentials, private_key_jwt",
        "tokens/s": median(tokens.map((one) => one.perSecond)),
        "broker CPU us/token": median(tokens.map((one) => one.cpuUs)),
      },
    ],
  };
}
