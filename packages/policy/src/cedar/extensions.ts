import { Decimal, parseDecimal } from "./decimal.ts";
import { EvaluationError } from "./evaluation-error.ts";
import { Ip, isInRange, isLoopback, isMulticast, parseIp } from "./ip.ts";
import { add, divide, subtract } from "./long.ts";
import type { Long } from "./long.ts";
import { dateOf, Datetime, Duration, parseDatetime, parseDuration, timeOf } from "./time.ts";
import type { Value } from "./value.ts";

/** A function of one of Cedar's extension types. */
export interface ExtensionCall {
  readonly name: string;
  readonly arity: 1 | 2;
  /** Called by its name, `ip("...")`, rather than as a method, `x.isIpv4()`. */
  readonly constructs: boolean;
  readonly returnsBoolean: boolean;
  /** @throws EvaluationError when the arguments have other types, a text cannot be read or a result leaves 64 bits. */
  readonly apply: (first: Value, second: Value) => Value;
}

/** Undefined when Cedar has no such function. */
export function extensionNamed(name: string): ExtensionCall | undefined {
  return EXTENSIONS.get(name);
}

/** Names of all functions, for whoever has to say which exist. */
export function extensionNames(): readonly string[] {
  return [...EXTENSIONS.keys()];
}

const reads = (name: string, parse: (text: string) => Value | undefined): ExtensionCall => ({
  name,
  arity: 1,
  constructs: true,
  returnsBoolean: false,
  apply: (text) => {
    if (typeof text !== "string") throw new EvaluationError(`\`${name}\` needs a string`);
    const value = parse(text);
    if (value === undefined) throw new EvaluationError(`\`${text}\` cannot be read by \`${name}\``);
    return value;
  },
});

const onDecimals = (name: string, compare: (a: Long, b: Long) => boolean): ExtensionCall => ({
  name,
  arity: 2,
  constructs: false,
  returnsBoolean: true,
  apply: (a, b) => {
    if (!(a instanceof Decimal) || !(b instanceof Decimal)) throw new EvaluationError(`\`${name}\` needs two decimals`);
    return compare(a.units, b.units);
  },
});

const onIp = (name: string, test: (ip: Ip) => boolean): ExtensionCall => ({
  name,
  arity: 1,
  constructs: false,
  returnsBoolean: true,
  apply: (ip) => {
    if (!(ip instanceof Ip)) throw new EvaluationError(`\`${name}\` needs an ipaddr`);
    return test(ip);
  },
});

const onDatetime = (name: string, compute: (epochMs: Long) => Value | undefined): ExtensionCall => ({
  name,
  arity: 1,
  constructs: false,
  returnsBoolean: false,
  apply: (moment) => {
    if (!(moment instanceof Datetime)) throw new EvaluationError(`\`${name}\` needs a datetime`);
    return inRange(name, compute(moment.epochMs));
  },
});

const inUnits = (name: string, unitMs: number): ExtensionCall => ({
  name,
  arity: 1,
  constructs: false,
  returnsBoolean: false,
  apply: (span) => {
    if (!(span instanceof Duration)) throw new EvaluationError(`\`${name}\` needs a duration`);
    return divide(span.ms, unitMs);
  },
});

function inRange(name: string, value: Value | undefined): Value {
  if (value === undefined) throw new EvaluationError(`\`${name}\` leaves the 64 bits of an integer`);
  return value;
}

const offset: ExtensionCall = {
  name: "offset",
  arity: 2,
  constructs: false,
  returnsBoolean: false,
  apply: (moment, span) => {
    if (!(moment instanceof Datetime) || !(span instanceof Duration)) throw new EvaluationError("`offset` needs a datetime and a duration");
    const epochMs = add(moment.epochMs, span.ms);
    return inRange("offset", epochMs === undefined ? undefined : new Datetime(epochMs));
  },
};

const durationSince: ExtensionCall = {
  name: "durationSince",
  arity: 2,
  constructs: false,
  returnsBoolean: false,
  apply: (later, earlier) => {
    if (!(later instanceof Datetime) || !(earlier instanceof Datetime)) throw new EvaluationError("`durationSince` needs two datetimes");
    const ms = subtract(later.epochMs, earlier.epochMs);
    return inRange("durationSince", ms === undefined ? undefined : new Duration(ms));
  },
};

const isInRangeCall: ExtensionCall = {
  name: "isInRange",
  arity: 2,
  constructs: false,
  returnsBoolean: true,
  apply: (inner, outer) => {
    if (!(inner instanceof Ip) || !(outer instanceof Ip)) throw new EvaluationError("`isInRange` needs two ipaddrs");
    return isInRange(inner, outer);
  },
};

const EXTENSIONS: ReadonlyMap<string, ExtensionCall> = new Map(
  [
    reads("ip", parseIp),
    onIp("isIpv4", (ip) => ip.version === 4),
    onIp("isIpv6", (ip) => ip.version === 6),
    onIp("isLoopback", isLoopback),
    onIp("isMulticast", isMulticast),
    isInRangeCall,
    reads("decimal", parseDecimal),
    onDecimals("lessThan", (a, b) => a < b),
    onDecimals("lessThanOrEqual", (a, b) => a <= b),
    onDecimals("greaterThan", (a, b) => a > b),
    onDecimals("greaterThanOrEqual", (a, b) => a >= b),
    reads("datetime", parseDatetime),
    offset,
    durationSince,
    onDatetime("toDate", (epochMs) => {
      const date = dateOf(epochMs);
      return date === undefined ? undefined : new Datetime(date);
    }),
    onDatetime("toTime", (epochMs) => new Duration(timeOf(epochMs))),
    reads("duration", parseDuration),
    inUnits("toMilliseconds", 1),
    inUnits("toSeconds", 1_000),
    inUnits("toMinutes", 60_000),
    inUnits("toHours", 3_600_000),
    inUnits("toDays", 86_400_000),
  ].map((call) => [call.name, call]),
);
