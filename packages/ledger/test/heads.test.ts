import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  byRunAndAgent,
  formatHeadsLine,
  headFromProof,
  type HeadProof,
  headsMap,
  type HeadsMap,
  headsOf,
  type SequenceHead,
  type SequenceKey,
} from "../src/index.ts";
import { headLine, pathOf } from "../src/heads/head.ts";
import { headHash, mapNodeHash, turnsRight } from "../src/heads/map-hash.ts";
import { codeOf } from "./support/log.ts";

const keys: fc.Arbitrary<SequenceKey> = fc.record({
  kind: fc.constantFrom("run", "agent"),
  name: fc.oneof(fc.string({ unit: "grapheme", maxLength: 6 }), fc.nat(300).map(String)),
});
const histories = fc.array(keys, { maxLength: 300 });

function grown(history: readonly SequenceKey[]): HeadsMap {
  const map = headsMap();
  for (const [index, key] of history.entries()) map.add(key, index);
  return map;
}

/** What the map must say, counted the plain way. */
function counted(history: readonly SequenceKey[]): readonly SequenceHead[] {
  return [...Map.groupBy(history.entries(), ([, { kind, name }]) => JSON.stringify([kind, name])).values()].map((all) => {
    const [first] = all;
    return { kind: first?.[1].kind ?? "", name: first?.[1].name ?? "", count: all.length, lastIndex: all.at(-1)?.[0] ?? 0 };
  });
}

describe("the map of heads", () => {
  test("proves every sequence's count and last record, and that other sequences have none", () => {
    fc.assert(
      fc.property(histories, keys, (history, other) => {
        const map = grown(history);
        const { root, count } = map.commitment();
        const heads = counted(history);
        expect(count).toBe(heads.length);
        expect(heads.map((head) => map.get(head))).toEqual(heads);
        for (const head of heads) expect(headFromProof(root, head, map.prove(head))).toEqual(head);
        const known = heads.find(({ kind, name }) => kind === other.kind && name === other.name);
        expect(headFromProof(root, other, map.prove(other))).toEqual(known);
      }),
    );
  });
  test("has the root that its heads give, in whatever order they came", () => {
    fc.assert(
      fc.property(histories, fc.nat(), (history, pick) => {
        const whole = grown(history);
        const cut = history.length === 0 ? 0 : pick % history.length;
        const map = grown(history.slice(0, cut));
        map.commitment(); // hashes of the half-grown map must not stay
        for (const [index, key] of history.entries()) if (index >= cut) map.add(key, index);
        const restored = headsMap();
        for (const head of [...whole.heads()].toReversed()) restored.restore(head);
        expect(map.commitment()).toEqual(whole.commitment());
        expect(restored.commitment()).toEqual(whole.commitment());
      }),
    );
  });
  test("commits to nothing as 32 zero bytes", () => {
    expect(headsMap().commitment()).toEqual({ count: 0, root: new Uint8Array(32) });
  });
});

