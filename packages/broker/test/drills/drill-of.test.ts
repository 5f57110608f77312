import type { JsonObject } from "@bailiwick/policy";
import { describe, expect, test } from "vitest";
import { argumentsDigest } from "../../src/call/identify.ts";
import type { Approval } from "../../src/domain/approval.ts";
import { drillOf } from "../../src/insight/drills/drill-of.ts";
import { loaded, shop, shopFiles } from "../habits/support.ts";
import { heldApproval } from "../people-support/rest.ts";

const NOW = new Date("2026-11-02T10:00:00Z");

function asked(name: string, args: JsonObject, more: Partial<Approval> = {}): Approval {
  return heldApproval({ operation: { tool: "shop", kind: "tool", name }, args, state: "used", diff: [], ...more });
}

function drill(past: Approval, seen: readonly Approval[] = [past]): Approval | undefined {
  return drillOf(past, { policy: shop, seen, domain: "mail-archive.example", id: "apr_drill", callId: "call_drill", now: NOW });
}

const NOTICE = { to: "jo@acme.example", body: "your order" };

describe("a drill", () => {
  test("is a question of the past with a strange destination, under names and times of its own", () => {
    const past = asked("notify", NOTICE, {
      reach: { records: 1, destinations: [{ argument: "args.to", value: "jo@acme.example", external: false }] },
      diff: [{ path: "to", after: "jo@acme.example" }],
      origins: [{ argument: "to", from: "user" }],
      answers: [{ verdict: "approve", by: "lena", at: NOW, via: "passkey", roles: ["lead"] }],
      supersedes: { id: "apr_before", because: ["policy"], changes: [] },
    });
    const made = drill(past);
    expect(made).toMatchObject({
      id: "apr_drill",
      callId: "call_drill",
      drill: true,
      state: "pending",
      answers: [],
      createdAt: NOW,
      args: { to: "jo@mail-archive.example", body: "your order" },
      diff: [{ path: "to", after: "jo@mail-archive.example" }],
      reach: { destinations: [{ value: "jo@mail-archive.example", external: true }] },
      origins: [{ argument: "to", from: "agent" }],
      agent: past.agent,
      approvers: past.approvers,
      terms: past.terms,
    });
    expect(made?.argsDigest).toBe(argumentsDigest(past.operation, made?.args ?? {}));
    expect(made?.argsDigest).not.toBe(past.argsDigest);
    expect(made?.supersedes).toBeUndefined();
    expect((made?.expiresAt.getTime() ?? 0) - NOW.getTime()).toBe(past.expiresAt.getTime() - past.createdAt.getTime());
  });

  test("has an amount far beyond any that was asked for", () => {
    const seen = [12, 80, 31].map((amount) =>
      asked("refund", { order: "O-1", amount }, { reach: { records: 1, cost: amount, destinations: [] } }),
    );
    const [first] = seen;
    const made = first === undefined ? undefined : drill(first, seen);
    expect(made?.args).toEqual({ order: "O-1", amount: 2_000 });
    expect(made?.reach.cost).toBe(2_000);
  });

  test.each([
    ["a destination that is hidden", "notify", NOTICE, "to: [secret]", undefined],
    ["an amount that is hidden", "refund", { order: "O-1", amount: 5 }, "amount: [pii]", undefined],
    ["a mailbox whose domain is seen", "notify", NOTICE, "to: [pii]", { ...NOTICE, to: "jo@mail-archive.example" }],
  ])("tests nobody on what they may not see: %s", (_, name, args, label, expected) => {
    const labelled = shopFiles.map(({ path, text }) => ({
      path,
      text:
        path === "tools/shop.yaml"
          ? text
              .replace("labels: { team: [pii] }", `labels: { ${label} }`)
              .replace("    cost: args.amount", `    cost: args.amount\n    labels: { ${label} }`)
          : text,
    }));
    const past = asked(name, args);
    const made = drillOf(past, {
      policy: loaded(labelled),
      seen: [past],
      domain: "mail-archive.example",
      id: "apr_drill",
      callId: "call_drill",
      now: NOW,
    });
    expect(made?.args).toEqual(expected);
  });

  test.each([
    ["names neither a destination nor an amount", asked("refund", { order: "O-1" })],
    ["asks for nothing", asked("refund", { order: "O-1", amount: 0 })],
    ["is of an action that is gone", asked("gone", NOTICE)],
    ["was a drill itself", asked("notify", NOTICE, { drill: true })],
    ["takes a signature", asked("notify", NOTICE, { terms: { count: 1, also: [], stepUp: true } })],
  ])("is not made of a question that %s", (_, past) => {
    expect(drill(past)).toBeUndefined();
  });
});
