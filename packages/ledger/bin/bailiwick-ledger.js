#!/usr/bin/env node
// Plain JavaScript on purpose: it must run on an old Node to say that it is old.
if (Number(process.versions.node.split(".")[0]) < 24) {
  process.stderr.write(`bailiwick-ledger needs Node 24 or newer and this is ${process.version}: install it from nodejs.org\n`);
  process.exit(2);
}
const { runLedger } = await import("../program/program.ts");
process.exitCode = runLedger(process.argv.slice(2), {
  cwd: process.cwd(),
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
