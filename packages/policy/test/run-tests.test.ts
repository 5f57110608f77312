import { describe, expect, it } from "vitest";
import { runTests } from "../src/index.ts";
import { files, HELPDESK, loaded, NOW } from "./support/helpdesk.ts";

const TESTS = `tests:
  - name: support reads a ticket of its region
    agent: bailiwick://acme/prod/helpdesk/support
    call: get_ticket
    args: { id: T-1 }
    resource: { tenant: acme, tier: 1, region: emea, status: open, id: T-1, customer: { email: a@b.example, ssn: "1" }, internal_notes: x }
    expect: allow
    rule: own-region
    hidden: [internal_notes]
    masked: [customer.email, customer.ssn]
  - name: not of another region
    agent: bailiwick://acme/prod/helpdesk/support
    call: tickets.get_ticket
    args: { id: T-1 }
    resource: { tenant: acme, tier: 1, region: amer, status: open, id: T-1 }
    expect: deny
    code: row_not_permitted
  - name: the list, whose tenant the broker sets
    agent: bailiwick://globex/dev/helpdesk/support
    call: list_tickets
    expect: allow
  - name: no money on Sundays
    agent: bailiwick://acme/prod/finance/billing
    call: create_invoice
    args: { customer: c, amount: 5 }
    now: 2026-11-22T10:00:00Z
    expect: deny
    code: outside_hours
`;

function run(text: string) {
  const changes = { "tests/a.yaml": text };
  return runTests(loaded(changes), files(changes), NOW);
}

describe("runTests", () => {
  it("passes what the policy does", () => {
    expect(run(TESTS)).toMatchObject({ passed: 4, failed: [] });
  });

  it("fails what it does not do, with place, expectation and what happened", () => {
    const report = run(
      TESTS.replace("expect: allow\n    rule: own-region", "expect: deny\n    code: no_grant\n    rule: other").replace(
        "hidden: [internal_notes]",
        "hidden: []",
      ),
    );
    expect(report.passed).toBe(3);
    expect(report.failed).toMatchObject([
      {
        at: { file: "tests/a.yaml", line: 2 },
        name: "support reads a ticket of its region",
        expected: "deny, code no_grant, rule other, hidden ",
        actual: "allow, code none, rules read-own-region, hidden internal_notes",
        rules: [{ id: "read-own-region" }],
      },
    ]);
  });

  it("lists the rules that no test exercised, built-in ones aside", () => {
    expect(run(TESTS).unexercised.map((rule) => rule.id)).toEqual([
      "base/allow/1",
      "invoices",
      "mail-customers",
      "support/allow/3",
      "update-own-region",
      "never-delete",
      "too-much",
      "mail-leaves-the-company",
    ]);
    expect(run("tests: []\n").unexercised.length).toBe(10);
  });

  it("honours a test's own narrower scope", () => {
    const text = TESTS.replace("    call: list_tickets\n", '    call: list_tickets\n    scope: ["knowledge:*"]\n');
    expect(run(text).failed).toMatchObject([{ expected: "allow", actual: expect.stringContaining("outside_session_scope") as string }]);
  });

  it("counts a file that cannot be read as a failure", () => {
    const report = runTests(loaded(), [...files(), { path: "tests/b.yaml", text: "tests: 5" }], NOW);
    expect(report.failed).toMatchObject([{ at: { file: "tests/b.yaml", line: 1 } }]);
    expect(HELPDESK["tests/b.yaml"]).toBeUndefined();
  });
});
