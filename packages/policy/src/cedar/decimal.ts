import type { Long } from "./long.ts";
import { longOf } from "./long.ts";

/** Fixed point number with four digits after the point (Cedar's `decimal`). */
export class Decimal {
  readonly kind = "decimal";
  /** In units of 0.0001. */
  readonly units: Long;

  constructor(units: Long) {
    this.units = units;
  }
}

const TEXT = /^(-?)(\d+)\.(\d{1,4})$/;
const DIGITS = 4;

/** Undefined when the text is no decimal or leaves 64 bits. */
export function parseDecimal(text: string): Decimal | undefined {
  const [, sign, whole, fraction] = TEXT.exec(text) ?? [];
  if (whole === undefined || fraction === undefined) return undefined;
  const units = BigInt(whole + fraction.padEnd(DIGITS, "0"));
  const exact = longOf(sign === "-" ? -units : units);
  return exact === undefined ? undefined : new Decimal(exact);
}

/** As `parseDecimal` reads it. */
export function formatDecimal({ units }: Decimal): string {
  const exact = BigInt(units);
  const digits = String(exact < 0n ? -exact : exact).padStart(DIGITS + 1, "0");
  const fraction = digits.slice(-DIGITS).replace(/0{1,3}$/, "");
  return `${exact < 0n ? "-" : ""}${digits.slice(0, -DIGITS)}.${fraction}`;
}
