import fc from "fast-check";

export const TENANTS = ["acme", "globex"] as const;
export const REGIONS = ["emea", "amer", "apac"] as const;
export const DAYS = ["2026-01-01", "2026-11-23T10:00:00.500Z", "1970-01-01T00:00:00Z"] as const;

/** Texts that are easily broken on their way: quotes, wildcards, other planes, marks of direction, what looks the same and is not. */
export const NAMES = [
  "",
  "a",
  "aß_%",
  'O\'Brien \\ "x"',
  "name@a.example",
  "e\u0301",
  "\u00e9",
  "\u{1f9d1}\u200d\u{1f680}",
  "\u202eabc",
  "line\nbreak\ttab",
  "12345678",
  "a*b*c",
] as const;
export const AMONG = ["emea", "amer", ...NAMES] as const;

const MAILS = [
  "ana@client.example",
  "o.brien@sub.client.example",
  "@",
  "two@at@signs.example",
  "not an@address",
  "\u{1f4e7}@x.example",
] as const;
const AMOUNTS = [0, 0.0001, -0.5, 12.5, 1_000_000.25, -922_337_203.6854, 99_999_999.9999] as const;
const INTEGERS = [0, 1, 2, 3, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER] as const;
const MOMENTS = [
  "2026-01-01T00:00:00.000Z",
  "2026-11-23T10:00:00.500Z",
  "2026-11-23T10:00:00.501Z",
  "1970-01-01T00:00:00.000Z",
  "1969-12-31T23:59:59.999Z",
] as const;

/** A record as the database has it; `null` is what it does not have. */
export type Thing = {
  readonly id: string;
  readonly tenant: string;
  readonly region: string;
  readonly tier: number | null;
  readonly amount: number;
  readonly open: boolean;
  readonly due: string | null;
  readonly note: string | null;
  readonly email: string | null;
  readonly score: number | null;
  readonly owner: { readonly name: string; readonly phone: string | null };
  readonly tags: readonly string[] | null;
};

const text = fc.constantFrom(...NAMES);
const sometimes = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 3, nil: null });
/** `tier` and `due` are declared as required: a record without them is one that breaks its word. */
const seldomMissing = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 12, nil: null });

const thing: fc.Arbitrary<Omit<Thing, "id">> = fc.record({
  tenant: fc.constantFrom(...TENANTS),
  region: fc.constantFrom(...REGIONS),
  tier: seldomMissing(fc.constantFrom(...INTEGERS)),
  amount: fc.constantFrom(...AMOUNTS),
  open: fc.boolean(),
  due: seldomMissing(fc.constantFrom(...MOMENTS)),
  note: sometimes(
    fc.oneof(
      text,
      fc.string({ unit: "grapheme", maxLength: 12 }).filter((made) => !made.includes("\0")),
    ),
  ),
  email: sometimes(fc.constantFrom(...MAILS)),
  score: sometimes(fc.constantFrom(...INTEGERS)),
  owner: fc.record({ name: text, phone: sometimes(fc.constantFrom("+1 555 0100", "1234567", ...NAMES)) }),
  tags: sometimes(fc.array(fc.constantFrom("a", "b,c", '{"x"}', "\u00e9"), { maxLength: 3 })),
});

/** The same records for the same seed. */
export function thingsOf(seed: number, count: number): readonly Thing[] {
  return fc.sample(thing, { seed, numRuns: count }).map((made, index) => ({ id: `th-${String(index).padStart(3, "0")}`, ...made }));
}
