import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, load, present } from "../src/index.ts";
import type { JsonObject, Mask, Policy } from "../src/index.ts";
import { call, files, HELPDESK, loaded, TICKET } from "./support/helpdesk.ts";
import { places } from "./support/changed-folder.ts";

const GET = call("get_ticket", { id: "T-1" });
const FIELDS = ["region", "status", "internal_notes", "customer.email", "customer.ssn"] as const;
const LABELS = ["pii", "secret", "our own"] as const;
type Labels = Readonly<Record<string, readonly string[]>>;

/** The catalog with these labels: those of the first set at the action that is called, of the second at another that returns the same records. */
function catalog(own: Labels, others: Labels): string {
  const bare = (HELPDESK["tools/tickets.yaml"] ?? "").replace("    labels: { body: [untrusted] }\n", "");
  return bare
    .replace(
      "    resource: { type: Ticket, id: args.id }\n    returns",
      `    resource: { type: Ticket, id: args.id }\n    labels: ${JSON.stringify(own)}\n    returns`,
    )
    .replace(
      "    force: { tenant: principal.tenant }\n",
      `    force: { tenant: principal.tenant }\n    labels: ${JSON.stringify(others)}\n`,
    );
}

interface Rules {
  readonly hide: readonly string[];
  readonly mask: Readonly<Record<string, Mask>>;
}

/** The rules with each label written out by hand. */
function writtenOut({ hide, mask }: Rules, labels: readonly Labels[]): Rules {
  const pathsOf = (name: string): readonly string[] =>
    name.startsWith("@") ? labels.flatMap((each) => Object.keys(each).filter((path) => each[path]?.includes(name.slice(1)))) : [name];
  const strength = ["partial", "hash", "token", "redact"];
  const entries = Object.entries(mask).flatMap(([name, how]) => pathsOf(name).map((path) => [path, how] as const));
  const weakestFirst = entries.toSorted(([, a], [, b]) => strength.indexOf(a) - strength.indexOf(b));
  return { hide: hide.flatMap(pathsOf), mask: Object.fromEntries(weakestFirst) };
}

function policyOf(tools: string, grants: readonly Rules[], gates: readonly Rules[]): Policy | undefined {
  const result = load(
    files({
      "tools/tickets.yaml": tools,
      "roles/support.yaml": JSON.stringify({
        role: "support",
        reason: "r",
        allow: grants.map((fields) => ({ do: "tickets:read", fields })),
      }),
      "gates.yaml": JSON.stringify({
        gates: gates.map((fields, index) => ({
          gate: `g${String(index)}`,
          reason: "r",
          on: { do: ["tickets:read"] },
          require: { fields },
        })),
      }),
    }),
  );
  return result.ok ? result.policy : undefined;
}

const shown = (policy: Policy, record: JsonObject) => present(policy, GET, decide(policy, GET), record, "Ticket", { maskSalt: "s" });

const labels: fc.Arbitrary<Labels> = fc.dictionary(fc.constantFrom(...FIELDS), fc.subarray([...LABELS], { minLength: 1 }), { maxKeys: 3 });
const named = fc.constantFrom(...FIELDS, "customer", ...LABELS.map((label) => `@${label}`));
const rules: fc.Arbitrary<Rules> = fc.record({
  hide: fc.uniqueArray(named, { maxLength: 2 }),
  mask: fc.dictionary(named, fc.constantFrom<Mask>("redact", "partial", "hash", "token"), { maxKeys: 3, noNullPrototype: true }),
});

describe("a label in a rule on fields", () => {
  it("means the same as the paths that carry it, in grants and in gates", () => {
    let compared = 0;
    fc.assert(
      fc.property(
        labels,
        labels,
        fc.array(rules, { minLength: 1, maxLength: 2 }),
        fc.array(rules, { maxLength: 1 }),
        (own, others, grants, gates) => {
          const tools = catalog(own, others);
          const policy = policyOf(tools, grants, gates);
          const spelled = (each: Rules): Rules => writtenOut(each, [own, others]);
          const byHand = policyOf(tools, grants.map(spelled), gates.map(spelled));
          // A label that no field has is an error in the one and an empty list in the other.
          if (policy === undefined || byHand === undefined) return;
          compared += 1;
          expect(shown(policy, TICKET)).toEqual(shown(byHand, TICKET));
        },
      ),
      { numRuns: 150, seed: 7 },
    );
    expect(compared).toBeGreaterThan(40);
  }, 60_000);

  it("covers a field that only another action of the type labels", () => {
    const policy = policyOf(catalog({}, { status: ["secret"] }), [{ hide: ["@secret"], mask: {} }], []);
    expect(policy === undefined ? undefined : shown(policy, TICKET).hidden).toEqual(["status"]);
  });

  it("that no field of the covered records has is an error, with the labels there are", () => {
    const folder = files({
      "tools/tickets.yaml": catalog({ status: ["secret"] }, {}),
      "roles/support.yaml":
        'role: support\nreason: r\nallow:\n  - do: tickets:read\n    fields:\n      hide: ["@secrets"]\n      mask: { "@pii": partial }\n',
    });
    const result = load(folder);
    const found = result.ok ? [] : result.diagnostics;
    expect(places(found)).toEqual(["error unknown-label roles/support.yaml:6", "error unknown-label roles/support.yaml:7"]);
    expect(found[0]?.write).toContain("secret");
  });
});

describe("the mask `token`", () => {
  const policy = loaded({
    "roles/support.yaml":
      "role: support\nreason: r\nallow:\n  - { do: tickets:read, fields: { mask: { customer: token, status: token } } }\n",
  });
  const token = (text: string, path: string): string => `{${path} ${String(text.length)}}`;

  it("puts the name that is given for each text of the field, with the path that the rule names", () => {
    const { record } = present(policy, GET, decide(policy, GET), TICKET, "Ticket", { token });
    expect(record).toMatchObject({ status: "{status 4}", customer: { email: "{customer 18}", ssn: "{customer 11}" } });
  });

  it("shows nothing where nobody gives names", () => {
    expect(shown(policy, TICKET).record).toMatchObject({ status: "[redacted]", customer: { email: "[redacted]", ssn: "[redacted]" } });
  });
});
