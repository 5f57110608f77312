import type { Expr } from "../cedar/expression.ts";
import { add, subtract } from "../cedar/long.ts";
import type { Long } from "../cedar/long.ts";
import { Datetime, Duration } from "../cedar/time.ts";

type Order = "<" | "<=" | ">" | ">=";
interface Compared {
  readonly left: Expr;
  readonly op: Order;
  readonly right: Expr;
}

/**
 * A comparison of how far two moments lie apart, as one of moments: `now.durationSince(x) <= 90d` is `x >= now - 90d`, and
 * `x.offset(90d) >= now` is `x >= now - 90d`. A record's moments lie in years of four digits, so that neither side overflows where the other
 * does not. Any other comparison is returned as it is.
 */
export function asMoments(compared: Compared): Compared {
  return isolated(compared) ?? isolated({ left: compared.right, op: FLIPPED[compared.op], right: compared.left }) ?? compared;
}

const FLIPPED: Readonly<Record<Order, Order>> = { "<": ">", "<=": ">=", ">": "<", ">=": "<=" };

function isolated({ left, op, right }: Compared): Compared | undefined {
  if (left.op !== "call" || right.op !== "value") return undefined;
  const [of, argument] = left.args;
  if (of === undefined || argument === undefined) return undefined;
  const { value } = right;
  if (left.call.name === "offset" && argument.op === "value" && argument.value instanceof Duration && value instanceof Datetime)
    return against(of, op, subtract(value.epochMs, argument.value.ms));
  if (left.call.name !== "durationSince" || !(value instanceof Duration)) return undefined;
  if (argument.op === "value" && argument.value instanceof Datetime) return against(of, op, add(argument.value.epochMs, value.ms));
  if (of.op === "value" && of.value instanceof Datetime) return against(argument, FLIPPED[op], subtract(of.value.epochMs, value.ms));
  return undefined;
}

function against(left: Expr, op: Order, epochMs: Long | undefined): Compared | undefined {
  return epochMs === undefined ? undefined : { left, op, right: { op: "value", value: new Datetime(epochMs) } };
}
