import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { McpTarget } from "../../src/adapters/mcp-client/index.ts";
import { call, closeAll, connect, textOf } from "./support.ts";

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "mcp-client-")));
});
afterEach(async () => {
  await closeAll();
  await rm(folder, { recursive: true });
});

function official(name: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): McpTarget {
  const program = join(dirname(fileURLToPath(import.meta.resolve(`@modelcontextprotocol/${name}/package.json`))), "dist/index.js");
  return { command: [process.execPath, program, ...args], environment: { PATH: process.env["PATH"] ?? "", ...environment } };
}

describe("the official filesystem server", () => {
  test("lists its tools, reads what it may and refuses what it may not", async () => {
    await writeFile(join(folder, "note.txt"), "hello from disk");
    const { connection } = connect(official("server-filesystem", [folder]));
    const { tools } = await connection.listing();
    expect(tools.map((entry) => entry["name"])).toContain("read_text_file");
    expect(textOf(await call(connection, "read_text_file", { path: join(folder, "note.txt") }))).toBe("hello from disk");
    expect(await call(connection, "read_text_file", { path: "/etc/passwd" })).toMatchObject({ isError: true });
  });

  test("runs fifty calls at once over one child", async () => {
    await Promise.all(Array.from({ length: 50 }, (_, index) => writeFile(join(folder, `${index}.txt`), `text ${index}`)));
    const { connection } = connect(official("server-filesystem", [folder]));
    const texts = await Promise.all(
      Array.from({ length: 50 }, async (_, index) =>
        textOf(await call(connection, "read_text_file", { path: join(folder, `${index}.txt`) })),
      ),
    );
    expect(texts).toEqual(Array.from({ length: 50 }, (_, index) => `text ${index}`));
  });
});

describe("the official memory server", () => {
  test("keeps what it was told over a restart of its child", async () => {
    const target = official("server-memory", [], { MEMORY_FILE_PATH: join(folder, "memory.jsonl") });
    const first = connect(target).connection;
    await call(first, "create_entities", { entities: [{ name: "Ada", entityType: "person", observations: ["likes engines"] }] });
    await first.close();
    const graph = await call(connect(target).connection, "read_graph");
    expect(graph).toMatchObject({ structuredContent: { entities: [{ name: "Ada", observations: ["likes engines"] }] } });
  });
});
