import type { Json, JsonObject } from "@bailiwick/policy";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testStore, type TestStore } from "../../support/store.ts";
import { undoWorld, type UndoWorld } from "./support.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

type Row = Record<string, Json>;
type Rows = ReadonlyMap<string, Row>;

/** Each run is some twenty calls over a real store. */
const TIME_MS = 180_000;

const IDS = ["A", "B", "C"];
const id = fc.constantFrom(...IDS);
const value = fc.constantFrom("x", "y", "z");
const fields = fc.record({ status: value, region: value, notes: value }, { requiredKeys: [] });
const made = fc.record({ status: value, region: value, notes: value }, { requiredKeys: ["status", "region"] });
const write = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant("create" as const), id, fields: made }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("update" as const), id, fields }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete" as const), id, fields: fc.constant({}) }) },
);
type Write = { readonly do: "create" | "update" | "delete"; readonly id: string; readonly fields: JsonObject };
const step = fc.record({ by: fc.constantFrom("agent" as const, "agent" as const, "agent" as const, "other" as const), write });

/** One call that took effect: the record as it was, and as it was left. */
interface Done {
  readonly call: string;
  readonly write: Write;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

/** What a write makes of a record; undefined where it is no write at all. The tool's rules, said once more. */
function effect(row: Row | undefined, { do: what, id: name, fields: given }: Write): { readonly row: Row | undefined } | undefined {
  if (what === "create") return row === undefined ? { row: { id: name, tenant: "acme", ...given } } : undefined;
  if (row === undefined) return undefined;
  return { row: what === "delete" ? undefined : { ...row, ...given } };
}

/** What must come of undoing a call, judged by comparing whole records: the record it leaves, or that it cannot be. */
function undone(
  now: Row | undefined,
  { write: { do: what, fields: given }, before, after }: Done,
): { readonly row: Row | undefined } | string {
  if (what === "create") return now === undefined ? "refused" : same(now, after) ? { row: undefined } : "changed";
  if (what === "delete") return now === undefined ? { row: before } : "failed";
  const changed = Object.keys(given).filter((field) => before?.[field] !== after?.[field]);
  if (changed.length === 0) return "impossible";
  if (changed.some((field) => before?.[field] === undefined)) return "impossible";
  if (now === undefined) return "refused";
  if (changed.some((field) => now[field] !== after?.[field])) return "changed";
  return { row: { ...now, ...Object.fromEntries(changed.map((field) => [field, before?.[field] ?? null])) } };
}

function same(a: Row | undefined, b: Row | undefined): boolean {
  const sorted = (row: Row | undefined): string => JSON.stringify(Object.entries(row ?? {}).toSorted(([x], [y]) => (x < y ? -1 : 1)));
  return (a === undefined) === (b === undefined) && sorted(a) === sorted(b);
}

const snapshot = (rows: Rows): Rows => new Map([...rows].map(([name, row]) => [name, { ...row }]));
const plain = (rows: Rows): JsonObject => Object.fromEntries([...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Plays the writes, the agent's through the broker and the others' at the tool, and gives the agent's that took effect. */
async function play(
  world: UndoWorld,
  steps: readonly { readonly by: "agent" | "other"; readonly write: Write }[],
): Promise<readonly Done[]> {
  const done: Done[] = [];
  for (const { by, write: asked } of steps) {
    const before = world.rows.get(asked.id);
    const outcome = effect(before, asked);
    if (outcome === undefined) continue;
    const was = before === undefined ? undefined : { ...before };
    if (by === "agent") {
      const call = await world.done(`${asked.do}_ticket`, asked.do === "delete" ? { id: asked.id } : { id: asked.id, ...asked.fields });
      done.push({ call, write: asked, before: was, after: outcome.row });
    } else if (outcome.row === undefined) world.rows.delete(asked.id);
    else world.rows.set(asked.id, outcome.row);
    expect(world.rows.get(asked.id)).toEqual(outcome.row);
  }
  return done;
}

test(
  "writes undone in reverse order leave each record as a naive model says, or are refused for a conflict that is one",
  { timeout: TIME_MS },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 9 }), async (steps) => {
        const world = await undoWorld(db.store);
        const done = await play(world, steps);
        for (const each of done.toReversed()) {
          const model = undone(world.rows.get(each.write.id), each);
          const expected = new Map(snapshot(world.rows));
          if (typeof model !== "string" && model.row !== undefined) expected.set(each.write.id, model.row);
          if (typeof model !== "string" && model.row === undefined) expected.delete(each.write.id);
          const outcome = await world.undoing(each.call);
          expect(outcome.state, JSON.stringify(each)).toBe(typeof model === "string" ? model : "undone");
          expect(plain(world.rows)).toEqual(plain(expected));
          if (typeof model !== "string") expect(await world.undoing(each.call)).toMatchObject({ code: "already_undone" });
        }
      }),
      { numRuns: 30 },
    );
  },
);

test("without others' writes everything is as it was, and undoing the undos brings all of it back", { timeout: TIME_MS }, async () => {
  // A field that was not there before cannot be taken away, so records begin with all of them.
  const whole = fc.record({ status: value, region: value, notes: value });
  const own = fc.oneof(
    fc.record({ do: fc.constant("create" as const), id, fields: whole }),
    fc.record({ do: fc.constant("update" as const), id, fields }),
    fc.record({ do: fc.constant("delete" as const), id, fields: fc.constant({}) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(own, { minLength: 1, maxLength: 8 }), fc.dictionary(id, whole), async (writes, begin) => {
      const world = await undoWorld(db.store);
      for (const [name, row] of Object.entries(begin)) world.rows.set(name, { id: name, tenant: "acme", ...row });
      const start = plain(snapshot(world.rows));
      const done = await play(
        world,
        writes.map((each) => ({ by: "agent", write: each })),
      );
      const states: JsonObject[] = [plain(snapshot(world.rows))];
      const undos: string[] = [];
      for (const each of done.toReversed()) {
        const outcome = await world.undoing(each.call);
        if (outcome.state === "undone") {
          undos.push(outcome.undo);
          states.push(plain(snapshot(world.rows)));
        } else expect(outcome).toMatchObject({ code: "nothing_changed" });
      }
      expect(plain(world.rows)).toEqual(start);
      for (const [place, undo] of [...undos.entries()].toReversed()) {
        expect(await world.undoing(undo)).toMatchObject({ state: "undone" });
        expect(plain(world.rows)).toEqual(states[place]);
      }
    }),
    { numRuns: 20 },
  );
});
