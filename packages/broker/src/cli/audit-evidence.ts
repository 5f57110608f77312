import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { originOfProof } from "@bailiwick/ledger";
import type { Command } from "commander";
import { z } from "zod";
import { logKeysSchema, rotatedKeySchema } from "../rest-contract/log-evidence.ts";
import type { BrokerClient } from "./broker-client.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { mirrorLog } from "./log-mirror.ts";
import { oneTenantToAsk, tenantsToAsk } from "./tenants-to-ask.ts";
import { labelled, printable } from "./text.ts";

/** `bailiwick audit mirror | prove | keys | rotate-key`: evidence that verifies without this broker. */
export function addAuditEvidence(audit: Command, cli: Cli): void {
  addMirror(audit, cli);
  addProve(audit, cli);
  addKeys(audit, cli);
}

function addMirror(audit: Command, cli: Cli): void {
  audit
    .command("mirror <folder>")
    .description(
      "copies a log with everything that proves it into a folder, for `audit verify <folder>`; run it again to bring the folder up to date",
    )
    .option("--tenant <tenant>", "whose log; needed where there are several")
    .action(async (name: string, options: { readonly tenant?: string }) => {
      const broker = await cli.broker();
      const tenant = await oneTenantToAsk(broker, options.tenant);
      const folder = resolve(cli.io.cwd, name);
      const mirrored = await mirrorLog(broker, tenant, folder);
      if (mirrored === undefined)
        throw new CliFailure("refused", `the log of tenant \`${tenant}\` has no checkpoint yet`, ["make a call, and try again"]);
      const { size, fetched, keys } = mirrored;
      cli.answer(
        { tenant, log: keys.origin, folder, size, fetched },
        `${printable(keys.origin)}: ${size} records in \`${folder}\`, ${fetched} files fetched\n`,
      );
      cli.talk(`verify it anywhere with \`bailiwick-ledger verify ${name} --key <key>\`; the operator of the log gives the key`);
    });
}

const PROVEN = ["record", "call", "run", "agent"] as const;
type Provable = (typeof PROVEN)[number];

function addProve(audit: Command, cli: Cli): void {
  audit
    .command("prove <what> <name>")
    .description(
      `writes a proof that verifies by itself; <what> is \`record\` (an index), \`call\` (all its records, a file each), \`run\` or \`agent\` (these are all records of it)`,
    )
    .requiredOption("--out <file>", "where to write it; a folder for a call")
    .option("--tenant <tenant>", "in whose log; needed where there are several")
    .action(async (what: string, name: string, options: { readonly out: string; readonly tenant?: string }) => {
      const kind = PROVEN.find((one) => one === what);
      if (kind === undefined) throw new CliFailure("usage", `\`${what}\` cannot be proven`, [`prove one of: ${PROVEN.join(", ")}`]);
      const broker = await cli.broker();
      const tenant = await oneTenantToAsk(broker, options.tenant);
      const files = await proofsOf(broker, { tenant, kind, name, out: resolve(cli.io.cwd, options.out) });
      for (const { path, text } of files) {
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, text);
      }
      const [first] = files;
      const log = first === undefined ? undefined : originOfProof(first.text);
      cli.answer({ tenant, log, files: files.map(({ path }) => path) }, files.map(({ path }) => `${path}\n`).join(""));
      cli.talk("verify it anywhere with `bailiwick-ledger verify-proof <file> --key <key>`; the operator of the log gives the key");
    });
}

interface ProofFile {
  readonly path: string;
  readonly text: string;
}

