import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { keyThumbprint, verifyReceipt } from "../domain/receipt.ts";
import { receiptFileSchema } from "../rest-contract/receipts.ts";
import type { Cli } from "./cli.ts";
import { CliFailure, EXIT } from "./failure.ts";
import { inline, labelled, printable } from "./text.ts";

type ReceiptFile = z.output<typeof receiptFileSchema>;

/** `bailiwick approvals receipt`, `bailiwick approvals verify`. */
export function addApprovalReceipts(approvals: Command, cli: Cli): void {
  approvals
    .command("receipt <id>")
    .description("what people signed with their passkeys when they approved")
    .option("--out <file>", "write it to this file")
    .action(async (id: string, options: { out?: string }) => {
      const broker = await cli.broker();
      const answer = z.object({ receipts: z.array(receiptFileSchema) });
      const { receipts } = await broker.get(`/approvals/${encodeURIComponent(id)}/receipts`, answer);
      if (receipts.length === 0)
        throw new CliFailure("refused", `nobody signed \`${printable(id)}\``, [
          "a rule asks for signatures with `stepUp: true` under `approve`",
        ]);
      const text = `${JSON.stringify(receipts, undefined, 2)}\n`;
      if (options.out === undefined) return cli.answer(receipts, text);
      await writeFile(resolve(cli.io.cwd, options.out), text);
      cli.answer({ file: options.out, receipts: receipts.length }, `${options.out}\n`);
      cli.talk(`verify it anywhere with \`bailiwick approvals verify ${options.out} --key <thumbprint>\``);
    });
  const each = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  approvals
    .command("verify <file>")
    .description("proves offline that people signed exactly this: no broker is asked")
    .option(
      "--key <thumbprint>",
      "a passkey that may have signed, from `bailiwick people passkeys <person>`; `person=thumbprint` for that person only; may be given again",
      each,
    )
    .option("--origin <origin>", "where people sign, such as https://bailiwick.example (default: as the file says)")
    .action(async (file: string, options: { key?: readonly string[]; origin?: string }) => {
      const receipts = await readReceipts(resolve(cli.io.cwd, file));
      if (options.origin !== undefined && !URL.canParse(options.origin))
        throw new CliFailure("usage", `\`--origin ${options.origin}\` is no URL`, ["write it as `https://bailiwick.example`"]);
      const verdicts = receipts.map((receipt) => judge(receipt, receipts, options));
      cli.answer(verdicts, verdicts.map(({ text }) => text).join("\n"));
      if (verdicts.some(({ ok }) => !ok)) cli.exitWith(EXIT.refused);
    });
}

interface Verdict {
  readonly ok: boolean;
  readonly person: string;
  readonly key: string;
  readonly what?: string;
  readonly document: ReceiptFile["receipt"]["document"];
  readonly text: string;
}

/** A key that nobody pinned proves that somebody signed, not who: that is no proof. Nor is one that signed for two people. */
function judge(
  { person, rpId, origin, receipt }: ReceiptFile,
  all: readonly ReceiptFile[],
  options: { readonly key?: readonly string[]; readonly origin?: string },
): Verdict {
  const key = keyThumbprint(receipt.publicKey);
  const where = options.origin ?? origin;
  const signature = verifyReceipt(receipt, {
    rpId: options.origin === undefined ? rpId : new URL(options.origin).hostname,
    origin: where,
    publicKey: receipt.publicKey,
  });
  const named = receipt.document["person"] === person;
  const another = all.find((other) => other.person !== person && keyThumbprint(other.receipt.publicKey) === key);
  const what = !signature.ok
    ? signature.what
    : !named
      ? "the file names another person than the signed document"
      : options.key === undefined
        ? `the signature holds, and whose key \`${key}\` is was not checked: compare it with \`bailiwick people passkeys ${printable(person)}\` and give it with --key`
        : !keysFor(person, options.key).includes(key)
          ? `it was signed with \`${key}\`, which is none of the keys given for this person`
          : another === undefined
            ? undefined
            : `the same key signed for \`${printable(another.person)}\` as well, and a passkey is one person's`;
  const facts = { person, key, document: receipt.document };
  const text = `${what === undefined ? "proven" : "not proven"}\n${labelled(linesOf({ person, rpId, origin: where, receipt }, key, what))}`;
  return what === undefined ? { ok: true, ...facts, text } : { ok: false, what, ...facts, text };
}

/** Those given for this person, and those given for nobody by name. A thumbprint holds no `=`. */
function keysFor(person: string, keys: readonly string[]): readonly string[] {
  return keys.flatMap((key) => {
    const at = key.lastIndexOf("=");
    return at === -1 || key.slice(0, at) === person ? [key.slice(at + 1)] : [];
  });
}

function linesOf({ person, origin, receipt }: ReceiptFile, key: string, what: string | undefined): readonly (readonly [string, string])[] {
  const { document, at } = receipt;
  const said = (member: string): string => printable(typeof document[member] === "string" ? document[member] : inline(document[member]));
  return [
    ...(what === undefined ? [] : [["  why", what] as const]),
    ["  person", printable(person)],
    ["  said", `${said("verdict")} to \`${said("scope")}\` by ${said("agent")} for ${said("user")}`],
    ["  arguments", said("args")],
    ["  approval", said("approval")],
    ...(document["bounds"] === undefined ? [] : [["  bounds", said("bounds")] as const]),
    ["  policy", said("policyVersion")],
    ["  where", printable(origin)],
    ["  when", printable(at)],
    ["  key", key],
  ];
}

/** A file with one receipt, or a list of them. @throws CliFailure `usage`. */
async function readReceipts(path: string): Promise<readonly ReceiptFile[]> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) throw new CliFailure("usage", `cannot read \`${path}\``, ["name a readable file"]);
  const parsed = z.union([receiptFileSchema.transform((one) => [one]), z.array(receiptFileSchema).min(1)]).safeParse(parsedJson(text));
  if (!parsed.success)
    throw new CliFailure("usage", `\`${path}\` holds no receipt`, ["make one with `bailiwick approvals receipt <id> --out <file>`"]);
  return parsed.data;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
