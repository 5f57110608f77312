import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide, runTests, usesTokens } from "../src/index.ts";
import type { Decision, DecisionRequest } from "../src/index.ts";
import { allow, loadAll, places } from "./support/changed-folder.ts";
import { call, files, HELPDESK, loaded, NOW, SUPPORT, ticket } from "./support/helpdesk.ts";
import { cell, role } from "./support/matrix.ts";

const gates = (content: string, on = "{ do: [mail:send] }"): Readonly<Record<string, string>> => ({
  "gates.yaml": `defaults:
  external-send: { off: true, reason: r }
gates:
  - gate: texts
    reason: texts are looked at
    on: ${on}
    require: { content: ${content} }
`,
});
const mail = (more: Partial<DecisionRequest> = {}): DecisionRequest =>
  call("send", { to: "ana@acme.example", subject: "s", body: "b" }, { tool: "mail", ...more });
const rulesOf = ({ content = [] }: Decision): readonly string[] => content.map(({ rule }) => rule.id);

describe("content of a decision", () => {
  test("is what the applying grant and all gates demand, each with its rule", () => {
    const policy = loaded({
      ...gates("{ arguments: [{ find: [card], do: refuse }] }"),
      ...role(`allow:\n  - do: mail:send\n    id: mail\n    content: { wording: { in: [args.body], block: [refund] } }`),
    });
    const { content } = decide(policy, mail());
    expect(content?.map(({ rule }) => rule.id)).toEqual(["mail", "secret-leaves", "secret-shown", "texts"]);
    expect(content?.[0]).toMatchObject({ wording: { in: ["args.body"], block: ["refund"] } });
    expect(content?.[3]).toMatchObject({
      arguments: [{ kinds: ["card"], labels: [], do: "refuse" }],
      rule: { at: { file: "gates.yaml", line: 4 } },
    });
  });
  test("names rules that speak of texts alone nowhere else, and the others with the rules", () => {
    const decision = decide(loaded(gates("{ results: [{ find: [card], do: redact }] }")), mail());
    expect(decision.rules.map(({ id }) => id)).toEqual(["mail-customers"]);
    const both = loaded({
      "gates.yaml": (gates("{ results: [{ find: [card], do: redact }] }")["gates.yaml"] ?? "").replace(
        "require: { content",
        "require: { limits: { perHour: 5 }, content",
      ),
    });
    expect(decide(both, mail()).rules.map(({ id }) => id)).toEqual(["mail-customers", "texts"]);
  });
  test("is the less where two grants permit the call, and theirs together only where both demand the same", () => {
    const two = (one: string, other: string) =>
      decide(loaded(role(`allow:\n  - do: mail:send\n    id: a\n${one}  - do: mail:send\n    id: b\n${other}`)), mail());
    const cards = "    content: { arguments: [{ find: [card], do: refuse }] }\n";
    const ibans = "    content: { arguments: [{ find: [iban], do: refuse }] }\n";
    expect(two(cards, "").grants).toEqual(["b"]);
    expect(two(cards, ibans).grants).toEqual(["a"]);
    expect(two(cards, cards).grants).toEqual(["a", "b"]);
  });
  test("of a delegate is its own and its delegator's", () => {
    const policy = loaded(role(`allow:\n  - do: mail:send\n    id: mail\n    content: { arguments: [{ find: [card], do: refuse }] }`));
    const decision = decide(policy, mail({ caller: { ...SUPPORT, session: "ses_2", delegator: SUPPORT } }));
    expect(rulesOf(decision)).toEqual(["mail", "secret-leaves", "secret-shown"]);
  });
  test("is without a default gate that is switched off with a reason", () => {
    const off = loaded({
      "gates.yaml": "defaults:\n  secret-leaves: { off: true, reason: r }\n  secret-shown: { off: true, reason: r }\n",
    });
    expect(decide(off, mail()).content).toBeUndefined();
  });
});

const kinds = fc.subarray(["email", "phone", "card", "iban", "ssn", "ip", "url", "secret"] as const, { minLength: 1 });
const contents = fc.record(
  {
    arguments: fc.array(fc.record({ find: kinds, do: fc.constant("refuse") }), { maxLength: 2 }),
    results: fc.array(fc.record({ find: kinds, do: fc.constantFrom("redact", "hash", "token", "withhold") }), {
      minLength: 1,
      maxLength: 2,
    }),
  },
  { requiredKeys: ["results"] },
);
const requests = fc.constantFrom(
  mail(),
  mail({ args: { to: "ana@client.example", subject: "s", body: "b" } }),
  call("get_ticket", { id: "T-1" }),
  call("update_ticket", { id: "T-1", status: "open" }, { resource: ticket() }),
  call("delete_ticket", { id: "T-1" }, { resource: ticket() }),
);

test("a gate on texts changes neither what is permitted nor any other demand, and takes no demand on texts away", () => {
  const plain = loaded();
  fc.assert(
    fc.property(contents, requests, (content, request) => {
      const own = HELPDESK["gates.yaml"] ?? "";
      const gate = `  - { gate: texts, reason: r, require: { content: ${JSON.stringify(content)} } }\n`;
      const policy = loaded({ "gates.yaml": own + gate });
      const [before, after] = [decide(plain, request), decide(policy, request)];
      const { content: demandedBefore = [], policyVersion: _, ...rest } = before;
      const { content: demandedAfter = [], policyVersion: __, ...others } = after;
      expect(JSON.stringify(others)).toBe(JSON.stringify(rest));
      expect(demandedAfter.filter(({ rule }) => rule.id !== "texts")).toEqual(demandedBefore);
      expect(demandedAfter.some(({ rule }) => rule.id === "texts")).toBe(after.verdict !== "deny");
    }),
    { numRuns: 40 },
  );
});

