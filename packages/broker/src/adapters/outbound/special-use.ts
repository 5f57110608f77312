import { BlockList, isIP } from "node:net";

/**
 * Special-purpose and multicast blocks of IPv4: RFC 6890 and the IANA registry it began, without those that are globally reachable; and the
 * public address at which Azure tells a machine about itself.
 */
const IPV4: readonly (readonly [network: string, prefix: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["168.63.129.16", 32],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** Blocks inside 2000::/3 that are special, or that carry an IPv4 address somebody else unpacks (6to4, Teredo). */
const IPV6_INSIDE_GLOBAL: readonly (readonly [network: string, prefix: number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const special = new BlockList();
for (const [network, prefix] of IPV4) special.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of IPV6_INSIDE_GLOBAL) special.addSubnet(network, prefix, "ipv6");

/** Global unicast (RFC 4291 section 2.4). Of IPv6 only this is let through: loopback, mapped, link-local, local and NAT64 addresses lie outside. */
const global6 = new BlockList();
global6.addSubnet("2000::", 3, "ipv6");

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Whether an address leads anywhere but the public internet. What is no address counts as special. */
export function isSpecialUse(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return special.check(address, "ipv4");
    case 6:
      return !global6.check(address, "ipv6") || special.check(address, "ipv6");
    default:
      return true;
  }
}

/** Whether an address is this machine. */
export function isLoopback(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && loopback.check(address, family === 4 ? "ipv4" : "ipv6");
}

/** Networks of an organisation's own (RFC 1918, RFC 6598, RFC 4193): no link-local address, where clouds answer with credentials. */
const organisations = new BlockList();
for (const [network, prefix] of [
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const)
  organisations.addSubnet(network, prefix, "ipv4");
organisations.addSubnet("fc00::", 7, "ipv6");

/** Addresses inside those networks where a cloud (Alibaba, Amazon and Google over IPv6) answers with a machine's credentials. */
const clouds = new BlockList();
clouds.addAddress("100.100.100.200", "ipv4");
clouds.addAddress("fd00:ec2::254", "ipv6");
clouds.addAddress("fd20:ce::254", "ipv6");

/** Whether an address is this machine or lies in a private network. */
export function isPrivateNetwork(address: string): boolean {
  const family = isIP(address) === 4 ? "ipv4" : "ipv6";
  return isIP(address) !== 0 && !clouds.check(address, family) && (isLoopback(address) || organisations.check(address, family));
}
