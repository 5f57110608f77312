import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test, type TestContext } from "vitest";
import { needsPython } from "../../../../tools/needs.ts";
import { type Receipt, verifyReceipt } from "../../src/domain/receipt.ts";
import { PLACE, signedReceipt } from "./signed-receipt.ts";

const SCRIPT = fileURLToPath(new URL("./verify_receipt.py", import.meta.url));

/** What python3-fido2 says of the receipt. */
function independently(context: TestContext, receipt: Receipt, place: { readonly rpId: string; readonly origin: string }): string {
  const python = needsPython(context, "fido2", "python3-fido2");
  const input = JSON.stringify({ receipt, publicKey: receipt.publicKey, ...place });
  const { stdout, stderr } = spawnSync(python, [SCRIPT], { input, encoding: "utf8" });
  if (stderr !== "") throw new Error(stderr);
  return stdout.trim();
}

const DOCUMENT = { type: "approve", approval: "apr_1", to: "Zoë", amount: 1250, nested: { b: [true, null], a: "x" } };

test("a receipt is accepted by a verifier that is not ours, and refused by it when anything was changed", (context) => {
  const { receipt, expected } = signedReceipt(DOCUMENT);
  const verdicts = (changed: Receipt, place = PLACE): readonly [string, boolean] => [
    independently(context, changed, place),
    verifyReceipt(changed, { ...expected, ...place }).ok,
  ];
  expect(verdicts(receipt)).toEqual(["ok", true]);
  expect(verdicts({ ...receipt, document: { ...DOCUMENT, amount: 1251 } })).toEqual(["another document", false]);
  expect(verdicts(receipt, { ...PLACE, origin: "https://evil.example" })).toEqual(["another page or purpose", false]);
  expect(verdicts(receipt, { ...PLACE, rpId: "evil.example" })).toEqual(["another domain, or nobody was verified", false]);
  const signature = Buffer.from(receipt.signature, "base64url");
  signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  expect(verdicts({ ...receipt, signature: signature.toString("base64url") })).toEqual(["InvalidSignature", false]);
});
