import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { writeBrokerFile } from "../../src/config/data-folder.ts";
import { undoneSchema } from "../../src/rest-contract/undo.ts";
import { laterUndo, undoPolicy, undoWorld, type UndoWorld } from "../insight/undo/support.ts";
import { OPERATOR_KEY } from "../people-support/rest.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";
import { type Ran, runIn } from "./run-in.ts";

const policy = undoPolicy();
let house: ServedHouse;
let world: UndoWorld;
let folder: string;

beforeAll(async () => {
  house = await serveRestHouse({ policy: () => policy, undo: laterUndo(() => world) });
  folder = await mkdtemp(join(tmpdir(), "bailiwick-undo-"));
  const data = join(folder, "data");
  await mkdir(data);
  await writeFile(join(data, "operator.key"), `${OPERATOR_KEY}\n`, { mode: 0o600 });
  const startedAt = new Date().toISOString();
  await writeBrokerFile(data, { url: house.url, pid: process.pid, version: "0.0.0-test", policy: folder, startedAt });
});
beforeEach(async () => {
  world = await undoWorld(house.store, () => policy);
  world.rows.set("T-1", { id: "T-1", tenant: "acme", region: "emea", status: "open" });
});
afterAll(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

async function run(...args: readonly string[]): Promise<Ran> {
  return runIn(folder, join(folder, "data"), args);
}

test("a dry run shows what would happen and does nothing; then the call is undone, once", async () => {
  const call = await world.done("update_ticket", { id: "T-1", status: "closed" });
  const dry = await run("undo", call, "--dry-run", "--as", "olaf");
  expect(dry).toMatchObject({ code: 0, err: "" });
  expect(dry.out).toBe(`${call}  tickets:update
  undone by  tickets:update {"id":"T-1","status":"open"}
  policy     allows it
  FIELD   BEFORE  AFTER   NOW
  status  open    closed  closed
`);
  expect(world.rows.get("T-1")).toMatchObject({ status: "closed" });
  const done = await run("undo", call, "--as", "olaf", "--reason", "a slip", "--json");
  expect(done.code).toBe(0);
  expect(undoneSchema.parse(JSON.parse(done.out))).toMatchObject({ call, state: "undone" });
  expect(world.rows.get("T-1")).toMatchObject({ status: "open" });
  expect(await run("undo", call)).toMatchObject({
    code: 1,
    out: expect.stringMatching(/is not undone: `call_\S+` has undone this call already/u),
  });
  expect((await run("undo", call, "--dry-run")).out).toContain("cannot be undone: `call_");
});

test("a conflict is shown field by field and ends with 1", async () => {
  const call = await world.done("update_ticket", { id: "T-1", status: "closed" });
  world.rows.set("T-1", { ...world.rows.get("T-1"), status: "spam" });
  const [dry, tried] = [await run("undo", call, "--dry-run"), await run("undo", call)];
  for (const { code, out } of [dry, tried]) {
    expect(code).toBe(1);
    expect(out).toMatch(/FIELD +BEFORE +AFTER +NOW\n *status +open +closed +spam +CHANGED SINCE\n/u);
  }
  expect(tried.out).toContain("somebody has changed `status` of the record");
});

test("a run is undone newest first, and what stopped it is said", async () => {
  const first = await world.done("update_ticket", { id: "T-1", status: "waiting" });
  const second = await world.done("update_ticket", { id: "T-1", status: "closed" });
  expect((await run("undo", "--run", world.session.run, "--dry-run")).out).toMatch(new RegExp(`^${second} .*[\\s\\S]*\\n${first} `, "u"));
  const { code, out } = await run("undo", "--run", world.session.run);
  expect(code).toBe(0);
  expect(
    out
      .split("\n")
      .slice(0, 3)
      .map((line) => line.trimEnd()),
  ).toEqual([
    expect.stringMatching(/^CALL +ACTION +STATE +WHY$/u),
    expect.stringMatching(new RegExp(`^${second} +tickets:update +undone$`, "u")),
    expect.stringMatching(new RegExp(`^${first} +tickets:update +undone$`, "u")),
  ]);
  const third = await world.done("update_ticket", { id: "T-1", status: "late" });
  world.rows.set("T-1", { ...world.rows.get("T-1"), status: "spam" });
  const stopped = await run("undo", "--run", world.session.run);
  expect(stopped.code).toBe(1);
  expect(stopped.out).toMatch(new RegExp(`${third} +tickets:update +changed +since the call`, "u"));
  expect(stopped.out).toMatch(/not tried/u);
});

test("neither a call nor a run, or both, is wrong usage", async () => {
  expect((await run("undo")).code).toBe(2);
  expect((await run("undo", "call_1", "--run", "run_1")).code).toBe(2);
});

test("a run without writes says so", async () => {
  await world.done("get_ticket", { id: "T-1" });
  expect(await run("undo", "--run", world.session.run)).toMatchObject({
    code: 0,
    out: "",
    err: expect.stringContaining("no calls that changed anything"),
  });
});
