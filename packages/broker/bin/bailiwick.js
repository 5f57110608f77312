#!/usr/bin/env node
// Plain JavaScript on purpose: it must run on an old Node to say that it is old.
if (Number(process.versions.node.split(".")[0]) < 24) {
  process.stderr.write(
    `bailiwick needs Node 24 or newer and this is ${process.version}: run it as \`npx bailiwick\` inside the project (npm brings Node 24), or allow install scripts and run \`npm rebuild node\`\n`,
  );
  process.exit(2);
}
await import("../src/cli/main.ts");
