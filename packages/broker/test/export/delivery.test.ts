import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ExportTarget } from "../../src/config/exports-schema.ts";
import { fileDestination } from "../../src/adapters/export/file-destination.ts";
import { syslogDestination } from "../../src/adapters/export/syslog-destination.ts";
import { webhookDestination } from "../../src/adapters/export/webhook-destination.ts";
import { eventually, growingLog, memoryCursors, start, type Started, TLS } from "./delivery-support.ts";
import { parseSyslog } from "./parsers.ts";
import { syslogReceiver, webhookReceiver } from "./receivers.ts";

const cleanups: (() => Promise<unknown>)[] = [];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bailiwick-export-"));
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await rm(folder, { recursive: true });
});

function stopping(started: Started): Started {
  cleanups.push(() => started.stop());
  return started;
}

function closing<T extends { close(): Promise<void> }>(receiver: T): T {
  cleanups.push(() => receiver.close());
  return receiver;
}

function target(to: string, more: Partial<ExportTarget> = {}): ExportTarget {
  return { name: "siem", tenant: "acme", format: "jsonl", to, ...more };
}

/** Indexes of what was delivered, duplicates included. */
function indexes(lines: string): readonly number[] {
  return lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Number(JSON.parse(line).index));
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}

async function delivered(started: Started, next: number): Promise<void> {
  await eventually(() => expect(started.status()).toMatchObject([{ state: "delivering", next, lagRecords: 0 }]));
}

describe("from the log's cursor", () => {
  test("records arrive in their order over several pages, the cursor follows, and those written later come too", async () => {
    const log = growingLog(1_203);
    const cursors = memoryCursors();
    const started = stopping(start(log, cursors, [target(`file://${folder}/out.jsonl`)]));
    await delivered(started, 1_203);
    expect(cursors.saved.get("acme/siem")).toBe(1_203);
    await eventually(() => expect(started.hand.asked()).toHaveLength(1));
    log.grow(2);
    started.wake("acme");
    await delivered(started, 1_205);
    expect(indexes(await readFile(`${folder}/out.jsonl`, "utf8"))).toEqual(upTo(1_205));
  });

  test("a broker that died between delivery and cursor delivers again and leaves nothing out", async () => {
    const log = growingLog(700);
    const cursors = memoryCursors();
    const receiver = closing(await webhookReceiver());
    cursors.failNextSave = true;
    const first = start(log, cursors, [target(receiver.url)]);
    await eventually(() => expect(first.status()).toMatchObject([{ state: "retrying", next: 0, lagRecords: 700 }]));
    await first.stop();
    const second = stopping(start(log, cursors, [target(receiver.url)]));
    await delivered(second, 700);
    const got = receiver.taken.flatMap(({ body }) => indexes(body));
    expect(new Set(got)).toEqual(new Set(upTo(700)));
    expect(got).toEqual([...upTo(500), ...upTo(700)]);
  });

  test("of two brokers one delivers, and the other goes on where that one ended", async () => {
    const log = growingLog(20);
    const cursors = memoryCursors();
    const receiver = closing(await webhookReceiver());
    const first = start(log, cursors, [target(receiver.url)]);
    await delivered(first, 20);
    const second = stopping(start(log, cursors, [target(receiver.url)]));
    await eventually(() => expect(second.status()).toMatchObject([{ state: "elsewhere", next: 20, newest: 19 }]));
    await first.stop();
    log.grow(5);
    second.hand.pass();
    await delivered(second, 25);
    expect(receiver.taken.flatMap(({ body }) => indexes(body))).toEqual(upTo(25));
  });

  test("a broker that loses its lease sends nothing more", async () => {
    const log = growingLog(3);
    const cursors = memoryCursors();
    const receiver = closing(await webhookReceiver());
    const first = stopping(start(log, cursors, [target(receiver.url)]));
    await delivered(first, 3);
    cursors.loseLease("acme/siem");
    const second = stopping(start(log, cursors, [target(receiver.url)]));
    await eventually(() => expect([first, second].map((each) => each.status()[0]?.state)).toContain("elsewhere"));
    expect(cursors.holders.size).toBe(1);
    log.grow(1);
    for (const each of [first, second]) each.wake("acme");
    await eventually(() => expect(cursors.saved.get("acme/siem")).toBe(4));
    expect(receiver.taken.flatMap(({ body }) => indexes(body))).toEqual(upTo(4));
  });

  test("a broker that loses its lease within a page leaves the rest of it to the other one", async () => {
    const log = growingLog(3);
    for (const [index, record] of log.records.entries())
      log.records[index] = { ...record, text: JSON.stringify({ padding: "x".repeat(1_100_000) }) };
    const cursors = memoryCursors();
    const receiver = closing(await webhookReceiver());
    receiver.onRequest = () => {
      cursors.loseLease("acme/siem");
      cursors.holders.set("acme/siem", new AbortController());
    };
    const started = stopping(start(log, cursors, [target(receiver.url)]));
    await eventually(() => expect(started.status()).toMatchObject([{ state: "elsewhere", next: 1 }]));
    expect(receiver.all).toHaveLength(1);
  });

  test("records that are gone before they were delivered stop the export, until somebody says where to go on", async () => {
    const log = growingLog(10);
    log.retire(4);
    const cursors = memoryCursors();
    const stopped = start(log, cursors, [target(`file://${folder}/out.jsonl`)]);
    await eventually(() =>
      expect(stopped.status()).toMatchObject([
        {
          state: "stopped",
          next: 0,
          newest: 9,
          lagRecords: 10,
          lastError: expect.stringMatching(/records 0 to 3 of `acme` are gone.*`from: 4`/u),
        },
      ]),
    );
    expect(stopped.faults).toHaveLength(1);
    await stopped.stop();
    const on = stopping(start(log, cursors, [target(`file://${folder}/out.jsonl`, { from: 4 })]));
    await delivered(on, 10);
    expect(indexes(await readFile(`${folder}/out.jsonl`, "utf8"))).toEqual([4, 5, 6, 7, 8, 9]);
  });

  test("a record the broker did not write stops the export behind everything before it", async () => {
    const log = growingLog(5);
    log.records[3] = { ...log.records[3], text: "forged" } as (typeof log.records)[number];
    const started = stopping(start(log, memoryCursors(), [target(`file://${folder}/out.jsonl`)]));
    await eventually(() =>
      expect(started.status()).toMatchObject([{ state: "stopped", next: 3, lastError: expect.stringContaining("record 3") }]),
    );
    expect(indexes(await readFile(`${folder}/out.jsonl`, "utf8"))).toEqual([0, 1, 2]);
  });

  test("large records are sent in batches of at most a mebibyte, one beyond it alone", async () => {
    const log = growingLog(3);
    const big = { ...log.records[1], text: JSON.stringify({ padding: "x".repeat(1_100_000) }) } as (typeof log.records)[number];
    log.records[1] = big;
    const receiver = closing(await webhookReceiver());
    const started = stopping(start(log, memoryCursors(), [target(receiver.url)]));
    await delivered(started, 3);
    expect(receiver.taken.map(({ body }) => indexes(body))).toEqual([[0], [1], [2]]);
  });
});

