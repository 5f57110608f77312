import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { openStore, startEmbedded, type Store } from "../../packages/broker/src/adapters/store/index.ts";
import type { Approval } from "../../packages/broker/src/domain/approval.ts";
import { type Agent, startAgent } from "../../stories/agent.ts";
import { type Program, startProgram } from "../../stories/program.ts";
import { AGENTS, writeNotesCompany } from "../../stories/world/notes-policy.ts";

const ROOT_KEY = "ef".repeat(32);
/** Rows written at the same time. */
const SEEDERS = 8;
const SEEDED_AGENTS = 40;
const SEED_ENDS_MS = 24 * 60 * 60_000;

/** A started broker whose agent asks a person for every note, and its store beside it. */
export interface ApprovalsWorld {
  readonly program: Program;
  readonly agent: Agent;
  /** Makes so many questions that wait. */
  seed(count: number): Promise<void>;
  close(): Promise<void>;
}

const ASKING = `role: writer
reason: drafts notes when a person agrees
extends: [reader]
allow:
  - do: notes:create
    approve: { by: [operator], expires: 30m }
`;

export async function openApprovalsWorld(folder: string): Promise<ApprovalsWorld> {
  const server = await startEmbedded({ folder: join(folder, "server") });
  const owner = new Client({ connectionString: server.ownerUrl("postgres") });
  await owner.connect();
  await owner.query("create database bench template template0");
  await owner.end();
  const databaseUrl = server.ownerUrl("bench");
  const policy = join(folder, "policy");
  await writeNotesCompany(policy, join(folder, "notes"));
  await writeFile(join(policy, "roles", "writer.yaml"), ASKING);
  const program = await startProgram(
    { policy, data: join(folder, "data") },
    { args: ["--database-url", databaseUrl], environment: { BAILIWICK_ROOT_KEY: ROOT_KEY } },
  );
  const credential = await program.runWithInput("a-secret-of-the-bench\n", "secrets", "put", "notes-account", "--tenant", "acme");
  if (credential.code !== 0) throw new Error(credential.stderr);
  const store = await openStore({ databaseUrl, rootKey: ROOT_KEY }, { brokerId: "bench-seeder" });
  const agent = await startAgent(program, AGENTS.drafting);
  return {
    program,
    agent,
    seed: async (count) => seed(store, count),
    close: async () => {
      await store.close();
      await program.stop();
      await server.close();
    },
  };
}

/** Like what the broker itself made of the agent's first question, each with a text of its own. */
async function seed(store: Store, count: number): Promise<void> {
  const [like] = (await store.approvals.list("acme", { order: "newest", limit: 1 })).approvals;
  if (like === undefined) throw new Error("the agent has asked nothing yet");
  let made = 0;
  const work = async (): Promise<void> => {
    while (made < count) {
      made += 1;
      await store.approvals.create(another(like, made));
    }
  };
  await Promise.all(Array.from({ length: SEEDERS }, work));
}

function another(like: Approval, number: number): Approval {
  const createdAt = new Date();
  const name = randomBytes(16).toString("base64url");
  const args = { text: `note ${number}, which a person has to look at before it is written down` };
  return {
    ...like,
    id: `apr_${name}`,
    // One agent may not have so many waiting.
    agent: `bailiwick://acme/dev/seeded/writer-${number % SEEDED_AGENTS}`,
    callId: `call_${name}`,
    args,
    argsDigest: `sha256:${name}`,
    diff: [{ path: "text", after: args.text }],
    statedReason: `the customer asked for note ${number}`,
    state: "pending",
    createdAt,
    expiresAt: new Date(createdAt.getTime() + SEED_ENDS_MS + number * 1_000),
  };
}
