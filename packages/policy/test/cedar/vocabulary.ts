import type { Uid } from "./question.ts";

/**
 * `bool`, `long`, `string`, `decimal`, `ip`, `datetime`, `duration`, `entity <type>`, `set <type>`, `record <name>`, or `text <type>`:
 * a string for the constructor of the extension type.
 */
export type Type = string;
export type Fields = ReadonlyMap<string, Type>;

/** Attributes of entities and of contexts. A world uses some of them: Cedar's interpreter pays for every value it is given. */
export const FIELDS: Fields = new Map([
  ["flag", "bool"],
  ["if", "bool"],
  ["age", "long"],
  ["big", "long"],
  ["constructor", "long"],
  ["name", "string"],
  ["__proto__", "string"],
  ['odd "key"\\\n\u0000é\u{1f600}', "string"],
  ["price", "decimal"],
  ["addr", "ip"],
  ["net", "ip"],
  ["since", "datetime"],
  ["ttl", "duration"],
  ["boss", "entity User"],
  ["owner", "entity Group"],
  ["profile", "record profile"],
  ["", "record deep"],
  ["labels", "set string"],
  ["nums", "set long"],
  ["nested", "set set long"],
  ["people", "set entity User"],
  ["nets", "set ip"],
  ["rows", "set record row"],
  ["amount", "text decimal"],
  ["host", "text ip"],
  ["when", "text datetime"],
  ["span", "text duration"],
]);

const RECORDS: ReadonlyMap<string, Fields> = new Map([
  [
    "record profile",
    new Map([
      ["city", "string"],
      ["level", "long"],
      ["deep", "record deep"],
      ["rates", "set decimal"],
    ]),
  ],
  [
    "record deep",
    new Map([
      ["x", "long"],
      ["ok", "bool"],
      ["who", "entity User"],
      ["__proto__", "string"],
      ["toString", "long"],
    ]),
  ],
  [
    "record row",
    new Map([
      ["a", "long"],
      ["hasOwnProperty", "string"],
    ]),
  ],
]);

export function fieldsOf(record: Type): Fields {
  return RECORDS.get(record) ?? new Map<string, Type>();
}

/** What an expression may be; entity types are one to an expression. */
export const TYPES: readonly Type[] = [
  ...new Set([...FIELDS.values(), ...[...RECORDS.values()].flatMap((fields) => [...fields.values()])]),
];

/** An entity that may exist. Parents have a higher level, so that no cycle arises. */
export interface Place {
  readonly uid: Uid;
  readonly level: number;
}

const AWKWARD = ['q"\\\n\u0000\u007f', "__proto__", "é\u{1f600}*"] as const;

export const USERS = placesOf("User", [[0, ["alice", "bob", AWKWARD[0], AWKWARD[1]]]]);
export const GROUPS = placesOf("Group", [
  [1, ["staff", "constructor"]],
  [2, ["all", AWKWARD[2]]],
  [3, ["root"]],
]);
export const DOCS = placesOf("App::Doc", [[0, ["1", "2", AWKWARD[2]]]]);
export const FOLDERS = placesOf("App::Folder", [
  [1, ["in", ""]],
  [2, ["out"]],
  [3, ["top"]],
]);
/** Entities that are named and never given. */
export const GHOSTS = placesOf("Ghost", [[4, ["boo"]]]);
export const ACTIONS = [
  ...placesOf("Action", [
    [0, ["view", "edit", AWKWARD[0]]],
    [1, ["write"]],
    [2, ["any"]],
  ]),
  // A schema forbids ids of a namespace that the empty namespace has.
  ...placesOf("App::Action", [
    [0, ["go"]],
    [1, ["all"]],
  ]),
];
export const THINGS: readonly Place[] = [...USERS, ...GROUPS, ...DOCS, ...FOLDERS];
export const ENTITY_TYPES = ["User", "Group", "App::Doc", "App::Folder", "Ghost", "Action", "App::Action", "App"];

function placesOf(type: string, levels: readonly (readonly [level: number, ids: readonly string[]])[]): readonly Place[] {
  return levels.flatMap(([level, ids]) => ids.map((id) => ({ uid: { type, id }, level })));
}

export const TAGS = ["color", "__proto__", "valueOf", 'a "tag"\t', ""];

export const SMALL_LONGS: readonly bigint[] = [0n, 1n, -1n, 2n, 3n, 7n, 10n, -10n, 100n];
const MAX = 2n ** 63n - 1n;
export const EXTREME_LONGS: readonly bigint[] = [
  [MAX, MAX - 1n, -MAX, -MAX - 1n, 2n ** 62n, -(2n ** 62n), 3_037_000_500n, 3_037_000_499n, 4_294_967_296n],
  [2n ** 53n - 2n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n), -(2n ** 53n) - 1n, 9_007_199_254_740_995n],
].flat();

export const STRINGS: readonly string[] = [
  ["", "a", "ab", "abc", "a*c", "*", "\\*", "eu", "EU", "x".repeat(40), "a\nb", "\u0000", '"', "'", "\\", "\u{1f600}", "a\u{1f600}c"],
  ["é", "e\u0301", "__proto__", "constructor", "color", "1.5", "10.0.0.1", "2024-02-29", "1h", "// no comment 9007199254740993", "\u2028"],
].flat();

/** What `like` patterns are made of; a star is a wildcard or a literal. */
export const PATTERN_PARTS = ["a", "b", "c", "*", "\\", "eu", "\u{1f600}", "é", "\n", '"', "ab", "\u0000", "\u0301"];

const DECIMALS = "0.0 -0.0 1.5 1.50 -1.5 0.0001 922337203685477.5807 -922337203685477.5808 00012.3";
const ADDRESSES =
  "10.0.0.1 10.0.0.1/32 10.0.0.0/8 10.1.2.3/8 127.0.0.1 127.0.0.0/7 224.0.0.1 224.0.0.0/3 0.0.0.0/0 255.255.255.255/32 " +
  "::1 0:0:0:0:0:0:0:1 ::1/127 :: ::/0 ff02::1 ff00::/7 2001:db8::/32 2001:DB8:0:0::1 ::ffff:a00:1 1:2:3:4:5:6:7::";
const DATETIMES =
  "2024-02-29 1970-01-01 1969-12-31 0000-01-01 9999-12-31T23:59:59.999-2359 2024-02-29T12:30:00Z 2024-02-29T00:00:00.001Z " +
  "2024-02-29T14:00:00+0130 1969-12-31T23:59:59.999Z 2024-02-28T23:00:00-0100";
const DURATIONS =
  "0ms 1ms -1ms 1s 90m 1h30m 1d -1d 1d2h3m4s5ms -36h 100000d -100000d " +
  "9223372036854775807ms -9223372036854775808ms 106751991167d7h12m55s807ms";

/** By the type, what its constructor reads. */
export const VALID: ReadonlyMap<Type, readonly string[]> = new Map([
  ["decimal", DECIMALS.split(" ")],
  ["ip", ADDRESSES.split(" ")],
  ["datetime", DATETIMES.split(" ")],
  ["duration", DURATIONS.split(" ")],
]);
