import { isIPv6 } from "node:net";

/** Groups of 16 bits that name the network a host or a home is given (RFC 6177): whoever has it has all addresses in it. */
const NETWORK_GROUPS = 4;
const GROUPS = 8;

/** What is counted as one visitor: an IPv4 address, or the /64 that an IPv6 address lies in. */
export function networkOf(address: string): string {
  const [host = ""] = address.split("%", 1);
  if (!isIPv6(host)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/iu.exec(host)?.[1];
  if (mapped !== undefined) return mapped;
  // The URL parser has one spelling for each address.
  const [head = "", tail] = new URL(`http://[${host}]`).hostname.slice(1, -1).split("::");
  const [before, after] = [head, tail ?? ""].map((part) => part.split(":").filter((group) => group !== ""));
  const missing = GROUPS - (before?.length ?? 0) - (after?.length ?? 0);
  const groups = [...(before ?? []), ...Array.from({ length: missing }, () => "0"), ...(after ?? [])];
  return `${groups.slice(0, NETWORK_GROUPS).join(":")}::/64`;
}
