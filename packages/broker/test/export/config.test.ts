import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ExportTargetError, openDestination } from "../../src/adapters/export/open-destination.ts";
import { exportsSchema } from "../../src/config/exports-schema.ts";
import { EXPORT_FORMATS } from "../../src/domain/export.ts";
import { TLS } from "./delivery-support.ts";

const SYSLOG = { name: "siem", tenant: "acme", format: "syslog", to: "syslog+tls://siem.example:6514" };
const WEBHOOK = { name: "hook", tenant: "acme", format: "ocsf", to: "https://hooks.example/bailiwick" };
const FILE = { name: "disk", tenant: "acme", format: "jsonl", to: "file:///var/log/bailiwick/acme.jsonl" };

function problems(...targets: readonly unknown[]): readonly string[] {
  const parsed = exportsSchema.safeParse(targets);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("the exports of log.yaml", () => {
  test("may be of every format and kind", () => {
    for (const format of EXPORT_FORMATS) expect(problems({ ...FILE, format })).toEqual([]);
    expect(problems(SYSLOG, WEBHOOK, FILE)).toEqual([]);
    expect(
      problems(
        { ...SYSLOG, to: "syslog+tls://[::1]:6514/", ca: "/etc/ssl/siem.pem", from: 10 },
        { ...WEBHOOK, secret: "${env:S}", headers: { authorization: "Splunk ${env:T}", "x-index": "main" }, ca: "ca.pem" },
        { ...WEBHOOK, name: "near", to: "http://127.0.0.1:8080/x" },
        { ...FILE, rotateAtBytes: 10_000_000 },
      ),
    ).toEqual([]);
  });

  test.each<readonly [string, object, RegExp]>([
    ["an unknown member", { ...FILE, colour: "red" }, /Unrecognized key/u],
    ["an unknown format", { ...FILE, format: "ocsf@1.7.0" }, /format/u],
    ["no destination", { ...FILE, to: "siem" }, /^0\.to: must be `syslog\+tls/u],
    ["another kind of destination", { ...FILE, to: "ftp://x.example/y" }, /must begin with/u],
    ["syslog without TLS", { ...SYSLOG, to: "syslog://siem.example" }, /must begin with/u],
    ["syslog with a path", { ...SYSLOG, to: "syslog+tls://siem.example/x" }, /nothing more/u],
    ["headings in syslog", { ...SYSLOG, format: "csv" }, /line of headings/u],
    ["a signature over syslog", { ...SYSLOG, secret: "${env:S}" }, /secret: is of no use for syslog/u],
    ["a webhook without TLS", { ...WEBHOOK, to: "http://hooks.example/" }, /must be `https:`/u],
    ["a host that only begins like this machine", { ...WEBHOOK, to: "http://127.0.0.1.evil.example/" }, /must be `https:`/u],
    ["a password in the address", { ...WEBHOOK, to: "https://me:secret@hooks.example/" }, /must not hold a password/u],
    ["a secret in the policy folder", { ...WEBHOOK, secret: "whsec_abc" }, /no place in the policy folder/u],
    ["a token in the policy folder", { ...WEBHOOK, headers: { authorization: "Bearer abc" } }, /must take `authorization` from/u],
    ["a header of the delivery's own", { ...WEBHOOK, headers: { "webhook-id": "x" } }, /by itself/u],
    ["a header in capitals", { ...WEBHOOK, headers: { "X-A": "b" } }, /small letters, not `X-A`/u],
    ["a header with a line break", { ...WEBHOOK, headers: { "x-a": "b\r\nx-c: d" } }, /visible ASCII/u],
    ["a file on another machine", { ...FILE, to: "file://other/var/x" }, /must be `file:\/\/\/`/u],
    ["a folder", { ...FILE, to: "file:///var/log/" }, /must be `file:\/\/\/`/u],
    ["a file of certificates for a file", { ...FILE, ca: "x" }, /ca: is of no use for a file/u],
    ["files too small for a record", { ...FILE, rotateAtBytes: 10 }, /rotateAtBytes/u],
    ["a beginning before the log", { ...FILE, from: -1 }, /from/u],
    ["a name with a slash", { ...FILE, name: "a/b" }, /small letters/u],
  ])("may not have %s", (_, target, problem) => {
    expect(problems(target).join("\n")).toMatch(problem);
  });

  test("may not share a name, which is the cursor's, or a file", () => {
    expect(problems(FILE, { ...WEBHOOK, name: "disk" })).toEqual([expect.stringMatching(/^1\.name: is the name of another export/u)]);
    expect(problems(FILE, { ...FILE, name: "disk2" })).toEqual([expect.stringMatching(/^1\.to: is the file of another export/u)]);
    expect(problems(FILE, { ...WEBHOOK, name: "disk", tenant: "globex" })).toEqual([]);
  });
});

describe("an export that cannot begin", () => {
  const open = (target: object, environment: Readonly<Record<string, string>> = {}) => {
    const [parsed] = exportsSchema.parse([target]);
    if (parsed === undefined) throw new Error("no target");
    return () => openDestination(parsed, { now: () => new Date(), environment: (name) => environment[name] });
  };

  test("names the variable that is not set, and never what is in one", () => {
    expect(open({ ...WEBHOOK, headers: { authorization: "Bearer ${env:TOKEN}" } })).toThrow(
      new ExportTargetError(
        "the export `hook` needs the environment variable `TOKEN`, which is not set; set it and start the broker again",
      ),
    );
    expect(open({ ...WEBHOOK, secret: "${env:SECRET}" }, { SECRET: "hunter2" })).toThrow(/must be `whsec_` and 24 to 64 bytes/u);
    expect(open({ ...WEBHOOK, secret: "${env:SECRET}" }, { SECRET: "hunter2" })).not.toThrow(/hunter2/u);
    expect(open({ ...WEBHOOK, secret: "${env:SECRET}" }, { SECRET: `whsec_${Buffer.alloc(32).toString("base64")}` })).not.toThrow();
  });

  test("names the file of certificates that is not there", async () => {
    const folder = await mkdtemp(join(tmpdir(), "bailiwick-export-ca-"));
    expect(open({ ...SYSLOG, ca: join(folder, "none.pem") })).toThrow(/cannot read the certificates in .*none\.pem` \(ENOENT\)/u);
    expect(open({ ...SYSLOG, ca: TLS.ca })).not.toThrow();
    await rm(folder, { recursive: true });
  });
});