describe("a webhook", () => {
  test("over HTTPS gets batches whose signature verifies as Standard Webhooks has it, and the header with the secret", async () => {
    const receiver = closing(await webhookReceiver(TLS));
    const key = Buffer.alloc(32, 5);
    const secrets: Readonly<Record<string, string>> = { SECRET: `whsec_${key.toString("base64")}`, TOKEN: "t0p" };
    const to = target(receiver.url, {
      format: "cloudevents",
      ca: TLS.ca,
      secret: "${env:SECRET}",
      headers: { authorization: "Splunk ${env:TOKEN}" },
    });
    const started = stopping(start(growingLog(4), memoryCursors(), [to], { environment: (name) => secrets[name] }));
    await delivered(started, 4);
    const [{ headers, body } = { headers: {}, body: "" }] = receiver.taken;
    const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
    expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", key).update(signed).digest("base64")}`);
    expect(headers).toMatchObject({
      "webhook-id": "acme/0-3",
      "webhook-timestamp": String(Date.parse("2026-11-26T18:00:00Z") / 1000),
      authorization: "Splunk t0p",
      "content-type": "application/cloudevents-batch+json",
    });
    expect(JSON.parse(body).map((event: { id: string }) => event.id)).toEqual(["acme/0", "acme/1", "acme/2", "acme/3"]);
  });

  test("whose certificate nobody vouches for gets nothing", async () => {
    const receiver = closing(await webhookReceiver(TLS));
    const started = stopping(start(growingLog(1), memoryCursors(), [target(receiver.url)]));
    await eventually(() => expect(started.status()).toMatchObject([{ state: "retrying", next: 0 }]));
    expect(receiver.all).toEqual([]);
  });

  test("whose answer comes a byte at a time holds up nobody", async () => {
    const server = createServer((_, response) => {
      response.writeHead(200);
      const drops = setInterval(() => response.write("x"), 5);
      response.on("close", () => clearInterval(drops));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const url = new URL(`http://127.0.0.1:${port}/`);
    const destination = webhookDestination({ url, now: () => new Date(), headers: {}, timeoutMs: 50 });
    await destination.deliver({ tenant: "acme", format: "jsonl", first: 0, last: 0, lines: ["{}"] });
    server.closeAllConnections();
    await once(server.close(), "close");
  });

  test.each([408, 429, 500, 503])("that answers %i is tried again, each time after twice as long, with the same id", async (status) => {
    const receiver = closing(await webhookReceiver());
    receiver.statuses.push(status, status, status);
    const secret = `whsec_${Buffer.alloc(24, 1).toString("base64")}`;
    const started = stopping(
      start(growingLog(2), memoryCursors(), [target(receiver.url, { secret: "${env:S}" })], { environment: () => secret }),
    );
    for (const ms of [1_000, 2_000, 4_000]) {
      await eventually(() => expect(started.hand.asked()).toEqual([ms]));
      expect(started.status()).toMatchObject([{ state: "retrying", next: 0, lastError: expect.stringContaining(`status ${status}`) }]);
      started.hand.pass();
    }
    await delivered(started, 2);
    expect(started.faults).toHaveLength(1);
    expect(new Set(receiver.all.map(({ headers }) => headers["webhook-id"]))).toEqual(new Set(["acme/0-1"]));
    expect(started.status()[0]).not.toHaveProperty("lastError");
  });

  test.each([301, 400, 401, 404, 413, 422])(
    "that answers %i stops with the records kept, is asked again slowly and goes on",
    async (status) => {
      const receiver = closing(await webhookReceiver());
      receiver.statuses.push(status);
      const started = stopping(start(growingLog(2), memoryCursors(), [target(receiver.url)]));
      await eventually(() => expect(started.hand.asked()).toEqual([600_000]));
      expect(started.status()).toMatchObject([
        {
          state: "stopped",
          next: 0,
          lagRecords: 2,
          lastError: expect.stringContaining(`status ${status}`),
          since: new Date("2026-11-26T18:00:00Z"),
        },
      ]);
      started.hand.pass();
      await delivered(started, 2);
      expect(indexes(receiver.taken[0]?.body ?? "")).toEqual([0, 1]);
    },
  );
});

describe("syslog over TLS", () => {
  test("gets every record as a message of RFC 5424 in frames of RFC 5425, and later batches resume the TLS session", async () => {
    const receiver = closing(await syslogReceiver(TLS));
    const log = growingLog(600);
    const started = stopping(start(log, memoryCursors(), [target(receiver.url, { format: "syslog", ca: TLS.ca })]));
    await delivered(started, 600);
    const ids = receiver.messages.map((message) => parseSyslog(message).data.get("bailiwick@32473")?.get("index"));
    expect(ids).toEqual(upTo(600).map(String));
    expect(receiver.connections).toBe(2);
    expect(receiver.resumed).toBe(1);
  });

  test("other formats are the text of the messages", async () => {
    const receiver = closing(await syslogReceiver(TLS));
    const started = stopping(start(growingLog(2), memoryCursors(), [target(receiver.url, { format: "ocsf", ca: TLS.ca })]));
    await delivered(started, 2);
    expect(receiver.messages.map((message) => JSON.parse(parseSyslog(message).message).metadata.uid)).toEqual(["acme/0", "acme/1"]);
  });

  test("whose certificate nobody vouches for, or is another host's, gets nothing", async () => {
    const receiver = closing(await syslogReceiver(TLS));
    const batch = { tenant: "acme", format: "syslog", first: 0, last: 0, lines: ["secret"] } as const;
    const stranger = syslogDestination({ url: new URL(receiver.url) });
    await expect(stranger.deliver(batch)).rejects.toThrow("DEPTH_ZERO_SELF_SIGNED_CERT");
    const other = syslogDestination({ url: new URL(receiver.url.replace("localhost", "127.0.0.2")), ca: TLS.cert });
    await expect(other.deliver(batch)).rejects.toThrow("ERR_TLS_CERT_ALTNAME_INVALID");
    expect(receiver.messages).toEqual([]);
  });

  test.each(["cut at once", "cut at the first bytes"] as const)(
    "a batch whose connection is %s was not delivered, and is taken later",
    async (how) => {
      const receiver = closing(await syslogReceiver(TLS));
      receiver.next = how;
      const destination = syslogDestination({ url: new URL(receiver.url), ca: TLS.cert, settleMs: 5_000 });
      const batch = { tenant: "acme", format: "syslog", first: 0, last: 0, lines: ["one"] } as const;
      await expect(destination.deliver(batch)).rejects.toMatchObject({ code: "unreachable" });
      expect(receiver.messages).toEqual([]);
      await syslogDestination({ url: new URL(receiver.url), ca: TLS.cert }).deliver(batch);
      expect(receiver.messages).toEqual(["one"]);
    },
  );

  test("a receiver that does not answer the end of a connection has not confirmed the batch", async () => {
    const receiver = closing(await syslogReceiver(TLS));
    receiver.next = "silent";
    const destination = syslogDestination({ url: new URL(receiver.url), ca: TLS.cert, timeoutMs: 100 });
    const batch = { tenant: "acme", format: "syslog", first: 0, last: 0, lines: ["one"] } as const;
    await expect(destination.deliver(batch)).rejects.toThrow("it did not end the connection after the batch");
    await destination.deliver(batch);
    expect(receiver.messages).toEqual(["one", "one"]);
  });
});

describe("a file", () => {
  const line = (first: number, last: number) => ({
    tenant: "acme",
    format: "csv" as const,
    first,
    last,
    lines: upTo(last - first + 1).map((each) => `row ${first + each}`),
  });

  test("is for its owner only, and each of the files has the headings", async () => {
    const path = join(folder, "out.csv");
    const destination = fileDestination(path, 2_000);
    for (let batch = 0; batch < 41; batch++) await destination.deliver(line(batch * 10, batch * 10 + 9));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const names = (await readdir(folder)).toSorted((a, b) => (a === "out.csv" ? 1 : b === "out.csv" ? -1 : a < b ? -1 : 1));
    expect(names.length).toBeGreaterThan(2);
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
    for (const text of texts) expect(text).toMatch(/^id,tenant,index,/u);
    const rows = texts.flatMap((text) => text.split("\r\n").slice(1, -1));
    expect(rows).toEqual(upTo(410).map((each) => `row ${each}`));
  });

  test("that was put aside is never overwritten by one with the same last record", async () => {
    const destination = fileDestination(join(folder, "out.csv"), 100);
    await destination.deliver(line(0, 9));
    await destination.deliver(line(0, 9));
    expect((await readdir(folder)).toSorted()).toEqual(["out.csv.000000000009", "out.csv.000000000009-1"]);
  });

  test("with half a line from a crash is mended, and the record comes whole", async () => {
    const path = join(folder, "out.csv");
    const destination = fileDestination(path);
    await destination.deliver(line(0, 1));
    await destination.deliver(line(2, 20_000));
    await truncate(path, (await stat(path)).size - 5);
    await destination.deliver(line(20_000, 20_000));
    const rows = (await readFile(path, "utf8")).split("\r\n").slice(1, -1);
    expect(rows).toEqual(upTo(20_001).map((each) => `row ${each}`));
  });

  test("of which nothing but half a heading is left begins anew", async () => {
    const path = join(folder, "out.csv");
    await writeFile(path, "id,ten");
    await fileDestination(path).deliver(line(0, 0));
    expect(await readFile(path, "utf8")).toMatch(/^id,tenant,index,.*\r\nrow 0\r\n$/u);
  });

  test("is not reached through a link, and a missing folder is said", async () => {
    await writeFile(join(folder, "victim"), "");
    await symlink(join(folder, "victim"), join(folder, "out.csv"));
    await expect(fileDestination(join(folder, "out.csv")).deliver(line(0, 0))).rejects.toThrow("ELOOP");
    expect(await readFile(join(folder, "victim"), "utf8")).toBe("");
    await expect(fileDestination(join(folder, "none/out.csv")).deliver(line(0, 0))).rejects.toThrow("ENOENT");
  });
});