describe("a proof of a head", () => {
  test("shows no other head, however its line and hashes are changed", () => {
    fc.assert(
      fc.property(fc.array(keys, { minLength: 2, maxLength: 60 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (history, pick, flip) => {
        const map = grown(history);
        const { root } = map.commitment();
        const heads = counted(history);
        const head = heads[pick % heads.length] ?? { kind: "", name: "", count: 0, lastIndex: 0 };
        const proof = map.prove(head);
        const forged: HeadProof[] = [
          { ...proof, line: undefined },
          { ...proof, line: JSON.stringify([head.kind, head.name, head.count - 1, head.lastIndex]) },
          { ...proof, line: JSON.stringify([head.kind, head.name, head.count, head.lastIndex + 1]) },
          { ...proof, siblings: [...proof.siblings, root] },
          { ...proof, siblings: [root, ...proof.siblings] },
          ...proof.siblings.map((_, at) => ({ ...proof, siblings: proof.siblings.toSpliced(at, 1) })),
          ...proof.siblings.flatMap((hash, at) =>
            [...hash.keys()].map((byte) => ({
              ...proof,
              siblings: proof.siblings.with(
                at,
                hash.map((one, place) => (place === byte ? one ^ flip : one)),
              ),
            })),
          ),
        ];
        for (const one of forged) expect(codeOf(() => headFromProof(root, head, one))).not.toBe("accepted");
      }),
      { numRuns: 40 },
    );
  });
  test("of another sequence does not show that a sequence is absent, unless it stands on its path", () => {
    fc.assert(
      fc.property(fc.array(keys, { minLength: 2, maxLength: 60 }), (history) => {
        const map = grown(history);
        const { root } = map.commitment();
        const heads = counted(history);
        for (const one of heads.slice(0, 5)) {
          for (const two of heads.slice(0, 5)) {
            if (one !== two) expect(codeOf(() => headFromProof(root, one, map.prove(two)))).toBe("not_included");
          }
        }
      }),
    );
  });
  test("of a map that somebody else built shows no head that stands off its own path", () => {
    const key = { kind: "run", name: "r-1" };
    const line = headLine({ ...key, count: 1, lastIndex: 0 });
    const other = headLine({ ...key, count: 9, lastIndex: 9 });
    // Both heads are of one run, and one of them stands where its path does not lead.
    const [left, right] = turnsRight(pathOf(key), 0) ? [other, line] : [line, other];
    const root = mapNodeHash(headHash(left), headHash(right));
    expect(headFromProof(root, key, { line, siblings: [headHash(other)] })).toMatchObject({ count: 1 });
    expect(codeOf(() => headFromProof(root, key, { line: other, siblings: [headHash(line)] }))).toBe("not_included");
  });
  test("of another sequence that somebody put on a run's path does not make the run absent", () => {
    const key = { kind: "run", name: "r-1" };
    const onRight = turnsRight(pathOf(key), 0);
    const off = Array.from({ length: 50 }, (_, place) => ({ kind: "run", name: `x-${place}`, count: 1, lastIndex: 0 })).find(
      (one) => turnsRight(pathOf(one), 0) !== onRight,
    );
    const line = headLine(off ?? { ...key, count: 0, lastIndex: 0 });
    const sibling = new Uint8Array(32).fill(1);
    const root = onRight ? mapNodeHash(sibling, headHash(line)) : mapNodeHash(headHash(line), sibling);
    expect(codeOf(() => headFromProof(root, key, { line, siblings: [sibling] }))).toBe("not_included");
  });
  test("of one kind says nothing about another kind with the same name", () => {
    const map = grown([{ kind: "run", name: "x" }]);
    const agent = { kind: "agent", name: "x" };
    expect(headFromProof(map.commitment().root, agent, map.prove(agent))).toBeUndefined();
  });
  test("longer than a path is refused, also when its hashes lead to the root", () => {
    const key = { kind: "run", name: "a" };
    for (const [length, answer] of [
      [256, "accepted"],
      [257, "not_included"],
    ] as const) {
      const siblings = Array.from({ length }, () => new Uint8Array(32).fill(1));
      const root = siblings.reduce<Uint8Array>(
        (own, sibling, at) => (turnsRight(pathOf(key), length - 1 - at) ? mapNodeHash(sibling, own) : mapNodeHash(own, sibling)),
        new Uint8Array(32),
      );
      expect(codeOf(() => headFromProof(root, key, { line: undefined, siblings }))).toBe(answer);
    }
  });
  test.each([
    '["run","a",1]',
    '["run","a",1,2,3]',
    '["run","a",-1,2]',
    '["run","a",1.5,2]',
    '[ "run","a",1,2]',
    '["run","a","1",2]',
    '{"a":1}',
    "",
    "[",
    '["run","\\u0061",1,2]',
  ])("with the line %j is refused", (line) => {
    expect(codeOf(() => headFromProof(new Uint8Array(32), { kind: "run", name: "a" }, { line, siblings: [] }))).toBe("malformed");
  });
});

describe("the checkpoint's line of heads", () => {
  const commitment = { count: 12, root: Buffer.alloc(32, 7) };
  const line = formatHeadsLine(commitment);
  test("is read back among other lines, and absent when it is not there", () => {
    expect(headsOf(["other", line])).toEqual(commitment);
    expect(headsOf(["other", "bailiwick-heads/2 1 x"])).toBeUndefined();
  });
  test.each([
    [[line, line]],
    [[`${line} x`]],
    [[line.replace("12", "012")]],
    [["bailiwick-heads/1 12"]],
    [["bailiwick-heads/1 12 AAAA"]],
    [[line.replace("=", "")]],
  ])("%j is refused", (lines) => {
    expect(codeOf(() => headsOf(lines))).toBe("malformed");
  });
});

test("a record counts in its run and its agent, where it names them", () => {
  expect(byRunAndAgent({ run: "r", agent: "a", other: 1 })).toEqual([
    { kind: "run", name: "r" },
    { kind: "agent", name: "a" },
  ]);
  for (const none of [null, 1, "run", [], {}, { run: 7, agent: { name: "a" } }]) expect(byRunAndAgent(none)).toEqual([]);
});
