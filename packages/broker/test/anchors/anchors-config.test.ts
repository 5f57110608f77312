import { formatNoteKey } from "@bailiwick/ledger";
import { expect, test } from "vitest";
import { z } from "zod";
import { anchorsShape, quorumProblem } from "../../src/adapters/anchors/anchors-config.ts";
import { openAnchors } from "../../src/adapters/anchors/open-anchors.ts";
import { freshSigner } from "../witness/log.ts";

const schema = z.strictObject(anchorsShape);
const key = formatNoteKey(freshSigner("witness.example", "cosignature").key);
const secret = `whsec_${Buffer.alloc(32).toString("base64")}`;

test("every kind of anchor is opened, witnesses first, with secrets from the environment", () => {
  const config = schema.parse({
    witnesses: [{ key, url: "https://witness.example" }],
    quorum: 1,
    anchors: [
      { file: "/mnt/other" },
      { git: "/srv/anchors.git" },
      { git: "git@example.com:anchors.git", branch: "logs/acme" },
      { webhook: "https://hooks.example/x?y=1", secret: "${env:ANCHOR_SECRET}" },
    ],
  });
  const fill = (text: string): string => text.replace("${env:ANCHOR_SECRET}", secret);
  const anchors = openAnchors(config, { fill, cacheFolder: "/tmp/none", environment: {}, now: () => new Date(0) });
  expect(anchors.map(({ name }) => name)).toEqual([
    "witness witness.example",
    "file /mnt/other",
    "git /srv/anchors.git (main)",
    "git git@example.com:anchors.git (logs/acme)",
    "webhook hooks.example",
  ]);
  expect(quorumProblem(config)).toBeUndefined();
  expect(quorumProblem({ ...config, quorum: 2 })).toContain("cannot be met by 1 witnesses");
});

test("nothing written is no witnesses, no anchors and no quorum", () => {
  expect(schema.parse({})).toEqual({ witnesses: [], quorum: 0, anchors: [] });
});

test.each([
  [{ witnesses: [{ key: formatNoteKey(freshSigner("log.example").key), url: "https://w.example" }] }, "is that of a log"],
  [{ witnesses: [{ key: "w.example+1+2", url: "https://w.example" }] }, "no key of a witness"],
  [{ witnesses: [{ key, url: "http://w.example" }] }, "`https://…`"],
  [{ witnesses: [{ key, url: "https://u:p@w.example" }] }, "`https://…`"],
  [
    {
      witnesses: [
        { key, url: "https://a.example" },
        { key, url: "https://b.example" },
      ],
    },
    "stands here twice",
  ],
  [{ witnesses: [{ key, url: "https://w.example", extra: 1 }] }, "extra"],
  [{ quorum: -1 }, "quorum"],
  [{ anchors: [{ file: "/x", git: "/y" }] }, "an anchor is"],
  [{ anchors: [{ git: "--upload-pack=touch /tmp/x" }] }, "a git remote is"],
  [{ anchors: [{ git: "ext::sh -c touch% /tmp/x" }] }, "a git remote is"],
  [{ anchors: [{ git: "/x", branch: "--force" }] }, "a branch has"],
  [{ anchors: [{ webhook: "ftp://x.example", secret }] }, "`https://…`"],
  [{ anchors: [{ webhook: "https://x.example" }] }, "an anchor is"],
  [{ anchors: [{ webhook: "https://x.example", secret: "" }] }, "needs a secret"],
])("%j is refused", (config, why) => {
  const parsed = schema.safeParse(config);
  expect(parsed.success).toBe(false);
  expect(JSON.stringify(parsed.error?.issues)).toContain(why);
});
