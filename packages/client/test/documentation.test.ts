import { spawn } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { text } from "../../broker/test/mcp/support/operations.ts";
import type { MemoryOperation } from "../../broker/test/mcp/support/memory-surface.ts";
import { startBroker } from "./support/broker.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** The first block of a document as a developer would paste it: only the broker's address is another one. */
async function runExample(
  document: string,
  url: string,
  keyFile: string,
  /** Told of all that the example has written to stderr so far. */
  said: (err: string) => void = () => undefined,
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const [, example = ""] = /```ts\n([\s\S]*?)```/u.exec(await readFile(join(ROOT, document), "utf8")) ?? [];
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-example-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await copyFile(keyFile, join(folder, "support.key"));
  await writeFile(join(folder, "example.mts"), example.replace("http://127.0.0.1:7400", url));
  const child = spawn(process.execPath, ["example.mts"], { cwd: folder });
  const [out, err] = [collected(child.stdout), collected(child.stderr)];
  child.stderr.on("data", () => said(err()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, out: out(), err: err() };
}

function collected(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  return () => text;
}

function tool(name: string, held: boolean): MemoryOperation {
  return {
    kind: "tool",
    entry: { name, inputSchema: { type: "object" } },
    held,
    run: async (args) => text(`${name} ${JSON.stringify(args)}`),
  };
}

test("the shortest example of the guide runs as it stands, and leaves no session behind", async () => {
  const broker = await startBroker([tool("get_ticket", false)]);
  const { code, out, err } = await runExample("docs/guide/client.md", broker.url, broker.keyFile);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain('get_ticket {"id":"T-17"}');
  expect(broker.revoked).toEqual(broker.tokens);
});

test("the example of the package's first page runs as it stands, approval included", async () => {
  const broker = await startBroker([tool("update_ticket", true)]);
  // A person who answers before the example has heard that it waits would leave it nothing to wait for.
  const { code, out, err } = await runExample("packages/client/README.md", broker.url, broker.keyFile, (heard) => {
    if (heard.includes("waiting for a person: ")) broker.surface.answer(broker.surface.tickets[0] ?? "", "approved");
  });
  expect(code).toBe(0);
  expect(err).toContain("waiting for a person: ");
  expect(out).toContain('update_ticket {"id":"T-17","status":"solved"}');
});
