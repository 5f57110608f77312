import { canonicalize, logPolicy, openSequenceProof } from "@bailiwick/ledger";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { createAgentSurface } from "../../src/call/agent-surface.ts";
import { openStore } from "../../src/adapters/store/index.ts";
import type { Session } from "../../src/domain/session.ts";
import { ToolError } from "../../src/domain/tool.ts";
import { bearer } from "../plain-session.ts";
import { decided } from "../store/approval-sample.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { AGENT, silentIo, testPolicy, world } from "./support.ts";

const HELPER = "bailiwick://acme/prod/helpdesk/helper";
const policy = testPolicy({
  "agents/helper.yaml":
    'agent: helper\nworkflow: helpdesk\nowner: dana\ntenants: [acme]\nenvironments: [prod]\nroles: [support]\nceiling: { allow: ["tickets:*", "health:*"] }\n',
  "tools/notes.yaml":
    'tool: notes\nconnect: { mcp: { command: [unused] } }\ntypes:\n  Note: { id: string }\nactions: {}\nprompts:\n  greet: { is: "health:greet", effect: read, args: { name: string } }\n',
});
const COMPLETE = { ref: { type: "ref/prompt", name: "greet" }, argument: { name: "name", value: "d" } };
const proofFile = z.looseObject({ records: z.array(z.looseObject({ index: z.number(), text: z.string() })) });
const leafSchema = z.looseObject({ kind: z.string(), agent: z.string(), status: z.string().optional() });

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

/** A run of two agents in which a call of every kind of ending is made; in the same log lie the calls of other runs. */
async function busyRun(): Promise<string> {
  const each = await world(db.store, undefined, policy);
  const { session, tool, call } = each;
  const stranger = await world(db.store, undefined, policy);
  const helper: Session = {
    ...session,
    id: `${session.id}_helper`,
    agent: HELPER,
    lineage: [session.id],
    actors: [AGENT],
    grant: "token_exchange",
  };
  await db.store.sessions.create(helper);
  await call("ping");
  await stranger.call("ping");
  await call("update_ticket", { id: "T-1", status: "solved" }, { presented: bearer(helper.id) });
  await call("unlisted");
  await call("update_ticket", { id: "T-2", status: "solved" });
  const held = await call("delete_ticket", { id: "T-1" });
  await stranger.call("delete_ticket", { id: "T-1" });
  if (held.kind !== "pending") throw new Error(held.kind);
  await db.store.approvals.answer("acme", held.approval.id, decided("approve"));
  const surface = createAgentSurface(each.ports, () => () => undefined);
  await surface.resume(held.approval.id, { presented: bearer(session.id), peer: "::1", io: silentIo(), patience: { waitMs: 0 } });
  await surface.complete(bearer(helper.id), COMPLETE, new AbortController().signal).catch(() => undefined);
  tool.answer = () => {
    throw new ToolError(-32_603, "out of order");
  };
  await call("ping");
  await dyingBroker(session);
  return session.run;
}

/** A broker that is gone between sending a call and recording what came of it; another one surfaces the call. */
async function dyingBroker(session: Session): Promise<void> {
  const gone = await openStore({ databaseUrl: db.databaseUrl, rootKey: db.rootKey }, { brokerId: `gone ${session.id}` });
  const last = await world(gone, (ports) => ({ ...ports, brokerId: `gone ${session.id}` }), policy);
  const sent = new Promise<void>((resolve) => {
    last.tool.answer = () => {
      resolve();
      return new Promise(() => undefined);
    };
  });
  void last.call("ping", {}, { presented: bearer(session.id) });
  await sent;
  await gone.close();
  await db.store.log.surfaceUnknown("acme", new Date());
}

test("all records of a run are proven to be all: of its agents, and of calls that were held, refused, failed, or lost with their broker", async () => {
  const run = await busyRun();
  const { log, evidence } = db.store;
  await evidence.settle("acme");
  const origin = evidence.origin("acme");
  const trusted = logPolicy({ origin, keys: await evidence.keys("acme") });
  const proof = await evidence.proveSequence("acme", { kind: "run", name: run });
  const proven = openSequenceProof(proof, trusted).records;

  const all = await log.read("acme", 0, 10_000);
  const own = all.filter(({ text }) => text.includes(JSON.stringify(run)));
  expect(proven).toEqual(own.map(({ index, text }) => ({ index, text })));
  expect(own.length).toBeLessThan(all.length);
  const leaves = proven.map(({ text }) => leafSchema.parse(JSON.parse(text)));
  expect(new Set(leaves.map(({ kind }) => kind))).toEqual(new Set(["intent", "outcome", "lookup", "refusal", "hold"]));
  expect(new Set(leaves.map(({ agent }) => agent))).toEqual(new Set([AGENT, HELPER]));
  expect(new Set(leaves.flatMap(({ status }) => status ?? []))).toEqual(new Set(["succeeded", "failed", "unknown"]));

  const file = proofFile.parse(JSON.parse(proof));
  for (const { index } of file.records) {
    const without = canonicalize({ ...file, records: file.records.filter((record) => record.index !== index) });
    expect(() => openSequenceProof(without, trusted), `without record ${index}`).toThrow(/has \d+ records, and the proof shows/u);
  }
});
