import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { formatDiagnostic, load, reach } from "../src/index.ts";
import { files, HELPDESK, loaded, SUPPORT } from "./support/helpdesk.ts";

interface Vector {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly code: string;
  /** `error` unless said otherwise. */
  readonly severity?: string;
  readonly line: number;
  readonly at?: string;
  readonly write?: string;
}

const VECTORS = parse(readFileSync(new URL("vectors/diagnostics.yaml", import.meta.url), "utf8")) as readonly Vector[];

function diagnosticsOf(changes: Readonly<Record<string, string | undefined>>) {
  const result = load(files(changes));
  return result.ok ? result.policy.warnings : result.diagnostics;
}

describe("load reports", () => {
  it.each(VECTORS)("$name", (vector) => {
    const original = HELPDESK[vector.file] ?? "";
    expect(original).toContain(vector.from);
    const found = diagnosticsOf({ [vector.file]: original.replace(vector.from, () => vector.to) });
    const places = found.map(
      (diagnostic) => `${diagnostic.severity} ${diagnostic.code} ${diagnostic.at.file}:${String(diagnostic.at.line)}`,
    );
    expect(places).toContain(`${vector.severity ?? "error"} ${vector.code} ${vector.at ?? vector.file}:${String(vector.line)}`);
    const hit = found.find((diagnostic) => diagnostic.code === vector.code && diagnostic.at.line === vector.line);
    if (vector.write !== undefined) expect(hit?.write).toContain(vector.write);
    for (const diagnostic of found) expect(diagnostic.what.length * diagnostic.why.length * diagnostic.write.length).toBeGreaterThan(0);
  });

  it("every mistake of several files in one run", () => {
    const codes = diagnosticsOf({
      "roles/base.yaml": "role: base\nallow:\n  - do: admin:full\n",
      "agents/support.yaml": (HELPDESK["agents/support.yaml"] ?? "").replace("owner: dana", "owner: nobody"),
      "notes.txt": "",
    }).map((diagnostic) => diagnostic.code);
    expect(codes).toEqual(expect.arrayContaining(["god-mode", "no-reason", "unknown-person", "unknown-file"]));
  });

  it("a folder without bailiwick.yaml", () => {
    expect(diagnosticsOf({ "bailiwick.yaml": undefined }).map((diagnostic) => diagnostic.code)).toContain("no-main-file");
  });

  it("an approval that another grant bypasses, as a warning", () => {
    const text = (HELPDESK["roles/support.yaml"] ?? "").replace("deny:\n", "  - do: mail:*\n    id: any-mail\ndeny:\n");
    const [warning] = loaded({ "roles/support.yaml": text }).warnings;
    expect(warning).toMatchObject({ code: "shadowed-approval", severity: "warning", at: { file: "roles/support.yaml", line: 16 } });
    expect(warning?.what).toContain("any-mail");
  });

  it("no warning when the wider grant has a condition of its own", () => {
    const text = (HELPDESK["roles/support.yaml"] ?? "").replace(
      "deny:\n",
      '  - do: mail:*\n    when: context.session.task == "T-9"\ndeny:\n',
    );
    expect(loaded({ "roles/support.yaml": text }).warnings).toEqual([]);
  });

  it("a type that two tools declare with different fields", () => {
    const text = (HELPDESK["tools/billing.yaml"] ?? "").replace("types:\n", "types:\n  Ticket: { id: string }\n");
    expect(diagnosticsOf({ "tools/billing.yaml": text }).map((diagnostic) => diagnostic.code)).toContain("duplicate-type");
  });

  it("a test that asks about an unknown agent or action", () => {
    const codes = diagnosticsOf({
      "tests/a.yaml": "tests:\n  - { name: x, agent: bailiwick://acme/prod/helpdesk/suport, call: get_tickt, expect: deny }\n",
    });
    expect(codes.map((diagnostic) => `${diagnostic.code}:${String(diagnostic.at.line)}`)).toEqual(["unknown-action:2", "unknown-agent:2"]);
  });
});

describe("load", () => {
  it("accepts the example folder without a finding", () => {
    expect(diagnosticsOf({})).toEqual([]);
  });

  it("makes an empty policy that denies everything out of bailiwick.yaml alone", () => {
    const result = load([{ path: "bailiwick.yaml", text: "version: 1\ntenants: [acme]\nenvironments: { dev: {} }\n" }]);
    expect(result.ok && reach(result.policy, SUPPORT, { tool: "tickets", kind: "tool", name: "get_ticket" })).toBe("never");
  });

  it("gives the same version whatever the order of the files, and another for another text", () => {
    const [first, second] = [load(files()), load(files().toReversed())];
    expect(first.ok && second.ok && first.policy.version === second.policy.version).toBe(true);
    expect(loaded({ "README.md": "hello" }).version).not.toBe(loaded().version);
  });

  it("makes one identity for each tenant and environment of an agent", () => {
    expect(loaded().agents.map((agent) => agent.name)).toEqual([
      "bailiwick://acme/dev/helpdesk/support",
      "bailiwick://acme/prod/finance/billing",
      "bailiwick://acme/prod/helpdesk/support",
      "bailiwick://globex/dev/helpdesk/support",
      "bailiwick://globex/prod/helpdesk/support",
    ]);
  });

  it("points into the right line of a condition that spans several", () => {
    const text = (HELPDESK["roles/support.yaml"] ?? "").replace(
      "rows: resource.tier == 1 && resource.region",
      "rows: |\n      resource.tier == 1 &&\n      resource.regio",
    );
    const found = diagnosticsOf({ "roles/support.yaml": text }).filter((diagnostic) => diagnostic.code === "condition-type");
    expect(found.map((diagnostic) => diagnostic.at.line)).toEqual([9]);
  });
});

describe("formatDiagnostic", () => {
  it("shows place, severity and code, then what, why and what to write", () => {
    const [diagnostic] = diagnosticsOf({ "roles/base.yaml": "role: base\nreason: r\nallows: []\n" });
    expect(diagnostic === undefined ? "" : formatDiagnostic(diagnostic)).toBe(
      "roles/base.yaml:3  error  unknown-key\n  what   unknown key `allows`\n  why    a misspelt key would silently drop what it was meant to say\n  write  `allow`",
    );
  });
});
