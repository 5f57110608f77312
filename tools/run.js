// Plain JavaScript on purpose: it must run on an old Node to say that it is old.
// `node tools/run.js <script> [options]` runs `tools/<script>.ts` on Node 24 or newer.
const MIN_MAJOR = 24;

if (Number(process.versions.node.split(".")[0]) < MIN_MAJOR) {
  process.stderr.write(
    `this needs Node ${MIN_MAJOR} or newer and this is ${process.version}: start it with \`npm run\` (npm install brings Node ${MIN_MAJOR}); if install scripts were blocked, run \`npm rebuild node\`\n`,
  );
  process.exit(2);
}

const script = process.argv[2];
if (script === undefined) {
  process.stderr.write("usage: `node tools/run.js <script> [options]`\n");
  process.exit(2);
}
const target = new URL(`./${script}.ts`, import.meta.url);
process.argv.splice(1, 2, target.pathname);
await import(target.href);
