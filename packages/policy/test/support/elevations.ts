import fc from "fast-check";
import { load } from "../../src/index.ts";
import type { ActiveElevation, Caller, Policy } from "../../src/index.ts";
import { HELPDESK, loaded, NOW, SUPPORT } from "./helpdesk.ts";
import { folder, rules } from "./random-rules.ts";
import type { Rules } from "./random-rules.ts";

/** The support agent may ask for the role `refunds`, within a ceiling that leaves room for it. */
export const REFUNDS: Readonly<Record<string, string>> = {
  "roles/refunds.yaml": `role: refunds
reason: refunds while billing is down
extends: [base]
allow:
  - do: invoices:read
    id: look-up
  - do: tickets:update
    id: any-region
    rows: resource.tier == 1
    fields: { write: [status, priority] }
  - do: tickets:read
    id: read-any-region
    rows: resource.tier == 1
    fields: { hide: [internal_notes] }
deny:
  - do: mail:send
    id: no-mail-while-refunding
`,
  "agents/support.yaml": `${HELPDESK["agents/support.yaml"] ?? ""}eligible:
  - role: refunds
    most: 4h
    reason: billing is down
    approve: { by: [support-lead], expires: 30m }
`,
};

export function elevation(changes: Partial<ActiveElevation> = {}): ActiveElevation {
  return { id: "elv_1", role: "refunds", scope: [], until: new Date(NOW.getTime() + 3_600_000), ...changes };
}

export function elevated(...elevations: readonly ActiveElevation[]): Caller {
  return { ...SUPPORT, elevations: elevations.length === 0 ? [elevation()] : elevations };
}

export const eligiblePolicy = (changes: Readonly<Record<string, string | undefined>> = {}): Policy => loaded({ ...REFUNDS, ...changes });

/** Rules of a role `extra` beside those of the support agent. */
export interface ExtraRules {
  readonly own: Rules;
  readonly extra: Pick<Rules, "grants" | "denies">;
  /** Denies and grants of the support role that ask whether the agent is in `extra`. */
  readonly asking: Pick<Rules, "grants" | "denies">;
}

const IN_EXTRA = { when: 'principal in Role::"extra"' } as const;
const asking = (of: readonly object[]): readonly object[] => of.map((rule) => ({ ...rule, ...IN_EXTRA }));

export const extraRules: fc.Arbitrary<ExtraRules> = fc.tuple(rules, rules, rules, fc.boolean()).map(([own, extra, more, asks]) => ({
  own,
  extra: { grants: extra.grants, denies: extra.denies },
  asking: asks ? { grants: asking(more.grants), denies: asking(more.denies) } : { grants: [], denies: [] },
}));

/** The folder with the agent eligible for `extra`, or holding it. Undefined where the rules contradict themselves. */
export function policyWith({ own, extra, asking: more }: ExtraRules, as: "eligible" | "held" | "neither"): Policy | undefined {
  const named = (list: readonly object[], name: string) => list.map((entry, index) => ({ id: `${name}-${String(index)}`, ...entry }));
  const role = {
    role: "extra",
    reason: "r",
    extends: ["base"],
    allow: named(extra.grants, "extra"),
    deny: named(extra.denies, "extra-deny"),
  };
  const set = { ...own, grants: [...own.grants, ...more.grants], denies: [...own.denies, ...more.denies] };
  const files = folder(set).map(({ path, text }) => {
    if (path !== "agents/support.yaml" || as === "neither") return { path, text };
    const eligible = "eligible: [{ role: extra, most: 1h, reason: r, approve: { by: [support-lead] } }]\n";
    return { path, text: as === "held" ? text.replace("roles: [support]", "roles: [support, extra]") : `${text}${eligible}` };
  });
  const result = load([...files, { path: "roles/extra.yaml", text: JSON.stringify(role) }]);
  return result.ok ? result.policy : undefined;
}
