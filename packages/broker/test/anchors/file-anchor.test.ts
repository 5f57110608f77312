import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { fileAnchor } from "../../src/adapters/anchors/file-anchor.ts";
import { freshSigner, writtenLog } from "../witness/log.ts";

const signer = freshSigner("bailiwick.example/log/acme");
const log = writtenLog(signer, 100);
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "file-anchor-"));
  return () => rm(folder, { recursive: true, force: true });
});

const inside = (name: string): string => join(folder, "bailiwick.example%2Flog%2Facme", name);

async function history(): Promise<readonly unknown[]> {
  const lines = (await readFile(inside("checkpoints.jsonl"), "utf8")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

test("it keeps every checkpoint in order, and shows the newest also to another process", async () => {
  const anchor = fileAnchor(folder);
  expect(await anchor.newest(log.origin)).toBeUndefined();
  const checkpoints = [await log.at(3), await log.at(10), await log.at(100)];
  for (const one of checkpoints) expect(await anchor.publish(log.origin, one, log.prove)).toEqual([]);
  expect(await history()).toEqual(checkpoints);
  expect(await readFile(inside("checkpoint"), "utf8")).toBe(checkpoints[2]?.note);
  expect(await fileAnchor(folder).newest(log.origin)).toEqual(checkpoints[2]);
  expect(await fileAnchor(folder).newest("bailiwick.example/log/globex")).toBeUndefined();
});

test("a checkpoint it has, or an older one, changes nothing", async () => {
  const anchor = fileAnchor(folder);
  await anchor.publish(log.origin, await log.at(10), log.prove);
  await anchor.publish(log.origin, await log.at(10), log.prove);
  await anchor.publish(log.origin, await log.at(3), log.prove);
  expect(await history()).toEqual([await log.at(10)]);
});

test.each([
  ["grew differently", 10, 100],
  ["differs at the same size", 10, 10],
])("a log that %s is a conflict, and what is kept stays", async (_, before, after) => {
  const other = writtenLog(signer, 100, "other", 5);
  const anchor = fileAnchor(folder);
  await anchor.publish(log.origin, await log.at(before), log.prove);
  await expect(anchor.publish(log.origin, await other.at(after), other.prove)).rejects.toMatchObject({
    name: "AnchorFault",
    code: "conflict",
  });
  expect(await history()).toEqual([await log.at(before)]);
});

test("half a line that a crash left is skipped, and the next checkpoint stands on its own", async () => {
  const anchor = fileAnchor(folder);
  await anchor.publish(log.origin, await log.at(3), log.prove);
  await appendFile(inside("checkpoints.jsonl"), '{"size":7,"note":"bailiw');
  expect((await anchor.newest(log.origin))?.size).toBe(3);
  await anchor.publish(log.origin, await log.at(10), log.prove);
  await rm(inside("checkpoint"));
  expect(await anchor.newest(log.origin)).toEqual(await log.at(10));
  expect((await readFile(inside("checkpoints.jsonl"), "utf8")).split("\n")).toHaveLength(4);
});

test("an old `checkpoint` put back, or lines cut off, do not make it forget", async () => {
  const anchor = fileAnchor(folder);
  for (const size of [3, 10, 100]) await anchor.publish(log.origin, await log.at(size), log.prove);
  const all = await readFile(inside("checkpoints.jsonl"), "utf8");
  await writeFile(inside("checkpoint"), (await log.at(3)).note);
  expect((await anchor.newest(log.origin))?.size).toBe(100);
  await writeFile(inside("checkpoint"), (await log.at(100)).note);
  await writeFile(inside("checkpoints.jsonl"), `${all.split("\n")[0]}\n`);
  expect((await anchor.newest(log.origin))?.size).toBe(100);
});

test("brokers that write to one volume at the same time leave the newest checkpoint and every line", async () => {
  const anchors = Array.from({ length: 8 }, () => fileAnchor(folder));
  await anchors[0]?.publish(log.origin, await log.at(1), log.prove);
  await Promise.all(anchors.map(async (anchor, place) => anchor.publish(log.origin, await log.at(90 + place), log.prove)));
  expect((await fileAnchor(folder).newest(log.origin))?.size).toBe(97);
  expect(await history()).toContainEqual(await log.at(97));
  expect((await readdir(inside("."))).toSorted()).toEqual(["checkpoint", "checkpoints.jsonl"]);
});

test("something that is no checkpoint is a conflict", async () => {
  const anchor = fileAnchor(folder);
  await anchor.publish(log.origin, await log.at(3), log.prove);
  await writeFile(inside("checkpoint"), "nothing to see here\n");
  await expect(anchor.newest(log.origin)).rejects.toMatchObject({ code: "conflict" });
});

test("a folder that is not there is not made: it may be a volume that is not mounted", async () => {
  const anchor = fileAnchor(join(folder, "mnt"));
  await expect(anchor.newest(log.origin)).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("mount its volume"),
  });
  await expect(anchor.publish(log.origin, await log.at(3), log.prove)).rejects.toMatchObject({ code: "unreachable" });
  expect(await readdir(folder)).toEqual([]);
});

test.each(["../../etc", "..", ".", "a/../../b", "/etc", "a\\..\\b", "origin with spaces"])(
  "a log called `%s` stays inside the folder",
  async (origin) => {
    const own = writtenLog(freshSigner("x"), 3);
    await fileAnchor(folder).publish(origin, await own.at(3), own.prove);
    expect(await readdir(folder)).toHaveLength(1);
    expect((await fileAnchor(folder).newest(origin))?.size).toBe(3);
  },
);
