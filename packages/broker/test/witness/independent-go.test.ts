import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatNoteKey } from "@bailiwick/ledger";
import { expect, test } from "vitest";
import { z } from "zod";
import { needsProgram } from "../../../../tools/needs.ts";
import { witnessAnchor } from "../../src/adapters/anchors/witness-anchor.ts";
import { newKeyFile } from "../../src/witness/key-file.ts";
import { startWitness } from "../../src/witness/start-witness.ts";
import { freshSigner, writtenLog } from "./log.ts";

const answer = z.object({ Notes: z.array(z.boolean()), Cosigned: z.array(z.boolean()) });

test(
  "Go's sumdb/note accepts what the witness cosigned, with the key that `new-key` printed, and nothing else",
  { timeout: 120_000 },
  async (context) => {
    needsProgram(context, "go", "golang-go");
    const folder = await mkdtemp(join(tmpdir(), "witness-go-"));
    const vkey = await newKeyFile(join(folder, "key"), "witness.example/w1");
    const signer = freshSigner("bailiwick.example/log/acme");
    const log = writtenLog(signer, 300);
    const witness = await startWitness({
      keyFile: join(folder, "key"),
      stateFolder: join(folder, "state"),
      fresh: true,
      logs: [signer.key],
      host: "127.0.0.1",
      port: 0,
      now: () => new Date(),
      say: () => undefined,
    });
    const anchor = witnessAnchor({ key: witness.key, url: witness.url });
    await anchor.publish(log.origin, await log.at(7), log.prove);
    const lines = await anchor.publish(log.origin, await log.at(300), log.prove);
    const shown = (await anchor.newest(log.origin))?.note ?? "";
    await witness.close();
    await rm(folder, { recursive: true, force: true });
    const { note } = await log.at(300);
    const cosigned = `${note}${lines.join("\n")}\n`;
    const others = [note, cosigned.replace("\n300\n", "\n301\n"), `${(await log.at(299)).note}${lines.join("\n")}\n`];
    const answers = go({
      Notes: [cosigned, shown].map((one) => ({ Note: one, Key: formatNoteKey(signer.key) })),
      Cosigned: [cosigned, shown, ...others].map((one) => ({ Note: one, Key: vkey })),
      Records: ["a"],
      Origin: "go.example/log",
    });
    expect(answers).toEqual({ Notes: [true, true], Cosigned: [true, true, false, false, false] });
  },
);

/** The program that verifies our checkpoints for packages/ledger. */
function go(jobs: object): z.infer<typeof answer> {
  const program = fileURLToPath(new URL("../../../ledger/test/go/check.go", import.meta.url));
  const env = { ...process.env, GO111MODULE: "off", GOPATH: "/usr/share/gocode", GOFLAGS: "", GOTOOLCHAIN: "local" };
  const run = spawnSync("go", ["run", program], { env, input: JSON.stringify(jobs), encoding: "utf8" });
  if (run.status !== 0) throw new Error(`the Go program failed; is \`golang-golang-x-mod-dev\` installed? ${run.stderr}`);
  return answer.parse(JSON.parse(run.stdout));
}
