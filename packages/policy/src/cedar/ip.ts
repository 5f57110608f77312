/** An IP address with a prefix length (Cedar's `ipaddr`); two are equal when address and prefix are. */
export class Ip {
  readonly kind = "ip";
  readonly version: 4 | 6;
  readonly address: bigint;
  readonly prefix: number;

  constructor(version: 4 | 6, address: bigint, prefix: number) {
    this.version = version;
    this.address = address;
    this.prefix = prefix;
  }
}

const BITS = { 4: 32, 6: 128 } as const;
/** Longest text that is looked at: a full IPv6 address with its prefix. */
const MAX_CHARACTERS = 43;

/** Undefined when the text is no address or range. Leading zeros and IPv6 with dotted parts are refused, as in Cedar. */
export function parseIp(text: string): Ip | undefined {
  if (text.length > MAX_CHARACTERS || (text.includes(":") && text.includes("."))) return undefined;
  const slash = text.indexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  const version = address.includes(":") ? 6 : 4;
  const value = version === 4 ? parseV4(address) : parseV6(address);
  const prefix = slash < 0 ? BITS[version] : parsePrefix(text.slice(slash + 1), BITS[version]);
  return value === undefined || prefix === undefined ? undefined : new Ip(version, value, prefix);
}

function parsePrefix(text: string, max: number): number | undefined {
  if (!/^(?:0|[1-9]\d{0,2})$/.test(text)) return undefined;
  const prefix = Number(text);
  return prefix <= max ? prefix : undefined;
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

const GROUPS = 8;

/** RFC 4291 section 2.2 without its form 3; `::` stands for at least one group. */
function parseV6(text: string): bigint | undefined {
  const gap = text.indexOf("::");
  if (gap < 0) {
    const groups = groupsOf(text);
    return groups?.length === GROUPS ? joinGroups(groups) : undefined;
  }
  const head = gap === 0 ? [] : groupsOf(text.slice(0, gap));
  const tail = gap + 2 === text.length ? [] : groupsOf(text.slice(gap + 2));
  if (head === undefined || tail === undefined || head.length + tail.length >= GROUPS) return undefined;
  return joinGroups([...head, ...Array.from({ length: GROUPS - head.length - tail.length }, () => 0n), ...tail]);
}

function groupsOf(text: string): readonly bigint[] | undefined {
  const parts = text.split(":");
  return parts.every((part) => /^[0-9A-Fa-f]{1,4}$/.test(part)) ? parts.map((part) => BigInt(`0x${part}`)) : undefined;
}

function joinGroups(groups: readonly bigint[]): bigint {
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

/** Whether every address of `inner` lies in `outer`. */
export function isInRange(inner: Ip, outer: Ip): boolean {
  if (inner.version !== outer.version || inner.prefix < outer.prefix) return false;
  const host = BigInt(BITS[outer.version] - outer.prefix);
  return inner.address >> host === outer.address >> host;
}

const LOOPBACK = { 4: new Ip(4, 0x7f00_0000n, 8), 6: new Ip(6, 1n, 128) } as const;
const MULTICAST = { 4: new Ip(4, 0xe000_0000n, 4), 6: new Ip(6, 0xffn << 120n, 8) } as const;

export function isLoopback(ip: Ip): boolean {
  return isInRange(ip, LOOPBACK[ip.version]);
}

export function isMulticast(ip: Ip): boolean {
  return isInRange(ip, MULTICAST[ip.version]);
}

/** As `parseIp` reads it; IPv6 without `::`. */
export function formatIp({ version, address, prefix }: Ip): string {
  const [count, width, radix, separator] = version === 4 ? ([4, 8n, 10, "."] as const) : ([GROUPS, 16n, 16, ":"] as const);
  const mask = (1n << width) - 1n;
  const parts = Array.from({ length: count }, (_, index) => ((address >> (BigInt(count - 1 - index) * width)) & mask).toString(radix));
  return `${parts.join(separator)}${prefix === BITS[version] ? "" : `/${String(prefix)}`}`;
}
