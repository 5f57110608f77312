import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cosignCheckpoint, logPolicy, openCheckpoint, parseSignedNote } from "@bailiwick/ledger";
import { beforeEach, expect, test } from "vitest";
import { witnessAnchor } from "../../src/adapters/anchors/witness-anchor.ts";
import type { Anchor } from "../../src/domain/anchor.ts";
import { newKeyFile } from "../../src/witness/key-file.ts";
import { type RunningWitness, startWitness } from "../../src/witness/start-witness.ts";
import { freshSigner, writtenLog } from "../witness/log.ts";
import { httpServer } from "./http-server.ts";

const signer = freshSigner("bailiwick.example/log/acme");
const log = writtenLog(signer, 300);
const lying = freshSigner("witness.example", "cosignature");
let folder: string;
let witness: RunningWitness;
let anchor: Anchor;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "witness-anchor-"));
  await newKeyFile(join(folder, "key"), "witness.example");
  witness = await start("state");
  anchor = witnessAnchor({ key: witness.key, url: `${witness.url}/` });
  return async () => {
    await witness.close();
    await rm(folder, { recursive: true, force: true });
  };
});

function start(state: string, port = 0): Promise<RunningWitness> {
  return startWitness({
    keyFile: join(folder, "key"),
    stateFolder: join(folder, state),
    fresh: true,
    logs: [signer.key],
    host: "127.0.0.1",
    port,
    now: () => new Date(),
    say: () => undefined,
  });
}

test("a checkpoint gets the witness's cosignature, and the witness shows it from then on", async () => {
  const policy = logPolicy({ origin: log.origin, keys: [signer.key], witnesses: [witness.key], quorum: 1 });
  expect(await anchor.newest(log.origin)).toBeUndefined();
  for (const size of [7, 300]) {
    const checkpoint = await log.at(size);
    const lines = await anchor.publish(log.origin, checkpoint, log.prove);
    expect(openCheckpoint(`${checkpoint.note}${lines.join("\n")}\n`, policy).size).toBe(size);
    const shown = await anchor.newest(log.origin);
    expect(openCheckpoint(shown?.note ?? "", policy).size).toBe(size);
  }
});

test("brokers that publish for one log in turn go on from what the other got cosigned", async () => {
  const other = witnessAnchor({ key: witness.key, url: witness.url });
  await anchor.publish(log.origin, await log.at(7), log.prove);
  await other.publish(log.origin, await log.at(20), log.prove);
  expect(await anchor.publish(log.origin, await log.at(300), log.prove)).toHaveLength(1);
});

test("a log that was cut, and one that grew differently, are conflicts", async () => {
  const other = writtenLog(signer, 300, "other", 5);
  await anchor.publish(log.origin, await log.at(20), log.prove);
  const fresh = (): Anchor => witnessAnchor({ key: witness.key, url: witness.url });
  await expect(fresh().publish(log.origin, await log.at(7), log.prove)).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringContaining("cosigned size 20, and the log has only 7 records"),
  });
  for (const one of [anchor, fresh()])
    await expect(one.publish(log.origin, await other.at(300), other.prove)).rejects.toMatchObject({ code: "conflict" });
  await expect(anchor.publish(log.origin, await other.at(20), other.prove)).rejects.toMatchObject({ code: "conflict" });
});

test("a witness that lost its memory is a conflict, not a new beginning", async () => {
  await anchor.publish(log.origin, await log.at(20), log.prove);
  const port = Number(new URL(witness.url).port);
  await witness.close();
  witness = await start("another-state", port);
  await expect(anchor.publish(log.origin, await log.at(300), log.prove)).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringContaining("went back from size 20 to 0"),
  });
});

test("a log the witness was not told of, and a key it does not know, are refused with what to do", async () => {
  const unknown = writtenLog(freshSigner("other.example/log"), 7);
  await expect(anchor.publish(unknown.origin, await unknown.at(7), unknown.prove)).rejects.toMatchObject({
    code: "refused",
    message: expect.stringContaining("give it the log's key with `--log`"),
  });
  const rotated = await log.at(7, [freshSigner(log.origin)]);
  await expect(anchor.publish(log.origin, rotated, log.prove)).rejects.toMatchObject({
    code: "refused",
    message: expect.stringContaining("new key"),
  });
});

test("a cosignature of another key, of another checkpoint, or none is not taken", async () => {
  const [own, foreign] = [await log.at(7), await log.at(9)];
  const linesOf = async (note: string, key = lying): Promise<string> => (await cosignCheckpoint(note, key, 1)).slice(note.length);
  const answers = [
    await linesOf(own.note, freshSigner("witness.example", "cosignature")),
    await linesOf(foreign.note),
    "",
    "\u2014 nonsense\n",
    "<html>",
  ];
  for (const text of answers) {
    const server = await httpServer(({ method }, response) =>
      method === "GET" ? response.writeHead(404).end() : response.writeHead(200).end(text),
    );
    const liar = witnessAnchor({ key: lying.key, url: server.url });
    await expect(liar.publish(log.origin, own, log.prove)).rejects.toMatchObject({
      code: "refused",
      message: expect.stringContaining("without a cosignature"),
    });
    await server.close();
  }
});

test("lines of strangers beside the witness's own are left out", async () => {
  const checkpoint = await log.at(7);
  const stranger = freshSigner("stranger.example", "cosignature");
  const both = await cosignCheckpoint(await cosignCheckpoint(checkpoint.note, stranger, 1), lying, 1);
  const server = await httpServer(({ method }, response) =>
    method === "GET" ? response.writeHead(200).end(both) : response.writeHead(200).end(both.slice(checkpoint.note.length)),
  );
  const one = witnessAnchor({ key: lying.key, url: server.url });
  expect(await one.publish(log.origin, checkpoint, log.prove)).toEqual([expect.stringMatching(/^\u2014 witness\.example /u)]);
  expect(parseSignedNote((await one.newest(log.origin))?.note ?? "").signatures.map(({ name }) => name)).toEqual([
    log.origin,
    "witness.example",
  ]);
  await server.close();
});

test("what a witness shows without its own cosignature, or of another log, is not believed", async () => {
  const other = writtenLog(freshSigner("other.example/log"), 7);
  for (const note of [(await log.at(7)).note, await cosignCheckpoint((await other.at(7)).note, lying, 1), "nothing"]) {
    const server = await httpServer((_, response) => response.writeHead(200).end(note));
    await expect(witnessAnchor({ key: lying.key, url: server.url }).newest(log.origin)).rejects.toMatchObject({ code: "refused" });
    await server.close();
  }
});

test("a witness that does not answer, or has a fault, is unreachable", async () => {
  const server = await httpServer((_, response) => response.writeHead(503).end("busy"));
  const busy = witnessAnchor({ key: lying.key, url: server.url });
  await expect(busy.newest(log.origin)).rejects.toMatchObject({ code: "unreachable" });
  await server.close();
  await expect(busy.newest(log.origin)).rejects.toMatchObject({ code: "unreachable" });
});
