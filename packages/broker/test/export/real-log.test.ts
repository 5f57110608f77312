import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startExports } from "../../src/adapters/export/start-exports.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { eventually, memoryCursors } from "./delivery-support.ts";
import { ocsfFaults } from "./ocsf-validator.ts";
import { AT, CALL_RECORDS, SOURCE } from "./samples.ts";

let own: TestStore;
let folder: string;

beforeAll(async () => {
  own = await testStore();
  folder = await mkdtemp(join(tmpdir(), "bailiwick-export-log-"));
});

afterAll(async () => {
  await own.close();
  await rm(folder, { recursive: true });
});

test("what PostgreSQL holds arrives whole: the leaves byte for byte, and as valid OCSF without a name", async () => {
  for (const [name, [kind, leaf]] of Object.entries(CALL_RECORDS)) {
    if (kind === "key") throw new Error("only the log itself writes these");
    const { v: _, kind: __, call: ___, user: ____, facts: _____, resource: ______, task: _______, ...body } = leaf;
    await own.store.log.append("acme", {
      kind,
      callId: `call_${name}`,
      body: { ...body, at: AT },
      people: { user: "ada.lovelace" },
      resource: { type: "Ticket", id: "T-17" },
      task: "T-17",
      facts: { args: { id: "T-17" } },
    });
  }
  const count = Object.keys(CALL_RECORDS).length;
  const exports = startExports({
    log: own.store.log,
    size: async (tenant) => (await own.store.log.read(tenant, 0, 1_000)).length,
    cursors: memoryCursors(),
    targets: [
      { name: "lines", tenant: "acme", format: "jsonl", to: `file://${folder}/lines` },
      { name: "siem", tenant: "acme", format: "ocsf", to: `file://${folder}/siem` },
    ],
    source: SOURCE,
    now: () => new Date(),
    environment: () => undefined,
    onFault: ({ lastError }) => {
      throw new Error(lastError);
    },
  });
  await eventually(() => expect(exports.status().map(({ next }) => next)).toEqual([count, count]));
  await exports.stop();

  const stored = await own.store.log.read("acme", 0, 100);
  const lines = (await readFile(join(folder, "lines"), "utf8")).trimEnd().split("\n");
  for (const [index, line] of lines.entries()) expect(line).toContain(`"record":${stored[index]?.text}`);
  const events = (await readFile(join(folder, "siem"), "utf8")).trimEnd().split("\n");
  expect(events.flatMap((event) => ocsfFaults(JSON.parse(event), "1.8.0"))).toEqual([]);
  expect(lines.join("") + events.join("")).not.toMatch(/ada\.lovelace|T-17/u);
  expect(lines.join("")).toContain('"user":"sub_');
});
