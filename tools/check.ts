import { CHECKS, runChecks } from "./checks.ts";
import type { Check } from "./checks.ts";

/** Vitest finds this one by itself in a full run; `npm run check` alone has to ask for it. */
const ARCHITECTURE: Check = { name: "architecture", command: ["vitest", "run", "tools/architecture"] };

const failed = await runChecks([...CHECKS, ARCHITECTURE]);
process.exitCode = failed.length === 0 ? 0 : 1;
