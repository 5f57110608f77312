import { posix } from "node:path";
import type { Source } from "./source.ts";

/** A rule of the house that a file breaks. */
export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly what: string;
}

/** A layer and the layers it may import besides itself. What is not listed here is not allowed. */
export const LAYERS: readonly { readonly name: string; readonly folder: RegExp; readonly may: readonly string[] }[] = [
  { name: "policy", folder: /^packages\/policy\/src\//, may: [] },
  { name: "ledger", folder: /^packages\/ledger\/src\//, may: [] },
  { name: "client", folder: /^packages\/client\/src\//, may: [] },
  { name: "console", folder: /^packages\/console\/src\//, may: [] },
  { name: "domain", folder: /^packages\/broker\/src\/domain\//, may: ["policy", "ledger"] },
  { name: "risk", folder: /^packages\/broker\/src\/risk\//, may: ["policy", "ledger"] },
  { name: "call", folder: /^packages\/broker\/src\/call\//, may: ["policy", "ledger", "domain", "risk"] },
  { name: "config", folder: /^packages\/broker\/src\/config\//, may: ["policy", "ledger", "domain", "rest-contract"] },
  { name: "rest-contract", folder: /^packages\/broker\/src\/rest-contract\//, may: ["policy", "ledger", "domain"] },
  { name: "insight", folder: /^packages\/broker\/src\/insight\//, may: ["policy", "ledger", "domain", "risk", "call"] },
  { name: "witness", folder: /^packages\/broker\/src\/witness\//, may: ["ledger", "domain"] },
  {
    name: "adapters",
    folder: /^packages\/broker\/src\/adapters\//,
    may: ["policy", "ledger", "domain", "risk", "call", "insight", "config", "rest-contract", "witness", "console"],
  },
  {
    name: "main",
    folder: /^packages\/broker\/src\/[^/]+\.ts$/,
    may: ["policy", "ledger", "domain", "risk", "call", "insight", "config", "rest-contract", "adapters", "client", "console"],
  },
  {
    name: "cli",
    folder: /^packages\/broker\/src\/cli\//,
    may: [
      "policy",
      "ledger",
      "domain",
      "risk",
      "call",
      "insight",
      "config",
      "rest-contract",
      "witness",
      "adapters",
      "main",
      "client",
      "console",
    ],
  },
];

/** Folders that get the world through ports. */
const PURE = /^packages\/(?:policy|ledger)\/src\/|^packages\/broker\/src\/(?:domain|risk|call)\//;

/** Builtins that compute and nothing else. Of node:crypto only the functions that draw no randomness. */
const PURE_BUILTINS = new Set(["node:buffer", "node:util", "node:url", "node:path", "node:string_decoder", "node:crypto"]);
const PURE_CRYPTO = new Set([
  "createHash",
  "hash",
  "createHmac",
  "hkdfSync",
  "createCipheriv",
  "createDecipheriv",
  "timingSafeEqual",
  "createPublicKey",
  "createSecretKey",
  "verify",
  "KeyObject",
]);

/** Where a pure folder may use one impure thing, and why. */
const EXCEPTIONS: readonly { readonly path: string; readonly uses: readonly string[]; readonly why: string }[] = [
  {
    path: "packages/policy/src/cedar/cedar-instance.ts",
    uses: ["node:module", "require"],
    why: "a WASM instance that faulted is broken for good; only loading the module anew gives another one",
  },
];

const MAX_LINES = 400;

/** Imports must go along the direction `policy, ledger <- domain, risk <- call <- insight <- adapters <- main, cli`. */
export function directionViolations(source: Source): readonly Violation[] {
  const own = layerOf(source.path);
  if (own === undefined) return [];
  const rule = LAYERS.find((layer) => layer.name === own);
  return source.imports.flatMap((one) => {
    const target = layerOf(resolveImport(source.path, one.from));
    if (target === undefined || target === own || rule?.may.includes(target) === true) return [];
    return [{ path: source.path, line: one.line, what: `${own} imports ${target} (\`${one.from}\`)` }];
  });
}

/** Pure folders use no clock, randomness, network, file, timer or global. */
export function purityViolations(source: Source): readonly Violation[] {
  if (!PURE.test(source.path)) return [];
  const excepted = EXCEPTIONS.find((one) => one.path === source.path)?.uses ?? [];
  const builtins = source.imports
    .filter((one) => !one.typeOnly && one.from.startsWith("node:") && !isPureBuiltin(one.from, one.names) && !excepted.includes(one.from))
    .map((one) => ({ path: source.path, line: one.line, what: `a pure folder imports \`${one.from}\` (${one.names.join(", ")})` }));
  const globals = source.impurities
    .filter((found) => !excepted.includes(found.what))
    .map((found) => ({ path: source.path, line: found.line, what: `a pure folder uses \`${found.what}\`` }));
  return [...builtins, ...globals];
}

/** Only the composition root may take a value from an adapter; everyone else gets a port. */
export function compositionViolations(source: Source): readonly Violation[] {
  const own = layerOf(source.path);
  if (own === undefined || own === "main" || own === "adapters") return [];
  return source.imports.flatMap((one) => {
    const fromAdapter = !one.typeOnly && layerOf(resolveImport(source.path, one.from)) === "adapters";
    return fromAdapter ? [{ path: source.path, line: one.line, what: `${own} takes \`${one.names.join(", ")}\` from an adapter` }] : [];
  });
}

export function lengthViolations(source: Source): readonly Violation[] {
  return source.lines <= MAX_LINES
    ? []
    : [{ path: source.path, line: MAX_LINES, what: `${source.lines} lines; split it where a reader would` }];
}

export function unsafeViolations(source: Source): readonly Violation[] {
  return source.unsafe.map((found) => ({ path: source.path, line: found.line, what: `\`${found.what}\` without a reason in a comment` }));
}

function isPureBuiltin(from: string, names: readonly string[]): boolean {
  if (!PURE_BUILTINS.has(from)) return false;
  return from !== "node:crypto" || names.every((name) => PURE_CRYPTO.has(name));
}

function layerOf(path: string): string | undefined {
  return LAYERS.find((layer) => layer.folder.test(path))?.name;
}

/** A relative import becomes a path of the tree, a workspace package the path of its entry; others stay as they are. */
function resolveImport(from: string, specifier: string): string {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(from), specifier);
  const workspace = /^@bailiwick\/(\w+)/.exec(specifier)?.[1];
  if (workspace !== undefined) return `packages/${workspace}/src/index.ts`;
  return specifier === "bailiwick" ? "packages/broker/src/main.ts" : specifier;
}
