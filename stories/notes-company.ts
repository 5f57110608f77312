import { join } from "node:path";
import { startAgent } from "./agent.ts";
import type { Agent, SessionWish } from "./agent.ts";
import { startProgram, temporaryFolder } from "./program.ts";
import type { Program } from "./program.ts";
import { AGENTS, effects, writeNotesCompany } from "./world/notes-policy.ts";

/** A credential nobody but the notes server may ever see; grepped for in everything the program writes. */
export const NOTES_SECRET = "nts-4f1c9a7be02d4d6f8a51-c3";

/** A started broker in front of the notes server of `stories/world`. */
export interface NotesCompany {
  readonly program: Program;
  readonly folder: string;
  readonly policyFolder: string;
  /** Where the notes server keeps its notes and effects. */
  readonly toolFolder: string;
  agent(name: keyof typeof AGENTS, wish?: SessionWish): Promise<Agent>;
  effects(): ReturnType<typeof effects>;
  /** Starts the broker again on the same folders, after it was stopped or killed. */
  restart(): Promise<Program>;
  close(): Promise<void>;
}

/** Writes the company, starts the broker as a user does, and stores the server's credential. */
export async function startNotesCompany(options: { readonly delayMs?: number } = {}): Promise<NotesCompany> {
  const home = await temporaryFolder();
  const folders = { policy: join(home.path, "policy"), data: join(home.path, "data") };
  const toolData = join(home.path, "notes");
  await writeNotesCompany(folders.policy, toolData, options);
  const programs = [await startProgram(folders)];
  const program = (): Program => programs.at(-1) ?? fail();
  for (const tenant of ["acme", "globex"]) {
    const stored = await program().runWithInput(`${NOTES_SECRET}\n`, "secrets", "put", "notes-account", "--tenant", tenant);
    if (stored.code !== 0) throw new Error(`no credential: ${stored.stderr}`);
  }
  return {
    get program() {
      return program();
    },
    folder: home.path,
    policyFolder: folders.policy,
    toolFolder: toolData,
    agent: (name, wish) => startAgent(program(), AGENTS[name], wish),
    effects: () => effects(toolData),
    restart: async () => {
      programs.push(await startProgram(folders));
      return program();
    },
    close: async () => {
      await program().stop();
      await home.remove();
    },
  };
}

function fail(): never {
  throw new Error("no program was started");
}
