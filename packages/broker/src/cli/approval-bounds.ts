import type { z } from "zod";
import type { argumentBoundSchema, boundsSchema } from "../rest-contract/approvals.ts";
import { CliFailure } from "./failure.ts";

export interface BoundOptions {
  readonly uses?: string;
  readonly for?: string;
  readonly within?: string;
  readonly bound?: readonly string[];
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000 };

/**
 * Bounds out of the options of a command; undefined when none is given.
 * @throws CliFailure `usage`.
 */
export function readBounds(options: BoundOptions, now: Date): z.input<typeof boundsSchema> | undefined {
  const { uses, within = "task", bound = [] } = options;
  if (uses === undefined && options.for === undefined && bound.length === 0) return undefined;
  const count = Number(uses);
  if (uses === undefined || !Number.isSafeInteger(count) || count < 1)
    throw new CliFailure("usage", "`--uses` says how many calls the yes covers", ["give a whole number, such as `--uses 10`"]);
  const duration = /^(\d{1,4})([mh])$/u.exec(options.for ?? "");
  if (duration === null)
    throw new CliFailure("usage", "`--for` says how long the yes holds", ["give minutes or hours, such as `--for 30m`"]);
  if (within !== "session" && within !== "task")
    throw new CliFailure("usage", `\`--within ${within}\` is neither \`session\` nor \`task\``, ["leave it out to mean the task"]);
  const until = new Date(now.getTime() + Number(duration[1]) * (UNITS[duration[2] ?? "m"] ?? 0));
  return { uses: count, until: until.toISOString(), within, args: Object.fromEntries(bound.map(readBound)) };
}

/** `name=any`, `name=0..50`, `name=..50`, `name=in:["a","b"]`. @throws CliFailure `usage`. */
function readBound(text: string): readonly [string, z.input<typeof argumentBoundSchema>] {
  const at = text.indexOf("=");
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  if (at > 0 && value === "any") return [name, { any: true }];
  const range = /^(-?\d+(?:\.\d+)?)?\.\.(-?\d+(?:\.\d+)?)$/u.exec(value);
  if (at > 0 && range?.[2] !== undefined)
    return [name, { ...(range[1] === undefined ? {} : { min: Number(range[1]) }), max: Number(range[2]) }];
  const list = value.startsWith("in:") ? parsed(value.slice(3)) : undefined;
  if (at > 0 && Array.isArray(list) && list.length > 0) return [name, { in: list }];
  throw new CliFailure("usage", `\`--bound ${text}\` is no bound of an argument`, [
    'write `amount=0..50`, `region=in:["emea","amer"]` or `subject=any`; other arguments must be exactly the approved ones',
  ]);
}

function parsed(text: string): ReturnType<typeof JSON.parse> {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
