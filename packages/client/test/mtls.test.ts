import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { connect, getSessionToken, loadAgentKey } from "../src/index.ts";
import { echo } from "../../broker/test/mcp/support/operations.ts";
import { DELEGATE, startBroker } from "./support/broker.ts";

const fixture = async (part: "cert" | "key"): Promise<string> =>
  readFile(new URL(`../../broker/test/smtp-tool/localhost.${part}.pem`, import.meta.url), "utf8");
const [cert, key] = [await fixture("cert"), await fixture("key")];
const SESSION = { user: "ada", task: "T-1" };

test("the certificate of the connection is the proof of each of its requests", async () => {
  const broker = await startBroker([echo], {}, { cert, key });
  const line = await connect({
    ...SESSION,
    url: broker.url,
    key: await loadAgentKey(broker.keyFile),
    proof: "mtls",
    tls: { ca: cert, cert, key },
  });
  expect(await line.call("echo", { a: 1 })).toMatchObject({ kind: "result", text: 'echo {"a":1}' });
  expect(broker.oauth.tokens.get(broker.tokens[0] ?? "")?.binding).toMatchObject({ kind: "mtls" });
  await expect(line.delegate({ agent: DELEGATE })).rejects.toMatchObject({ code: "wish_impossible" });
  expect(() => line.narrow({ scope: ["tickets:read"] })).toThrow(expect.objectContaining({ code: "wish_impossible" }));
  await line.end();
  expect(broker.revoked).toEqual(broker.tokens);
});

test("without a certificate the proof mtls is not begun", async () => {
  const broker = await startBroker([]);
  const agent = await loadAgentKey(broker.keyFile);
  await expect(connect({ ...SESSION, url: broker.url, key: agent, proof: "mtls" })).rejects.toMatchObject({ code: "wish_impossible" });
  expect(broker.tokens).toEqual([]);
});

test("a token that is not bound to the certificate, as behind a proxy that ends TLS, is not used", async () => {
  const broker = await startBroker([], {}, { cert, key });
  broker.binds = false;
  const opening = connect({
    ...SESSION,
    url: broker.url,
    key: await loadAgentKey(broker.keyFile),
    proof: "mtls",
    tls: { ca: cert, cert, key },
  });
  await expect(opening).rejects.toMatchObject({ code: "proof_unsupported" });
});

test("a broker whose certificate nobody vouches for is not spoken to", async () => {
  const broker = await startBroker([], {}, { cert, key });
  await expect(getSessionToken({ ...SESSION, url: broker.url, key: await loadAgentKey(broker.keyFile) })).rejects.toMatchObject({
    code: "broker_unreachable",
  });
});
