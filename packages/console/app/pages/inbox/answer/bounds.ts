import type { Approval } from "../../../api/approvals.ts";
import type { Schema } from "../../../api/client.ts";
import { durationText } from "../../../ui/time.tsx";

type Bounds = Schema<"ApprovalBounds">;
type Listed = Extract<Schema<"ArgumentBound">, { in: unknown }>["in"][number];

/** How one argument may vary, as it is typed. */
export interface BoundForm {
  readonly how: "same" | "range" | "in" | "any";
  readonly min: string;
  readonly max: string;
  readonly list: string;
}

export interface BoundsForm {
  readonly uses: number;
  readonly forMs: number;
  readonly within: "session" | "task";
  /** In the order of the arguments: names may hold characters that paths of form fields may not. */
  readonly args: readonly BoundForm[];
}

const MINUTE = 60_000;
const SPANS: readonly number[] = [5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 60 * MINUTE, 4 * 60 * MINUTE, 8 * 60 * MINUTE, 24 * 60 * MINUTE];
const FEW_USES = 5;

/** How long it may hold at most, and everything usual below that. */
export function spansUpTo(mostMs: number): readonly number[] {
  return [...SPANS.filter((span) => span < mostMs), mostMs];
}

/** The narrowest bounds that are of use: few calls, soon over, this session, exactly these arguments. */
export function narrowest({ args, bounded }: Approval): BoundsForm {
  const forMs = bounded?.forMs ?? 0;
  return {
    uses: Math.min(FEW_USES, bounded?.uses ?? 1),
    forMs: spansUpTo(forMs)[0] ?? forMs,
    within: "session",
    args: Object.values(args).map((value) => ({
      how: "same",
      min: typeof value === "number" ? String(Math.min(0, value)) : "0",
      max: typeof value === "number" ? String(value) : "",
      list: typeof value === "string" ? value : JSON.stringify(value),
    })),
  };
}

/** The bounds as they are sent, or what is wrong with them. */
export function boundsOf(
  form: BoundsForm,
  args: Approval["args"],
  now: number,
): { readonly bounds: Bounds } | { readonly problem: string } {
  const bounds: Bounds["args"] = {};
  for (const [at, [name, value]] of Object.entries(args).entries()) {
    const typed = form.args[at];
    if (typed === undefined || typed.how === "same") continue;
    if (typed.how === "any") bounds[name] = { any: true };
    if (typed.how === "range") {
      const [min, max] = [Number(typed.min), Number(typed.max)];
      if (typed.max.trim() === "" || !Number.isFinite(min) || !Number.isFinite(max) || min > max)
        return { problem: `${name}: give a range, from a number to one that is not smaller` };
      bounds[name] = { min, max };
    }
    if (typed.how === "in") {
      const listed = typed.list.split("\n").map((line) => line.trim());
      bounds[name] = { in: listed.filter((line) => line !== "").map((line) => (typeof value === "string" ? line : asJson(line))) };
    }
  }
  return { bounds: { uses: form.uses, until: new Date(now + form.forMs).toISOString(), within: form.within, args: bounds } };
}

/** What the bounds say, in one sentence. */
export function boundsText(form: BoundsForm, args: Approval["args"]): string {
  const ways = Object.keys(args).map((name, at) => {
    const typed = form.args[at];
    if (typed === undefined || typed.how === "same") return `${name} exactly as it is`;
    if (typed.how === "any") return `any ${name}`;
    if (typed.how === "range") return `${name} from ${typed.min} to ${typed.max}`;
    return `${name} one of ${typed.list.split("\n").filter((line) => line.trim() !== "").length}`;
  });
  const where = form.within === "session" ? "this session" : "this task, in any session of the agent for this user";
  return `At most ${form.uses} calls within ${durationText(form.forMs)}, in ${where}${ways.length === 0 ? "" : `, with ${ways.join(", ")}`}.`;
}

/** What is typed without being JSON is a text. */
function asJson(text: string): Listed {
  try {
    const value: unknown = JSON.parse(text);
    return isJson(value) ? value : text;
  } catch {
    return text;
  }
}

function isJson(value: unknown): value is Listed {
  return value !== undefined;
}
