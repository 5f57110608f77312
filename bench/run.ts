import { approvals } from "./approvals.ts";
import { audit } from "./audit.ts";
import { data } from "./data.ts";
import { gateway } from "./gateway.ts";
import { identity } from "./identity.ts";
import { formatTable } from "./table.ts";
import type { Bench } from "./bench.ts";
import { policy } from "./policy.ts";
import { store } from "./store.ts";

const BENCHES: readonly Bench[] = [approvals, audit, data, gateway, identity, policy, store];

/** Exit code when nothing was measured, as opposed to 1: measured, and the aim was missed. */
const FAULT = 3;

const USAGE = `usage: \`npm run bench -- <name> [--json] [--quick]\`
${BENCHES.map((bench) => `  ${bench.name.padEnd(10)} ${bench.about}\n${" ".repeat(13)}aim: ${bench.aim}`).join("\n")}
`;

const words = process.argv.slice(2);
const bench = BENCHES.find((one) => one.name === words[0]);
const unknown = words.slice(1).find((word) => word !== "--json" && word !== "--quick");
if (bench === undefined || unknown !== undefined) {
  process.stderr.write(unknown === undefined ? USAGE : `unknown option \`${unknown}\`; ${USAGE}`);
  process.exitCode = 2;
} else {
  process.exitCode = await show(bench).catch((failure: unknown) => {
    process.stderr.write(`the measurement could not be made: ${failure instanceof Error ? failure.message : String(failure)}\n`);
    return FAULT;
  });
}

async function show(chosen: Bench): Promise<number> {
  const quick = words.includes("--quick");
  const report = await chosen.run({ quick, progress: (line) => process.stderr.write(`${line}\n`) });
  if (words.includes("--json")) {
    process.stdout.write(`${JSON.stringify({ bench: chosen.name, aim: chosen.aim, quick, ...report })}\n`);
  } else {
    for (const table of report.tables) process.stdout.write(`\n${table.title}\n${formatTable(table.rows)}`);
    process.stdout.write(`\naim: ${chosen.aim}\n${report.headline}\n`);
  }
  return report.holds ? 0 : 1;
}
