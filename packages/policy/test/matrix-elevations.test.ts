import { describe, expect, it } from "vitest";
import { matrix } from "../src/index.ts";
import type { MatrixCell, MatrixElevation } from "../src/index.ts";
import { cell } from "./support/matrix.ts";
import { elevation, eligiblePolicy, REFUNDS } from "./support/elevations.ts";
import { loaded, SUPPORT } from "./support/helpdesk.ts";

const POLICY = eligiblePolicy();
const shown = ({ elevations }: MatrixCell): readonly (readonly [string, string, string, readonly string[]])[] =>
  elevations.map(({ eligible, verdict, when, ways }) => [eligible.role, verdict, when, ways.map(({ grant }) => grant.id)]);

describe("a cell", () => {
  it("says which role would turn a deny, and stays a deny", () => {
    const invoices = cell(POLICY, "billing.get_invoice");
    expect([invoices.verdict, invoices.reason]).toEqual(["deny", "no grant"]);
    expect(shown(invoices)).toEqual([["refunds", "allow", "always", ["look-up"]]]);
  });

  it("says which grants a role would add to what is allowed", () => {
    expect(shown(cell(POLICY, "tickets.update_ticket"))).toEqual([["refunds", "allow", "sometimes", ["any-region"]]]);
  });

  it("says of a role that lifts an approval that it does, with no grant of its own", () => {
    const gate =
      'gates:\n  - { gate: close, reason: r, on: { do: ["tickets:close"] }, when: \'!(principal in Role::"refunds")\', require: { approve: { by: [support-lead] } } }\n';
    const close = cell(eligiblePolicy({ "gates.yaml": gate }), "tickets.bulk_close");
    expect([close.verdict, shown(close)]).toEqual(["ask", [["refunds", "allow", "always", []]]]);
  });

  it("is silent where the role would change nothing, or is outside a ceiling or under a deny", () => {
    expect(shown(cell(POLICY, "tickets.bulk_close"))).toEqual([]);
    const deleting = eligiblePolicy({
      "roles/refunds.yaml": (REFUNDS["roles/refunds.yaml"] ?? "").replace(
        "deny:",
        "  - do: tickets:delete\n    id: drop\n  - do: invoices:create\n    id: make\ndeny:",
      ),
    });
    expect(shown(cell(deleting, "tickets.delete_ticket"))).toEqual([]);
    expect(shown(cell(deleting, "billing.create_invoice"))).toEqual([]);
    expect(shown(cell(loaded(), "billing.get_invoice"))).toEqual([]);
  });
});

describe("an elevation that is in force", () => {
  const active = (...given: readonly ReturnType<typeof elevation>[]): readonly MatrixElevation[] => {
    const options = { agents: [SUPPORT.agent], elevations: new Map([[SUPPORT.agent, given]]) };
    const found = matrix(POLICY, options).rows[0]?.cells.find(({ action }) => action === "billing.get_invoice");
    return found?.elevations ?? [];
  };

  it("stands at the cells that it covers", () => {
    const given = elevation({ scope: ["invoices:*"] });
    expect(active(given).map((one) => one.active)).toEqual([[given]]);
    expect(active(elevation({ scope: ["tickets:*"] })).map((one) => one.active)).toEqual([[]]);
  });

  it("to a role that the agent may not ask for is none", () => {
    expect(active(elevation({ role: "billing" })).map((one) => one.active)).toEqual([[]]);
  });
});