async function proofsOf(
  broker: BrokerClient,
  asked: { readonly tenant: string; readonly kind: Provable; readonly name: string; readonly out: string },
): Promise<readonly ProofFile[]> {
  const { tenant, kind, name, out } = asked;
  const proofs = `/audit/logs/${encodeURIComponent(tenant)}/proofs`;
  switch (kind) {
    case "record":
      return [{ path: out, text: await proof(broker, `${proofs}/records/${encodeURIComponent(name)}`, `record ${name}`) }];
    case "run":
    case "agent":
      return [{ path: out, text: await proof(broker, `${proofs}/sequences/${kind}/${encodeURIComponent(name)}`, `${kind} ${name}`) }];
    case "call": {
      const call = await broker.get(
        `/calls/${encodeURIComponent(name)}`,
        z.object({ tenant: z.string(), records: z.array(z.object({ index: z.int() })) }),
      );
      // The places are those of its own log: in another they are somebody else's records.
      if (call.tenant !== tenant)
        throw new CliFailure("refused", `the call \`${name}\` is in the log of tenant \`${call.tenant}\`, not of \`${tenant}\``, [
          `add \`--tenant ${call.tenant}\``,
        ]);
      const files: ProofFile[] = [];
      for (const { index } of call.records) {
        const text = await proof(broker, `${proofs}/records/${index}`, `record ${index}`);
        files.push({ path: join(out, `record-${index}.tlog-proof`), text });
      }
      return files;
    }
  }
}

async function proof(broker: BrokerClient, path: string, what: string): Promise<string> {
  const bytes = await broker.file(path);
  if (bytes === undefined)
    throw new CliFailure("refused", `the log has no ${what}`, [
      "see `bailiwick audit query` for what there is; the oldest records may be retired",
    ]);
  return Buffer.from(bytes).toString("utf8");
}

function addKeys(audit: Command, cli: Cli): void {
  audit
    .command("keys")
    .description("the logs' names, keys and witnesses, for whoever verifies them: hand them over by another way than the log")
    .option("--tenant <tenant>", "only this tenant's log")
    .option("--as-policy", "as a policy file (C2SP tlog-policy)")
    .action(async (options: { readonly tenant?: string; readonly asPolicy?: boolean }) => {
      const broker = await cli.broker();
      const logs = [];
      for (const tenant of await tenantsToAsk(broker, options.tenant))
        logs.push({ tenant, ...(await broker.get(`/audit/logs/${encodeURIComponent(tenant)}/keys`, logKeysSchema)) });
      const text = options.asPolicy === true ? policyOfAll(logs) : logs.map(keysText).join("\n");
      cli.answer({ logs }, text);
    });
  audit
    .command("rotate-key")
    .description("signs a log's checkpoints with a new key from now on; the log introduces it, so whoever pinned an earlier one follows")
    .requiredOption("--tenant <tenant>", "whose log")
    .option("--as <person>", "who rotates")
    .action(async (options: { readonly tenant: string; readonly as?: string }) => {
      const broker = await cli.broker(options.as);
      const answer = await broker.send("POST", `/audit/logs/${encodeURIComponent(options.tenant)}/rotate-key`, rotatedKeySchema, {});
      cli.answer(answer, `${printable(answer.key)}\n`);
      cli.talk("checkpoints are signed with this key from now on; hand it over to those who verify the log and have no earlier key");
    });
}

type LogKeys = z.output<typeof logKeysSchema> & { readonly tenant: string };

function keysText({ tenant, origin, keys, witnesses, quorum }: LogKeys): string {
  return labelled([
    ["tenant", tenant],
    ["log", printable(origin)],
    ...(keys.length === 0 ? [["key", "none yet; the first record makes it"] as const] : []),
    ...keys.map(({ key, from, until }): [string, string] => [
      "key",
      `${printable(key)}, sizes from ${from}${until === undefined ? "" : ` to ${until}`}`,
    ]),
    ...witnesses.map((key): [string, string] => ["witness", printable(key)]),
    ["quorum", quorum === 0 ? "none" : `${quorum} of ${witnesses.length} witnesses`],
  ]);
}

/** One policy may be about several logs; their witnesses are the broker's, and so the same. */
function policyOfAll(logs: readonly LogKeys[]): string {
  const lines = logs.map(({ policy }) => policy.split("\n").filter((line) => line !== ""));
  const own = lines.flatMap((each) => each.filter((line) => line.startsWith("log ")));
  const shared = lines[0]?.filter((line) => !line.startsWith("log ")) ?? [];
  return [...own, ...shared].map((line) => `${line}\n`).join("");
}
