import { createHmac } from "node:crypto";
import type { ServerResponse } from "node:http";
import { beforeEach, expect, test } from "vitest";
import { webhookAnchor } from "../../src/adapters/anchors/webhook-anchor.ts";
import { freshSigner, writtenLog } from "../witness/log.ts";
import { httpServer, type Received } from "./http-server.ts";

const KEY = Buffer.alloc(32, 7);
const SECRET = `whsec_${KEY.toString("base64")}`;
const NOW = new Date("2026-11-26T12:00:00.500Z");
const log = writtenLog(freshSigner("bailiwick.example/log/acme"), 100);
let server: Awaited<ReturnType<typeof httpServer>>;
let answer: (received: Received, response: ServerResponse) => void;

beforeEach(async () => {
  answer = (_, response) => response.writeHead(204).end();
  server = await httpServer((received, response) => answer(received, response));
  return () => server.close();
});

const anchor = (now: () => Date = () => NOW): ReturnType<typeof webhookAnchor> =>
  webhookAnchor({ url: `${server.url}/hooks`, secret: SECRET, now });

test("a checkpoint is posted with a signature as Standard Webhooks says, and nothing is claimed to be held", async () => {
  const checkpoint = await log.at(10);
  expect(await anchor().publish(log.origin, checkpoint, log.prove)).toEqual([]);
  const [{ headers, body, url, method } = { headers: {}, body: "", url: "", method: "" }] = server.received;
  expect([method, url, headers["content-type"]]).toEqual(["POST", "/hooks", "application/json"]);
  expect(JSON.parse(body)).toEqual({
    type: "log.checkpoint",
    timestamp: "2026-11-26T12:00:00.500Z",
    data: { origin: log.origin, size: 10, note: checkpoint.note },
  });
  const [id, timestamp] = [String(headers["webhook-id"]), String(headers["webhook-timestamp"])];
  expect(id).toMatch(/^msg_[\w-]{43}$/u);
  expect(timestamp).toBe("1795694400");
  // As a receiver computes it: HMAC-SHA256 over id, timestamp and the body as it came, with dots between.
  expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", KEY).update(`${id}.${timestamp}.${body}`).digest("base64")}`);
  expect(await anchor().newest(log.origin)).toBeUndefined();
});

test("a message that is sent again has its id and a new time; another checkpoint has another id", async () => {
  await anchor().publish(log.origin, await log.at(10), log.prove);
  await anchor(() => new Date(NOW.getTime() + 60_000)).publish(log.origin, await log.at(10), log.prove);
  await anchor().publish(log.origin, await log.at(11), log.prove);
  const ids = server.received.map(({ headers }) => headers["webhook-id"]);
  expect(ids[0]).toBe(ids[1]);
  expect(ids[2]).not.toBe(ids[0]);
  expect(server.received[1]?.headers["webhook-timestamp"]).not.toBe(server.received[0]?.headers["webhook-timestamp"]);
});

test.each([
  [500, "unreachable"],
  [429, "unreachable"],
  [400, "refused"],
  [410, "refused"],
])("status %i is %s", async (status, code) => {
  answer = (_, response) => response.writeHead(status).end();
  await expect(anchor().publish(log.origin, await log.at(10), log.prove)).rejects.toMatchObject({ code });
});

test("a redirect is not followed", async () => {
  answer = (_, response) => response.writeHead(307, { location: `${server.url}/elsewhere` }).end();
  await expect(anchor().publish(log.origin, await log.at(10), log.prove)).rejects.toMatchObject({ code: "refused" });
  expect(server.received).toHaveLength(1);
});

test("an answer without end is cut off", async () => {
  answer = (_, response) => {
    response.writeHead(200);
    const more = (): void => {
      while (!response.destroyed && response.write("x".repeat(65_536)));
    };
    response.on("drain", more);
    more();
  };
  await expect(anchor().publish(log.origin, await log.at(10), log.prove)).rejects.toMatchObject({ code: "unreachable" });
});

test.each([
  "",
  "secret",
  "whsec_",
  `whsec_${Buffer.alloc(16).toString("base64")}`,
  `whsec_${Buffer.alloc(65).toString("base64")}`,
  `${SECRET} `,
])("`%s` is no secret, and is not repeated", (secret) => {
  const failed = (() => {
    try {
      return webhookAnchor({ url: server.url, secret, now: () => NOW });
    } catch (error) {
      return error;
    }
  })();
  expect(failed).toMatchObject({ code: "refused" });
  if (secret.length > 10) expect(String(failed)).not.toContain(secret.trim().slice(6));
});
