import { describe, expect, test } from "vitest";
import { linkViolations, tableRows } from "./markdown.ts";
import { compositionViolations, directionViolations, lengthViolations, purityViolations, unsafeViolations } from "./rules.ts";
import { readSource, unionMembers } from "./source.ts";

const IN_CALL = "packages/broker/src/call/step.ts";

describe("direction", () => {
  test.each([
    ["packages/policy/src/a.ts", "@bailiwick/ledger", "policy imports ledger"],
    ["packages/broker/src/domain/a.ts", "../call/types.ts", "domain imports call"],
    [IN_CALL, "../adapters/store/log.ts", "call imports adapters"],
    [IN_CALL, "bailiwick", "call imports main"],
    ["packages/broker/src/adapters/mcp/a.ts", "../../main.ts", "adapters imports main"],
    ["packages/client/src/a.ts", "../../broker/src/domain/fault.ts", "client imports domain"],
  ])("%s may not import %s", (path, from, what) => {
    expect(directionViolations(readSource(path, `import { a } from "${from}";`)).map((found) => found.what.split(" (")[0])).toEqual([what]);
  });
  test("an upward import is found as a type import, a re-export and a dynamic import too", () => {
    const text = `import type { A } from "../main.ts";\nexport { b } from "../main.ts";\nexport * from "../main.ts";\nawait import("../main.ts");`;
    expect(directionViolations(readSource(IN_CALL, text)).map((found) => found.line)).toEqual([1, 2, 3, 4]);
  });
  test("downward imports, own imports and npm packages are allowed", () => {
    const text = `import { a } from "../domain/fault.ts";\nimport { b } from "./types.ts";\nimport { c } from "zod";\nimport { d } from "@bailiwick/policy";`;
    expect(directionViolations(readSource(IN_CALL, text))).toEqual([]);
  });
});

describe("purity", () => {
  test.each([
    `import { readFileSync } from "node:fs";`,
    `import { request } from "node:http";`,
    `import { setTimeout as sleep } from "node:timers/promises";`,
    `import { randomUUID } from "node:crypto";`,
    `import * as hashing from "node:crypto";`,
    `const t = Date.now();`,
    `const t = new Date();`,
    `const t = Date();`,
    `const r = Math.random();`,
    `const e = process.env["HOME"];`,
    `await fetch("http://example.com");`,
    `const g = globalThis;`,
    `setTimeout(() => undefined, 1);`,
    `const s = AbortSignal.timeout(5);`,
    `const id = crypto.randomUUID();`,
    `const o = { process };`,
  ])("finds %s", (text) => {
    expect(purityViolations(readSource(IN_CALL, text))).toHaveLength(1);
  });
  test.each([
    `import { createHash, timingSafeEqual } from "node:crypto";`,
    `import type { Readable } from "node:stream";`,
    `const t = new Date(0);`,
    `const t = ports.now();`,
    `// Date.now() and process.env in a comment`,
    `const text = "process.env and new Date()";`,
    `interface Ports { process: string; fetch(): void }`,
    `const o = { process: 1, crypto: 2 }; o.process + o.crypto;`,
  ])("lets %s be", (text) => {
    expect(purityViolations(readSource(IN_CALL, text))).toEqual([]);
  });
  test("an exception covers one file and one thing", () => {
    const path = "packages/policy/src/cedar/cedar-instance.ts";
    expect(
      purityViolations(readSource(path, `import { createRequire } from "node:module";\nDate.now();`)).map((found) => found.line),
    ).toEqual([2]);
  });
  test("leaves adapters alone", () => {
    expect(purityViolations(readSource("packages/broker/src/adapters/a.ts", "Date.now();"))).toEqual([]);
  });
});

describe("composition", () => {
  test("the command line may not take a value from an adapter, but may name its types", () => {
    const path = "packages/broker/src/cli/up.ts";
    expect(compositionViolations(readSource(path, `import { open } from "../adapters/store/open.ts";`))).toHaveLength(1);
    expect(compositionViolations(readSource(path, `import type { Store } from "../adapters/store/open.ts";`))).toEqual([]);
  });
  test("the composition root may", () => {
    const text = `import { open } from "./adapters/store/open.ts";`;
    expect(compositionViolations(readSource("packages/broker/src/main.ts", text))).toEqual([]);
  });
});

describe("length and unsafe code", () => {
  test("a file of 401 lines is too long and one of 400 is not", () => {
    expect(lengthViolations(readSource("a.ts", "a;\n".repeat(401)))).toHaveLength(1);
    expect(lengthViolations(readSource("a.ts", "a;\n".repeat(400)))).toEqual([]);
  });
  test.each(["const a: any = 1;", "const a = b!;", "const a = b as unknown as string;", "const a = f(x!.y);"])("finds %s", (text) => {
    expect(unsafeViolations(readSource("a.ts", text))).toHaveLength(1);
  });
  test("a reason excuses the line after it and no other", () => {
    const text = `// unsafe: the loop above proves it\nconst a = b!;\nconst c = d!;`;
    expect(unsafeViolations(readSource("a.ts", text)).map((found) => found.line)).toEqual([3]);
  });
  test("an empty reason excuses nothing", () => {
    expect(unsafeViolations(readSource("a.ts", "// oxlint-disable-next-line no-explicit-any\nconst a: any = 1;"))).toHaveLength(1);
  });
  test("a file that cannot be parsed is an error, not a clean file", () => {
    expect(() => readSource("a.ts", "const = ;")).toThrow("cannot be parsed");
  });
});

describe("documents", () => {
  const tree: Readonly<Record<string, string>> = { "docs/a.md": "# One thing\n", "src/x.ts": "" };
  const lookup = (path: string): string | undefined => tree[path];
  test("finds a dead link and a dead heading, with their lines", () => {
    const text = "[a](docs/a.md#one-thing)\n[b](docs/b.md)\n[c](docs/a.md#two)\n[d](#here)\n";
    expect(linkViolations("README.md", text, lookup).map((found) => found.line)).toEqual([2, 3, 4]);
  });
  test("leaves web addresses and code alone", () => {
    expect(linkViolations("README.md", "[a](https://example.com) `[b](no.md)`\n```\n[c](no.md)\n```\n", lookup)).toEqual([]);
  });
  test("reads the rows of a table without its head", () => {
    expect(tableRows("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n").map(({ row }) => row)).toEqual(["| 1 | 2 |", "| 3 | 4 |"]);
  });
  test("reads the members of a union and nothing else", () => {
    expect(unionMembers("a.ts", `type A = B | "x" | "y"; type C = "z";`, "A")).toEqual(["x", "y"]);
  });
});