test("a grant's content never permits what the grant without it does not", () => {
  fc.assert(
    fc.property(contents, requests, (content, request) => {
      const changed = (HELPDESK["roles/support.yaml"] ?? "").replaceAll(
        /^ {4}id: (read-own-region|update-own-region|mail-customers)$/gmu,
        (line) => `${line}\n    content: ${JSON.stringify(content)}`,
      );
      const [before, after] = [decide(loaded(), request), decide(loaded({ "roles/support.yaml": changed }), request)];
      expect(after.verdict).toBe(before.verdict);
      expect(after.grants).toEqual(before.grants);
      expect(after.content?.length ?? 0).toBeGreaterThanOrEqual(before.content?.length ?? 0);
    }),
    { numRuns: 30 },
  );
});

describe("check", () => {
  const grant = (content: string, scope = "mail:send") => places(allow(`  - do: ${scope}\n    reason: r\n    content: ${content}\n`));

  test.each([
    ["{}", "unreachable-rule"],
    ["{ wording: {} }", "unreachable-rule"],
    ["{ arguments: [{ find: [cards], do: refuse }] }", "invalid-value"],
    ['{ arguments: [{ find: ["@unheard-of"], do: refuse }] }', "unknown-label"],
    ["{ arguments: [{ find: [card], in: [args.text], do: refuse }] }", "invalid-path"],
    ["{ arguments: [{ find: [card], in: [body], do: refuse }] }", "invalid-value"],
    ["{ arguments: [{ find: [card], do: withhold }] }", "invalid-value"],
    ["{ arguments: [{ find: [card], do: redact }] }", "invalid-value"],
    ["{ arguments: [{ find: [email], in: [args.to], do: token }] }", "invalid-value"],
    ["{ results: [{ find: [card], in: [nothing], do: redact }] }", "unknown-field"],
    ["{ results: [{ find: [card], do: refuse }] }", "invalid-value"],
    ['{ wording: { block: ["/(?=a)/"] } }', "invalid-value"],
    ['{ wording: { block: ["/a(/"] } }', "invalid-value"],
    ["{ wording: { require: [hello] } }", "invalid-value"],
    ["{ wording: { templates: [hello] } }", "invalid-value"],
    ["{ wording: { in: [args.text], block: [x] } }", "invalid-path"],
    ["{ wording: { links: [https://acme.example] } }", "invalid-value"],
    ["{ wording: { links: [Acme.example] } }", "invalid-value"],
    ["{ texts: [] }", "unknown-key"],
  ])("finds what is wrong with %s", (content, code) => {
    expect(grant(content)).toContainEqual(expect.stringMatching(new RegExp(`^error ${code} roles/support\\.yaml:\\d+$`, "u")));
  });
  test.each([
    '{ arguments: [{ find: [card, secret, "@untrusted"], do: refuse }] }',
    "{ arguments: [{ find: [card], in: [args.body], do: partial }] }",
    '{ wording: { in: [args.body], block: [x, "/a+/"], require: [y], templates: ["Dear {name},"], links: [acme.example, "*.acme.example"] } }',
    "{ wording: { links: [] } }",
  ])("lets %s pass", (content) => {
    expect(grant(content).filter((place) => place.startsWith("error"))).toEqual([]);
  });
  test("says the same of a gate", () => {
    expect(places(loadAll(gates("{ results: [{ find: [card], in: [nothing], do: redact }] }", "{ do: [tickets:read] }")))).toEqual([
      "error unknown-field gates.yaml:7",
    ]);
  });
  test("counts a rule on texts as exercised by a test whose call it bears on, and lets the test name it", () => {
    const policy = gates("{ arguments: [{ find: [card], do: refuse }] }");
    const tested = files({
      ...policy,
      "tests/a.yaml": `tests:
  - { name: mail, agent: "${SUPPORT.agent}", call: mail.send, args: { to: ana@acme.example, subject: s, body: b }, expect: allow, rule: texts }
`,
    });
    const report = runTests(loaded(policy), tested, NOW);
    expect(report.failed).toEqual([]);
    expect(report.unexercised.map(({ id }) => id)).not.toContain("texts");
    expect(report.unexercised.length).toBeGreaterThan(0);
  });
});

describe("words", () => {
  test("the matrix says what texts have to be like, and leaves out what every folder has by default", () => {
    const [way] = cell(
      loaded({
        ...gates("{ arguments: [{ find: [card, iban], do: refuse }], results: [{ find: [email], do: token }] }"),
        ...role(
          `allow:\n  - do: mail:send\n    id: mail\n    content: { wording: { in: [args.body], block: [refund], require: [bye], templates: [x], links: [acme.example] } }`,
        ),
      }),
      "mail.send",
    ).ways;
    expect(way?.content).toEqual([
      'args.body never say "refund"',
      'args.body say "bye"',
      "args.body fit one of 1 templates",
      "args.body link only to acme.example",
      "refuses card, iban in arguments",
      "tokenises email in results",
    ]);
    expect(way?.rules.map(({ id }) => id)).toEqual(["mail", "texts"]);
  });
  test("tokens are looked up only where a rule gives some or an action takes some", () => {
    expect(usesTokens(loaded())).toBe(false);
    expect(usesTokens(loaded(gates("{ results: [{ find: [email], do: token }] }")))).toBe(true);
    expect(usesTokens(loaded(role("allow:\n  - do: tickets:read\n    fields: { mask: { status: token } }")))).toBe(true);
    const takes = (HELPDESK["tools/mail.yaml"] ?? "").replace("destination: [args.to]", "destination: [args.to]\n    tokens: [args.to]");
    expect(usesTokens(loaded({ "tools/mail.yaml": takes }))).toBe(true);
  });
});
