import { Decimal } from "../cedar/decimal.ts";
import { longOf } from "../cedar/long.ts";

/** Beyond this a JavaScript number no longer carries four digits after the point. */
const MAX_DECIMAL = 922_337_203_685_477;

/** The number as Cedar's decimal; undefined where that is not exact. */
export function exactDecimal(value: number): Decimal | undefined {
  if (!Number.isFinite(value) || Math.abs(value) > MAX_DECIMAL) return undefined;
  const text = value.toFixed(4);
  if (Number(text) !== value) return undefined;
  const units = longOf(BigInt(text.replace(".", "")));
  return units === undefined ? undefined : new Decimal(units);
}
