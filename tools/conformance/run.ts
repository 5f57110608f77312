import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Connect } from "@bailiwick/policy";
import type { Era } from "../../packages/broker/src/adapters/mcp-protocol/index.ts";
import { EXCEPTIONS } from "./exceptions.ts";
import { serveHttp } from "./fixture/http.ts";
import { startGateway } from "./gateway.ts";
import { runSuites, type SuiteResult, SUITES } from "./suites.ts";

const USAGE = `usage: npm run conformance -- mcp [--json] [--leg direct|http|stdio ...] [--era both|modern|legacy] [--suite <part of its name>]

Runs the official MCP conformance suites against a fixture server: directly, and through a broker with everything on,
over HTTP and over stdio. Exit 0 when the gateway loses no scenario that direct passes, 1 otherwise, 2 on wrong usage.

       npm run conformance -- cedar [--corpus <tar.gz or folder>] [--json]

Puts the official tests of Cedar to the policy engine.

       npm run conformance -- oauth [--json]

Runs the official authorization scenarios against the OAuth server.
`;

/** One way to reach the fixture. */
type Leg = "direct" | "http" | "stdio";
type Results = ReadonlyMap<Leg, ReadonlyMap<string, SuiteResult>>;

async function main(argv: readonly string[]): Promise<number> {
  const options = parse(argv);
  if (options === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const suites = SUITES.filter((suite) => suite.id.includes(options.suite));
  const results = new Map<Leg, ReadonlyMap<string, SuiteResult>>();
  for (const leg of options.legs) {
    process.stderr.write(`running ${leg} ...\n`);
    results.set(leg, await runLeg(leg, options.eras, (url) => runSuites(url, suites)));
  }
  const losses = lossesOf(results);
  if (options.json) process.stdout.write(`${JSON.stringify(asJson(results, losses))}\n`);
  else process.stdout.write(`${tableOf(results, losses)}${headline(results, losses)}\n`);
  return losses.some((loss) => loss.reason === undefined) ? 1 : 0;
}

interface Options {
  readonly json: boolean;
  readonly legs: readonly Leg[];
  readonly eras: ReadonlySet<Era>;
  readonly suite: string;
}

function parse(argv: readonly string[]): Options | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        leg: { type: "string", multiple: true, default: [...LEGS] },
        era: { type: "string", default: "both" },
        suite: { type: "string", default: "" },
      },
    });
    const legs = LEGS.filter((leg) => values.leg.includes(leg));
    const eras = ERAS.get(values.era);
    if (positionals.join(" ") !== "mcp" || eras === undefined || legs.length !== values.leg.length) return undefined;
    return { json: values.json, legs, eras, suite: values.suite };
  } catch {
    return undefined;
  }
}

const LEGS: readonly Leg[] = ["direct", "http", "stdio"];
const ERAS: ReadonlyMap<string, ReadonlySet<Era>> = new Map([
  ["both", new Set<Era>(["modern", "legacy"])],
  ["modern", new Set<Era>(["modern"])],
  ["legacy", new Set<Era>(["legacy"])],
]);

/** Each leg has a fixture of its own, so that what one changes is not there for the next. */
async function runLeg<T>(leg: Leg, eras: ReadonlySet<Era>, run: (url: string) => Promise<T>): Promise<T> {
  const fixture = leg === "stdio" ? undefined : await serveHttp({ port: 0, eras });
  try {
    if (fixture !== undefined && leg === "direct") return await run(fixture.url);
    const gateway = await startGateway(fixture === undefined ? stdioConnect(eras) : { mcp: { url: fixture.url } });
    try {
      return await run(gateway.url);
    } finally {
      await gateway.close();
    }
  } finally {
    await fixture?.close();
  }
}

function stdioConnect(eras: ReadonlySet<Era>): Connect {
  const program = fileURLToPath(new URL("fixture/main.ts", import.meta.url));
  const era = eras.size > 1 ? "both" : ([...eras][0] ?? "both");
  return { mcp: { command: [process.execPath, program, "--stdio", "--era", era] } };
}

interface Loss {
  readonly leg: Leg;
  readonly suite: string;
  readonly scenario: string;
  /** Present when the loss is a known and right one. */
  readonly reason: string | undefined;
  readonly words: string;
}

function lossesOf(results: Results): readonly Loss[] {
  const losses: Loss[] = [];
  for (const [leg, suites] of results) {
    if (leg === "direct") continue;
    for (const [suite, result] of suites) {
      const direct = results.get("direct")?.get(suite);
      for (const scenario of result.failed) {
        if (direct?.failed.includes(scenario) === true) continue;
        const reason = EXCEPTIONS.find((known) => known.suite === suite && known.scenario === scenario)?.reason;
        losses.push({ leg, suite, scenario, reason, words: result.reasons[scenario] ?? "" });
      }
    }
  }
  return losses;
}

function tableOf(results: Results, losses: readonly Loss[]): string {
  const legs = [...results.keys()];
  const suites = [...new Set(legs.flatMap((leg) => [...(results.get(leg)?.keys() ?? [])]))];
  const title = (leg: Leg): string => (leg === "direct" ? "direct" : `gateway (${leg})`);
  const rows = [
    ["suite", ...legs.map(title)],
    ...suites.map((suite) => [suite, ...legs.map((leg) => score(results.get(leg)?.get(suite)))]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const lost = losses.map(
    (loss) =>
      `\nlost ${loss.leg} ${loss.suite} ${loss.scenario}${loss.reason === undefined ? "" : ` (right: ${loss.reason})`}\n${loss.words}`,
  );
  return `${[...lines, ...lost].join("\n")}\n\n`;
}

function score(result: SuiteResult | undefined): string {
  return result === undefined ? "-" : `${result.passed.length}/${result.passed.length + result.failed.length}`;
}

function headline(results: Results, losses: readonly Loss[]): string {
  const gateways = [...results].filter(([leg]) => leg !== "direct");
  const passed = gateways.flatMap(([, suites]) => [...suites.values()]).reduce((sum, result) => sum + result.passed.length, 0);
  const total = gateways
    .flatMap(([, suites]) => [...suites.values()])
    .reduce((sum, result) => sum + result.passed.length + result.failed.length, 0);
  const unexplained = losses.filter((loss) => loss.reason === undefined).length;
  return `conformance mcp: the gateway passes ${passed}/${total} scenarios and loses ${unexplained} that direct passes`;
}

function asJson(results: Results, losses: readonly Loss[]): unknown {
  const legs = [...results].map(([leg, suites]) => [leg, Object.fromEntries(suites)]);
  return { conformance: "mcp", legs: Object.fromEntries(legs), losses, headline: headline(results, losses) };
}

// Last, because what it uses is initialised above.
const [what, ...rest] = process.argv.slice(2);
process.exitCode = await conform(what, rest);

async function conform(suite: string | undefined, args: readonly string[]): Promise<number> {
  if (suite === "cedar") return (await import("./cedar.ts")).conformCedar(args);
  if (suite === "oauth") return (await import("./oauth.ts")).conformOAuth(args);
  return main(process.argv.slice(2));
}
