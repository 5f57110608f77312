import { parseNoteKey } from "@bailiwick/ledger";
import { z } from "zod";

const MAX_ANCHORS = 32;

/** A key of a witness (C2SP tlog-cosignature, type 0x04) in text form. */
const witnessKey = z.string().transform((text, context) => {
  try {
    const key = parseNoteKey(text);
    if (key.type === "cosignature") return key;
    context.addIssue(`the key of \`${key.name}\` is that of a log; copy the witness's from \`bailiwick witness new-key\``);
  } catch {
    context.addIssue("this is no key of a witness; copy it from `bailiwick witness new-key`, or from who runs the witness");
  }
  return z.NEVER;
});

/** Plain http only to this machine: in between, somebody could show an old checkpoint and so hide a tail that was cut. */
const safeUrl = z.string().refine((text) => {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "" || url.hash !== "") return false;
  return url.protocol === "https:" || (url.protocol === "http:" && ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname));
}, "the address has to be `https://…` (or `http://` to this machine), without a user, password or fragment");

/** A remote is handed to the git program, so it may not look like an option or name a program of its own. */
const gitRemote = z
  .string()
  .min(1)
  .refine((text) => !/^-|::/u.test(text), "a git remote is a path or a URL; it does not begin with `-` and has no `::`");

const branch = z.string().regex(/^[A-Za-z0-9][\w./-]*$/u, "a branch has letters, digits, `.`, `_`, `/` and `-`");

const anchor = z.union(
  [
    z.strictObject({ file: z.string().min(1) }),
    z.strictObject({ git: gitRemote, branch: branch.default("main") }),
    z.strictObject({ webhook: safeUrl, secret: z.string().min(1, "a webhook needs a secret, such as `${env:ANCHOR_SECRET}`") }),
  ],
  "an anchor is `{ file: … }`, `{ git: …, branch: … }` or `{ webhook: …, secret: … }`",
);

/** The parts of `log.yaml` that say where checkpoints go. Spread into the schema of the whole file. */
export const anchorsShape = {
  witnesses: z
    .array(z.strictObject({ key: witnessKey, url: safeUrl }))
    .max(MAX_ANCHORS)
    .default([])
    .refine(
      (all) => new Set(all.map(({ key }) => Buffer.from(key.publicKey).toString("hex"))).size === all.length,
      "one witness stands here twice; leave one out, or its word would count twice",
    ),
  /** How many witnesses must have cosigned a checkpoint before a verifier believes it. */
  quorum: z.int().min(0).default(0),
  anchors: z.array(anchor).max(MAX_ANCHORS).default([]),
};

/** @returns what is wrong between the parts, if anything. */
export function quorumProblem({ witnesses, quorum }: Pick<AnchorsConfig, "witnesses" | "quorum">): string | undefined {
  return quorum > witnesses.length
    ? `a quorum of ${quorum} cannot be met by ${witnesses.length} witnesses; add witnesses or lower it`
    : undefined;
}

export interface AnchorsConfig {
  readonly witnesses: z.output<typeof anchorsShape.witnesses>;
  readonly quorum: number;
  readonly anchors: z.output<typeof anchorsShape.anchors>;
}
