import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { readBrokerFile } from "../config/data-folder.ts";
import { MAX_DOCUMENT_BYTES, readDocument, UnreadableDocument } from "../insight/openapi/document.ts";
import { type ApiProposal, proposeApi } from "../insight/openapi/propose.ts";
import { extendedToolFile, newToolFile } from "../insight/openapi/proposal-file.ts";
import { printable } from "../insight/printable.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";

export interface OpenApiOptions {
  /** A file, or an http or https address. */
  readonly openapi: string;
  readonly write?: boolean;
  readonly policy?: string;
}

/** How long the address of a description may take. */
const FETCH_TIMEOUT_MS = 30_000;

/** `bailiwick tools add <tool> --openapi <file|url>`: proposes an action for each operation of an HTTP API. Needs no broker. */
export async function addFromOpenApi(cli: Cli, tool: string, options: OpenApiOptions): Promise<void> {
  if (!/^[a-z][a-z0-9_-]{0,62}$/u.test(tool))
    throw new CliFailure("usage", `\`${tool}\` is no name of a tool`, ["use lower case, such as `crm`"]);
  const address = URL.parse(options.openapi);
  const remote = address?.protocol === "https:" || address?.protocol === "http:";
  const text = remote ? await fetched(cli, options.openapi) : await readText(cli, options.openapi);
  const document = await readDocument(text).catch((failure: unknown) => {
    if (failure instanceof UnreadableDocument)
      throw new CliFailure("refused", printable(failure.message), ["correct the document, or fetch another version of it"]);
    throw failure;
  });
  const proposal = proposeApi(tool, document);
  if (proposal.actions.length === 0)
    throw new CliFailure("refused", "no operation of the document can be a request of the catalog", whyNot(proposal));
  const base = remote ? options.openapi : undefined;
  if (options.write !== true) {
    cli.answer({ tool, ...proposal }, newToolFile(tool, document, proposal, base));
    cli.talk("\nread each one, correct `is` and `effect`, and put them into the tool's file; `--write` does so");
  } else {
    const file = join(options.policy ?? (await readBrokerFile(cli.dataFolder()))?.policy ?? "policy", "tools", `${tool}.yaml`);
    const path = resolve(cli.io.cwd, file);
    const there = await readFile(path, "utf8").catch(() => undefined);
    const written =
      there === undefined
        ? { text: newToolFile(tool, document, proposal, base), added: proposal.actions.map(({ name }) => name), kept: [] }
        : extendedToolFile(there, proposal);
    if (written === undefined)
      throw new CliFailure("refused", `\`${file}\` is no well-formed file of a tool that is reached by http`, [
        "run `bailiwick check` and correct it first",
        "or choose another name for the tool",
      ]);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, written.text);
    cli.answer({ tool, ...proposal, file, added: written.added, kept: written.kept }, `added ${written.added.length} actions to ${file}\n`);
    if (written.kept.length > 0) cli.talk(`left as they are: ${written.kept.join(", ")}`);
    cli.talk(
      "nothing is granted by this: read each action, correct `is` and `effect`, name the tenant's field, then run `bailiwick check`",
    );
  }
  for (const line of whyNot(proposal)) cli.talk(line);
}

function whyNot({ unmapped }: ApiProposal): readonly string[] {
  return unmapped.map(({ operation, why }) => printable(`not proposed: ${operation}: ${why}`));
}

async function readText(cli: Cli, file: string): Promise<string> {
  const path = resolve(cli.io.cwd, file);
  const size = await stat(path).then(
    (found) => found.size,
    () => undefined,
  );
  if (size === undefined) throw new CliFailure("usage", `cannot read \`${file}\``, ["name a file, or an `https:` address"]);
  if (size > MAX_DOCUMENT_BYTES) throw tooLarge(file);
  return readFile(path, "utf8");
}

async function fetched(cli: Cli, address: string): Promise<string> {
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS);
  const answer = await cli.io.fetch(address, { signal }).catch(() => undefined);
  if (answer === undefined || !answer.ok || answer.body === null)
    throw new CliFailure("refused", `\`${address}\` answered ${answer === undefined ? "nothing" : `HTTP ${answer.status}`}`, [
      "download the document and name the file",
    ]);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.length;
    if (bytes > MAX_DOCUMENT_BYTES) throw tooLarge(address);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function tooLarge(what: string): CliFailure {
  return new CliFailure("refused", `\`${what}\` has more than ${MAX_DOCUMENT_BYTES / 1024 / 1024} MiB`, ["split the document"]);
}
