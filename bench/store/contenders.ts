import { open } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../../packages/ledger/src/index.ts";
import { openStore } from "../../packages/broker/src/adapters/store/index.ts";
import type { LogEntry } from "../../packages/broker/src/domain/audit.ts";
import type { Session } from "../../packages/broker/src/domain/session.ts";

/** Something that can make an intent, and later an outcome, durable. */
export interface Contender {
  readonly name: string;
  intend(callId: string): Promise<void>;
  end(callId: string): Promise<void>;
  stop(): Promise<void>;
}

/** The store as the broker uses it: session checked, one limit taken, facts sealed, chained, in a real PostgreSQL. */
export async function bailiwickStore(folder: string): Promise<Contender> {
  const store = await openStore({ dataFolder: folder }, { brokerId: "bench" });
  const renew = (): Promise<void> => {
    const issuedAt = new Date();
    const expiresAt = new Date(issuedAt.getTime() + 300_000);
    const session: Session = {
      id: "s",
      tenant: "bench",
      environment: "prod",
      workflow: "w",
      agent: "a",
      user: "u",
      task: "t",
      run: "s",
      data: {},
      scope: [],
      userProof: "asserted",
      rows: [],
      limits: {},
      grant: "client_credentials",
      binding: { kind: "bearer" },
      lineage: [],
      actors: [],
      issuedAt,
      expiresAt,
    };
    return store.sessions.create(session);
  };
  await renew();
  return {
    name: "bailiwick store",
    async intend(callId) {
      const outcome = await store.log.intend(
        "bench",
        { ...entryOf("intent", callId), facts: { args: { id: callId, status: "open" } } },
        {
          session: "s",
          reservations: [{ key: "calls", max: Number.MAX_SAFE_INTEGER, windowMs: 3_600_000, amount: 1 }],
          instead: () => entryOf("refusal", callId),
        },
      );
      if (!outcome.ok) throw new Error(`the bench's call was refused: ${outcome.why}`);
    },
    async end(callId) {
      await store.log.append("bench", entryOf("outcome", callId));
    },
    stop: () => store.close(),
  };
}

/** The least a durable log can do: chained lines in a file, all that wait in one write and one fdatasync. */
export async function bareFile(folder: string): Promise<Contender> {
  const file = await open(join(folder, "bare.log"), "a");
  let waiting: { readonly text: string; readonly done: () => void }[] = [];
  let seq = 0;
  let prev = "";
  let busy = false;
  const flush = async (): Promise<void> => {
    busy = true;
    while (waiting.length > 0) {
      await new Promise((settle) => setImmediate(settle));
      const batch = waiting;
      waiting = [];
      await file.appendFile(batch.map(({ text }) => `${text}\n`).join(""));
      await file.datasync();
      for (const { done } of batch) done();
    }
    busy = false;
  };
  const write = (entry: LogEntry): Promise<void> =>
    new Promise((done) => {
      const body = JSON.stringify(entry.body);
      prev = sha256(`${prev}\n${++seq}\n${entry.kind}\n${entry.callId}\n${body}`);
      waiting.push({ text: `${prev} ${entry.callId} ${body}`, done });
      if (!busy) void flush();
    });
  return {
    name: "bare file",
    intend: (callId) => write(entryOf("intent", callId)),
    end: (callId) => write(entryOf("outcome", callId)),
    stop: () => file.close(),
  };
}

function entryOf(kind: LogEntry["kind"], callId: string): LogEntry {
  return {
    kind,
    callId,
    body: {
      at: new Date().toISOString(),
      agent: "bailiwick://bench/prod/helpdesk/support",
      user: "ada",
      session: "s",
      task: "ticket-4711",
      tool: "tickets",
      action: "tickets:update",
      effect: "write",
      verdict: "allow",
      policyVersion: `sha256:${"ab".repeat(32)}`,
      argsDigest: `sha256:${"cd".repeat(32)}`,
      rules: [{ kind: "grant", id: "support", at: { file: "roles/support.yaml", line: 12 }, reason: "support may update tickets" }],
      status: kind === "outcome" ? "ok" : "open",
      broker: "bench",
    },
  };
}
