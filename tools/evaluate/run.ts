import { evaluate } from "./evaluate.ts";

process.exitCode = evaluate(process.argv.slice(2));
