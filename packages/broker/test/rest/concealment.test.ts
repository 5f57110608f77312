import { expect, test } from "vitest";
import { concealedFrom } from "../../src/adapters/rest/approvals/conceal.ts";
import { viewApproval } from "../../src/adapters/rest/approvals/view.ts";
import type { Approval } from "../../src/domain/approval.ts";
import { loaded, shopFiles } from "../habits/support.ts";
import { heldApproval } from "../people-support/rest.ts";

/** The shop, where nobody sees amounts and tags of refunds. */
const policy = loaded(
  shopFiles.map(({ path, text }) => ({
    path,
    text:
      path === "tools/shop.yaml"
        ? text.replace("    cost: args.amount\n", "    cost: args.amount\n    labels: { amount: [secret], tags: [pii] }\n")
        : text,
  })),
);
const operation = { tool: "shop", kind: "tool", name: "refund" } as const;
const nobody = { kind: "operator", tenants: ["acme"] } as const;
const hide = concealedFrom(policy, { operation }, nobody);
const TAGS = ["anna@acme.example", "bert@acme.example", "carl@acme.example"];
const MASKS = ["a***@acme.example", "b***@acme.example", "c***@acme.example"];

function seen(overrides: Partial<Approval>): string {
  return JSON.stringify(
    viewApproval(heldApproval({ operation, ...overrides }), nobody, { policy: () => policy, now: () => new Date() }, []),
  );
}

test("what a call costs is hidden with the argument that says so, also among what makes it risky", () => {
  expect(seen({ args: { order: "O-1", amount: 4711 }, reach: { records: 1, cost: 4711, destinations: [] } })).not.toContain("4711");
});

test("a record that a hidden argument names is not named", () => {
  const named = shopFiles.map(({ path, text }) => ({
    path,
    text:
      path === "tools/shop.yaml"
        ? text.replace(
            "actions:\n  refund:",
            "types:\n  Order: { order: string }\nactions:\n  refund:\n    resource: { type: Order, id: args.order }\n    labels: { order: [pii] }",
          )
        : text,
  }));
  const asked = heldApproval({
    operation,
    args: { order: "jane@shop.example" },
    resource: { type: "Order", id: "jane@shop.example", digest: "d" },
  });
  const ports = { policy: () => loaded(named), now: () => new Date() };
  const view = viewApproval(asked, nobody, ports, []);
  expect(JSON.stringify(view)).not.toContain("jane");
  expect(view.sentence).toContain("Order `j***@shop.example`");
});

test("a range that a standing yes gives a hidden number is hidden as well", () => {
  const bounds = { uses: 2, until: new Date(), within: "task", args: { amount: { min: 4710, max: 4712 }, tags: { any: true } } } as const;
  const answer = { verdict: "approve", by: "lena", at: new Date(), via: "passkey", roles: ["lead"], bounds } as const;
  expect(seen({ args: { order: "O-1", amount: 4711 }, answers: [answer] })).not.toMatch(/471/u);
});

test("what is hidden stays what it was while it is left as it is shown", () => {
  expect(hide.restored({ order: "O-2", tags: MASKS, amount: "[redacted]" }, { order: "O-1", tags: TAGS, amount: 5 })).toEqual({
    order: "O-2",
    tags: TAGS,
    amount: 5,
  });
});

test.each([
  ["one of a list is taken out", { tags: MASKS.slice(1) }],
  ["one is added to a list", { tags: [...MASKS, "dora@acme.example"] }],
  ["two of a list change places", { tags: MASKS.toReversed() }],
  ["a hidden value is guessed", { tags: TAGS }],
  ["a hidden argument is added", { tags: MASKS, amount: 5 }],
])("an edit where %s is refused: no mask runs as a value, nobody else is meant, and nothing says that a guess was right", (_, edited) => {
  expect(() => hide.restored({ order: "O-1", ...edited }, { order: "O-1", tags: TAGS })).toThrow(
    expect.objectContaining({ code: "edit_refused" }),
  );
});
