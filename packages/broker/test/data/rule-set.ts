import fc from "fast-check";
import { type Condition, conditions } from "./condition.ts";
import { REGIONS, TENANTS } from "./records.ts";

export type Masked = "redact" | "partial" | "hash";

/** Paths, or labels with an `@` before them. */
export interface Fields {
  readonly hide: readonly string[];
  readonly mask: Readonly<Record<string, Masked>>;
}

/** What a rule may ask of the call; each has one answer for a whole call. */
export const WHENS = {
  'context.session.task == "T-1"': "task",
  'principal.region == "emea"': "region",
  "context.session.data has home": "home",
} as const;
export type When = keyof typeof WHENS;

export interface Rule {
  readonly when?: When | undefined;
  readonly rows?: Condition | undefined;
}

/** All rules that one agent is under. */
export interface RuleSet {
  readonly region: string;
  readonly grants: readonly (Rule & { readonly fields: Fields })[];
  /** Grants of a role that its own extends. */
  readonly inherited: readonly (Rule & { readonly fields: Fields })[];
  readonly denies: readonly (Rule & { readonly rows: Condition })[];
  readonly gates: readonly { readonly when?: When | undefined; readonly fields: Fields }[];
}

/** A session of the agent of one rule set, perhaps delegated by the agent of another. */
export interface Asked {
  readonly tenant: string;
  readonly task: string;
  readonly home?: string | undefined;
  readonly rows: readonly { readonly Thing: Readonly<Record<string, readonly string[]>> }[];
}

/** Labels as the catalog of the suite has them: some at one tool's action, some at another's. */
export const LABELS = {
  things: { email: ["pii"], note: ["secret", "untrusted"] },
  web: { "owner.phone": ["pii"], amount: ["money"] },
} as const;

const path = fc.constantFrom("note", "email", "score", "amount", "open", "due", "region", "tier", "owner", "owner.name", "owner.phone");
const label = fc.constantFrom("@pii", "@secret", "@money", "@untrusted");
const named = fc.oneof({ weight: 4, arbitrary: path }, { weight: 1, arbitrary: label });
const masks = fc.dictionary(named, fc.constantFrom<Masked>("redact", "partial", "hash"), { maxKeys: 3, noNullPrototype: true });
const fields: fc.Arbitrary<Fields> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ hide: [], mask: {} }) },
  { weight: 4, arbitrary: fc.record({ hide: fc.uniqueArray(fc.oneof(named, fc.constant("tags")), { maxLength: 2 }), mask: masks }) },
);
const when = fc.option(
  fc.constantFrom<When>('context.session.task == "T-1"', 'principal.region == "emea"', "context.session.data has home"),
  { freq: 3, nil: undefined },
);
const rows = fc.option(conditions, { freq: 5, nil: undefined });
const grant = fc.record({ when, rows, fields });

const ruleSet: fc.Arbitrary<RuleSet> = fc.record({
  region: fc.constantFrom(...REGIONS),
  grants: fc.array(grant, { minLength: 1, maxLength: 3 }),
  inherited: fc.array(grant, { maxLength: 1 }),
  denies: fc.array(fc.record({ when, rows: conditions }), { maxLength: 2 }),
  gates: fc.array(fc.record({ when, fields: fields.filter(({ hide, mask }) => hide.length + Object.keys(mask).length > 0) }), {
    maxLength: 1,
  }),
});

const EVERY_SECOND = Array.from({ length: 30 }, (_, at) => `th-${String(at * 2).padStart(3, "0")}`);
const bound: fc.Arbitrary<Readonly<Record<string, readonly string[]>>> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  { weight: 3, arbitrary: fc.record({ region: fc.subarray([...REGIONS], { minLength: 1 }) }) },
  { weight: 2, arbitrary: fc.constant({ id: EVERY_SECOND }) },
  { weight: 1, arbitrary: fc.constant({ note: ["a", ""], id: EVERY_SECOND }) },
);
const asked: fc.Arbitrary<Asked> = fc.record({
  tenant: fc.constantFrom(...TENANTS),
  task: fc.constantFrom("T-1", "T-2"),
  home: fc.option(fc.constantFrom(...REGIONS), { nil: undefined }),
  rows: bound.map((made) => (Object.keys(made).length === 0 ? [] : [{ Thing: made }])),
});

/** The same rule sets, and sessions under them, for the same seed. */
export function ruleSetsOf(seed: number, count: number): readonly { readonly rules: RuleSet; readonly asked: Asked }[] {
  return fc.sample(fc.record({ rules: ruleSet, asked }), { seed, numRuns: count });
}
