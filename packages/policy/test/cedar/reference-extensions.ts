import type { Uid } from "./question.ts";

export type Value = boolean | bigint | string | Value[] | Map<string, Value> | Uid | Extension;
export type Extension = { readonly kind: string; readonly n: bigint; readonly bits: bigint; readonly prefix: bigint };
export class EvaluationError extends Error {}

/** Calls an extension function of Cedar by its name. @throws EvaluationError for wrong arguments and for results beyond 64 bits. */
export function call(name: string, args: Value[]): Value {
  const signature = [name, ...args.map((arg) => (typeof arg === "object" && "kind" in arg ? arg.kind : typeof arg))].join(" ");
  const [parse, method] = [PARSERS[signature], METHODS[signature]];
  if (parse !== undefined) return parse(String(args[0]));
  // The signature says that every argument is an extension value.
  const [self, other = self] = args as Extension[];
  return self && other && method ? method(self, other) : fail(`no \`${signature}\``);
}

export function fail(message: string): never {
  throw new EvaluationError(message);
}

export const int64 = (n: bigint): bigint => (n === BigInt.asIntN(64, n) ? n : fail("overflow"));

const [SECOND, MINUTE, HOUR, DAY] = [1_000n, 60_000n, 3_600_000n, 86_400_000n];
const intoDay = (n: bigint): bigint => ((n % DAY) + DAY) % DAY;
const scalar = (kind: string, n: bigint): Extension => ({ kind, n: int64(n), bits: 0n, prefix: 0n });

const METHODS: { readonly [signature: string]: (self: Extension, other: Extension) => Value } = {
  "lessThan decimal decimal": (a, b) => a.n < b.n,
  "lessThanOrEqual decimal decimal": (a, b) => a.n <= b.n,
  "greaterThan decimal decimal": (a, b) => a.n > b.n,
  "greaterThanOrEqual decimal decimal": (a, b) => a.n >= b.n,
  "isIpv4 ipaddr": (a) => a.bits === 32n,
  "isIpv6 ipaddr": (a) => a.bits === 128n,
  "isLoopback ipaddr": (a) => (a.bits === 32n ? a.n >> 24n === 127n && a.prefix >= 8n : a.n === 1n && a.prefix === 128n),
  "isMulticast ipaddr": (a) => (a.bits === 32n ? a.n >> 28n === 14n && a.prefix >= 4n : a.n >> 120n === 255n && a.prefix >= 8n),
  "isInRange ipaddr ipaddr": (a, b) =>
    a.bits === b.bits && a.prefix >= b.prefix && a.n >> (b.bits - b.prefix) === b.n >> (b.bits - b.prefix),
  "offset datetime duration": (a, b) => scalar("datetime", a.n + b.n),
  "durationSince datetime datetime": (a, b) => scalar("duration", a.n - b.n),
  "toDate datetime": (a) => scalar("datetime", a.n - intoDay(a.n)),
  "toTime datetime": (a) => scalar("duration", intoDay(a.n)),
  "toMilliseconds duration": (a) => a.n,
  "toSeconds duration": (a) => a.n / SECOND,
  "toMinutes duration": (a) => a.n / MINUTE,
  "toHours duration": (a) => a.n / HOUR,
  "toDays duration": (a) => a.n / DAY,
};

const PARSERS: { readonly [signature: string]: (source: string) => Extension } = {
  "decimal string": (source) => {
    const [, sign, whole = "", fraction = ""] = /^(-?)(\d+)\.(\d{1,4})$/.exec(source) ?? fail("no decimal");
    return scalar("decimal", BigInt(`${sign}1`) * BigInt(whole + fraction.padEnd(4, "0")));
  },
  "ip string": (source) => {
    const [address = "", mask, ...more] = source.split("/");
    const [bits, n] = address.includes(":") ? [128n, ipv6(address)] : [32n, ipv4(address)];
    const prefix = mask === undefined ? bits : BigInt(/^(0|[1-9]\d{0,2})$/.test(mask) ? mask : -1);
    return prefix < 0n || prefix > bits || more.length > 0 ? fail("no prefix") : { kind: "ipaddr", n, bits, prefix };
  },
  "datetime string": (source) => {
    const form = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(\.\d{3})?(?:Z|([+-])([01]\d|2[0-3])([0-5]\d)))?$/;
    const [, date, time = "00:00:00", fraction = ".000", sign = "+", hours = 0, minutes = 0] = form.exec(source) ?? fail("no datetime");
    const utc = `${date}T${time}${fraction}Z`;
    const ms = Date.parse(utc);
    if (Number.isNaN(ms) || new Date(ms).toISOString() !== utc) fail("no such day or time");
    return scalar("datetime", BigInt(ms) - BigInt(`${sign}1`) * (BigInt(hours) * HOUR + BigInt(minutes) * MINUTE));
  },
  "duration string": (source) => {
    const form = /^(-?)(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
    const [, sign, d = 0, h = 0, m = 0, s = 0, ms = 0] = form.exec(source) ?? fail("no duration");
    const total = BigInt(d) * DAY + BigInt(h) * HOUR + BigInt(m) * MINUTE + BigInt(s) * SECOND + BigInt(ms);
    return scalar("duration", BigInt(`${sign}1`) * total);
  },
};

function ipv4(address: string): bigint {
  const octets = address.split(".");
  const valid = octets.length === 4 && octets.every((each) => /^(0|[1-9]\d{0,2})$/.test(each) && Number(each) < 256);
  return valid ? octets.reduce((n, each) => n * 256n + BigInt(each), 0n) : fail("no IPv4 address");
}

function ipv6(address: string): bigint {
  const [head = [], tail, ...more] = address.split("::").map((part) => (part === "" ? [] : part.split(":")));
  const zeros = 8 - head.length - (tail?.length ?? 0);
  const valid =
    more.length === 0 && (tail ? zeros > 0 : zeros === 0) && [...head, ...(tail ?? [])].every((each) => /^[0-9a-f]{1,4}$/i.test(each));
  if (!valid) fail("no IPv6 address");
  return BigInt(
    `0x${[...head, ...Array.from({ length: zeros }, () => "0"), ...(tail ?? [])].map((each) => each.padStart(4, "0")).join("")}`,
  );
}
