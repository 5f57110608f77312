/**
 * Lists the company's real MCP servers and writes each catalogued action's fingerprint into the policy folder:
 * `node examples/helpdesk/review.ts` rewrites `reviewed:`, `--check` only says what differs (exit 1).
 * It stands for a person who read every description and schema: run it after reading the diff of a changed server.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createConnection } from "../../packages/broker/src/adapters/mcp-client/index.ts";
import { fingerprint } from "../../packages/broker/src/domain/fingerprint.ts";
import { openDatabase } from "./server/database.ts";
import { startHelpdeskServer } from "./server/http.ts";

const TOOLS_FOLDER = fileURLToPath(new URL("policy/tools/", import.meta.url));
const REVIEW_KEY = "review";

/** The fingerprint of every tool of every MCP server of the company, by catalog tool and name. Listing needs no database. */
export async function currentFingerprints(): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const folder = await mkdtemp(join(tmpdir(), "helpdesk-review-"));
  const nowhere = { host: folder, port: 5432, database: "none", user: "none", password: "none" };
  const pool = openDatabase(nowhere);
  const server = await startHelpdeskServer({ pools: { prod: pool }, keys: { prod: [REVIEW_KEY] } });
  try {
    const found = new Map<string, ReadonlyMap<string, string>>();
    for (const tool of ["tickets", "customers", "knowledge"]) {
      const headers = { authorization: `Bearer ${REVIEW_KEY}` };
      found.set(tool, await fingerprintsOf(tool, { url: new URL(`${server.url}/prod/${tool}/mcp`) }, headers));
    }
    await mkdir(join(folder, "files"), { recursive: true });
    for (const [tool, args, environment] of stdioServers(folder)) {
      found.set(tool, await fingerprintsOf(tool, { command: [process.execPath, ...args], environment }, {}));
    }
    return found;
  } finally {
    await server.close();
    await pool.end();
    await rm(folder, { recursive: true, force: true });
  }
}

function stdioServers(folder: string): readonly (readonly [string, readonly string[], Readonly<Record<string, string>>])[] {
  const require = createRequire(import.meta.url);
  const login = {
    HELPDESK_DATABASE_HOST: folder,
    HELPDESK_DATABASE_PORT: "5432",
    HELPDESK_DATABASE: "none",
    HELPDESK_DATABASE_USER: "none",
    HELPDESK_DATABASE_PASSWORD: "none",
  };
  return [
    ["billing", [fileURLToPath(new URL("server/stdio.ts", import.meta.url)), "billing"], login],
    ["files", [require.resolve("@modelcontextprotocol/server-filesystem/dist/index.js"), join(folder, "files")], {}],
    ["memory", [require.resolve("@modelcontextprotocol/server-memory/dist/index.js")], { MEMORY_FILE_PATH: join(folder, "memory.jsonl") }],
  ];
}

type Target = Parameters<typeof createConnection>[0]["target"];

/** Asks through the broker's own client, so that what is reviewed is what will be compared. */
async function fingerprintsOf(
  tool: string,
  target: Target,
  headers: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, string>> {
  const key = { tool, tenant: "review", environment: "prod", workflow: "review" };
  const connection = createConnection({ key, target, equipment: { headers, environment: {} }, log: () => {} });
  try {
    const { tools } = await connection.listing();
    return new Map(tools.map((entry) => [String(entry["name"]), fingerprint(entry)]));
  } finally {
    await connection.close();
  }
}

/** The text of a catalog file with `reviewed:` set for every action that `fingerprints` names; comments and order are kept. */
export function withReviews(text: string, fingerprints: ReadonlyMap<string, string>): string {
  const lines = text.split("\n");
  const out: string[] = [];
  let section = "";
  for (const [index, line] of lines.entries()) {
    if (/^\S/.test(line)) section = line.split(":")[0] ?? "";
    if (section === "actions" && /^ {4}reviewed: /.test(line)) continue;
    out.push(line);
    const action = /^ {2}(\w+):\s*$/.exec(line)?.[1];
    const found = section === "actions" && action !== undefined ? fingerprints.get(action) : undefined;
    // Directly below the name, so that a changed fingerprint stands beside what it is of.
    if (found !== undefined && index < lines.length) out.push(`    reviewed: ${found}`);
  }
  return out.join("\n");
}

async function main(check: boolean): Promise<number> {
  const current = await currentFingerprints();
  let changed = 0;
  for (const file of (await readdir(TOOLS_FOLDER)).toSorted()) {
    const text = await readFile(join(TOOLS_FOLDER, file), "utf8");
    const fingerprints = current.get(file.replace(/\.yaml$/, ""));
    if (fingerprints === undefined) continue;
    const next = withReviews(text, fingerprints);
    const quarantined = [...fingerprints.keys()].filter((name) => !new RegExp(`^ {2}${name}:`, "m").test(text));
    console.error(`${file}: ${fingerprints.size - quarantined.length} reviewed, quarantined: ${quarantined.join(", ") || "none"}`);
    if (next === text) continue;
    changed += 1;
    if (check) console.error(`${file} differs from what the server offers; read the change, then run this without --check`);
    else await writeFile(join(TOOLS_FOLDER, file), next);
  }
  return check && changed > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.includes("--check"));
