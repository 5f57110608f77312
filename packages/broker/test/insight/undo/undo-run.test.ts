import { afterAll, beforeAll, expect, test } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { callsToUndo, planRun, undoRun } from "../../../src/insight/undo/undo-run.ts";
import type { UndoPorts } from "../../../src/insight/undo/undo-call.ts";
import { testStore, type TestStore } from "../../support/store.ts";
import { OLAF, undoWorld, type UndoWorld } from "./support.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

/** Ports that lose the store after so many undos were begun. */
function losing({ undo }: UndoWorld, after: number): UndoPorts {
  let begun = 0;
  const create = (...args: Parameters<UndoPorts["session"]["sessions"]["create"]>): Promise<void> => {
    begun += 1;
    if (begun > after) return Promise.reject(new Fault("store_unavailable", "the store is away; try again"));
    return undo.session.sessions.create(...args);
  };
  return { ...undo, session: { ...undo.session, sessions: { create } } };
}

async function ranUndo(after: number): Promise<readonly (readonly [string, string])[]> {
  const world = await undoWorld(db.store);
  const made = [];
  for (const id of ["C-1", "C-2", "C-3"]) made.push(await world.done("create_ticket", { id, region: "emea", status: "new" }));
  const plan = await planRun(world.undo, "acme", (await callsToUndo(db.store.log, "acme", world.session.run)) ?? []);
  const steps = await undoRun(
    losing(world, after),
    "acme",
    plan.map(({ call }) => call),
    OLAF,
  );
  expect(steps.map(({ call }) => call)).toEqual(made.toReversed());
  return steps.map((step) => [step.state, "code" in step ? (step.code ?? "") : ""]);
}

test("a store that goes away in the middle ends the undoing of a run, and what was undone is told", async () => {
  expect(await ranUndo(1)).toEqual([
    ["undone", ""],
    ["refused", "store_unavailable"],
    ["not_tried", ""],
  ]);
});

test("a store that is away from the start is a fault", async () => {
  await expect(ranUndo(0)).rejects.toMatchObject({ code: "store_unavailable" });
});
