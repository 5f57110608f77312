// React's own build for production is chosen by this, whatever the caller's environment says.
process.env["NODE_ENV"] = "production";

const { buildConsole } = await import("../packages/console/build/build.ts");
const started = performance.now();
const { built } = await buildConsole();
if (built) process.stderr.write(`console built in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
