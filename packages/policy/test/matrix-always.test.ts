import { describe, expect, it } from "vitest";
import { loaded } from "./support/helpdesk.ts";
import { ceiling, cell, role } from "./support/matrix.ts";

describe("a cell is `always` when nothing but scope, limits and malformed arguments can refuse:", () => {
  const closing = (grant: string, more: Readonly<Record<string, string>> = {}, ...rest: readonly string[]) => {
    const { verdict, when } = cell(
      loaded({ ...role("allow:", `  - { do: tickets:close${grant} }`, ...rest), ...more }),
      "tickets.bulk_close",
    );
    return `${verdict} ${when}`;
  };
  const gate = (text: string) => ({ "gates.yaml": `gates:\n  - { gate: g, reason: r, on: { do: [tickets:close] }, ${text} }\n` });
  const few = ", limits: { records: 10 }";
  const fails = "context.records * 9223372036854775807 > 0";

  it.each([
    ["a grant with limits", "allow always", few, {}],
    ["a grant that asks at every call", "ask always", `${few}, approve: { by: [operator] }`, {}],
    ["a grant that asks at some", "allow sometimes", `${few}, approve: { by: [operator], unless: context.records == 1 }`, {}],
    ["a grant with a condition", "allow sometimes", `${few}, when: context.records > 1`, {}],
    ["the bulk gate, which asks above 100 records", "allow sometimes", "", {}],
    ["the bulk gate where 100 records are the most", "allow always", ", limits: { records: 100 }", {}],
    ["the bulk gate where 101 records are the most", "allow sometimes", ", limits: { records: 101 }", {}],
    ["hours", "allow sometimes", few, gate('require: { hours: { days: [mon], from: "08:00", to: "09:00", zone: UTC } }')],
    ["a gate that limits only", "allow always", few, gate("when: context.records > 1, require: { limits: { perHour: 1 } }")],
    ["a gate whose condition can fail", "allow sometimes", few, gate(`when: ${fails}, require: { limits: { perHour: 1 } }`)],
    ["a ceiling with a condition", "allow sometimes", few, ceiling('{ allow: ["tickets:*"], when: context.records > 1 }')],
    ["a ceiling of field forms", "allow sometimes", few, ceiling('{ allow: ["tickets:close:ids"] }')],
  ] as const)("%s: %s", (_, expected, grant, more) => {
    expect(closing(grant, more)).toBe(expected);
  });

  it("a deny that only another tenant meets does not count, unless it can fail before that is known", () => {
    const denied = (when: string) => closing(few, {}, "deny:", `  - { do: tickets:close, when: ${when} }`);
    expect(denied('context.records > 1 && principal.tenant == "globex"')).toBe("allow always");
    expect(denied(`${fails} && principal.tenant == "globex"`)).toBe("allow sometimes");
  });

  it("a grant for few records is not enough beside one that asks for more", () => {
    const more = (records: number) => `  - { do: tickets:close, approve: { by: [operator] }, limits: { records: ${String(records)} } }`;
    expect(closing(few, {}, more(10))).toBe("allow always");
    expect(closing(few, {}, more(11))).toBe("allow sometimes");
  });

  it("a record can be another tenant's, while a list is filtered", () => {
    const policy = loaded(role("allow:", "  - { do: tickets:read }"));
    expect(cell(policy, "tickets.get_ticket").when).toBe("sometimes");
    expect(cell(policy, "tickets.list_tickets").when).toBe("always");
  });
});
