import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keyThumbprint } from "../../src/domain/receipt.ts";
import { PLACE, signer } from "../domain/signed-receipt.ts";
import { type Ran, runIn } from "./run-in.ts";

let folder: string;
const [lena, leo] = [signer(), signer()];
const keyOf = ({ publicKey }: typeof lena): string => keyThumbprint(publicKey);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bailiwick-receipts-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const signedFor = (by: typeof lena, person: string): object => ({
  person,
  ...PLACE,
  receipt: by.sign({ type: "bailiwick.approval.v1", verdict: "approve", approval: "apr_1", scope: "billing:refund", person }),
});

async function verify(receipts: readonly object[], ...keys: readonly string[]): Promise<Ran> {
  await writeFile(join(folder, "receipts.json"), JSON.stringify(receipts));
  return runIn(folder, join(folder, ".bailiwick"), ["approvals", "verify", "receipts.json", ...keys.flatMap((key) => ["--key", key])]);
}

test("yeses of several people are proven with each one's key, named by the person or not", async () => {
  const receipts = [signedFor(lena, "lena"), signedFor(leo, "leo")];
  expect(await verify(receipts, keyOf(lena), keyOf(leo))).toMatchObject({ code: 0, err: "" });
  expect(await verify(receipts, `lena=${keyOf(lena)}`, `leo=${keyOf(leo)}`)).toMatchObject({ code: 0 });
});

test("a key that is somebody's proves nobody else's yes", async () => {
  const forged = signedFor(lena, "leo");
  expect(await verify([forged], `lena=${keyOf(lena)}`, `leo=${keyOf(leo)}`)).toMatchObject({
    code: 1,
    out: expect.stringContaining("none of the keys given"),
  });
  expect(await verify([signedFor(lena, "lena"), forged], keyOf(lena), keyOf(leo))).toMatchObject({
    code: 1,
    out: expect.stringContaining("signed for `lena` as well"),
  });
});

test("an origin that is none is wrong usage", async () => {
  await verify([signedFor(lena, "lena")]);
  const wrong = await runIn(folder, join(folder, ".bailiwick"), ["approvals", "verify", "receipts.json", "--origin", "here"]);
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining("`--origin here`") });
});
