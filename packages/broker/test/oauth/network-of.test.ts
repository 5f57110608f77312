import { expect, test } from "vitest";
import { networkOf } from "../../src/adapters/oauth/network-of.ts";

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::9", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["unknown", "unknown"],
])("%s is counted as %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test("a flood from many addresses of one network: all are one visitor", () => {
  const addresses = Array.from({ length: 50 }, (_, at) => `2001:db8:7:7:${at.toString(16)}::${(at * 7).toString(16)}`);
  expect(new Set(addresses.map(networkOf)).size).toBe(1);
});
