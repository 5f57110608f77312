import { expect, test } from "vitest";
import { load } from "../src/index.ts";

const MAIN = "version: 1\ntenants: [acme]\nenvironments: { prod: {} }\n";

function findings(tool: string, more: Readonly<Record<string, string>> = {}): readonly string[] {
  const loaded = load([
    { path: "bailiwick.yaml", text: MAIN },
    { path: "tools/crm.yaml", text: tool },
    ...Object.entries(more).map(([path, text]) => ({ path, text })),
  ]);
  return loaded.ok ? [] : loaded.diagnostics.map(({ code }) => code);
}

const crm = (request: string, args = '{ id: string, "q?": string, list: [string], o: { a: string }, "n?": integer }', more = ""): string =>
  `tool: crm
connect: { http: { url: https://crm.example/v2 } }
credential: { name: crm-key, inject: { header: X-Api-Key } }
actions:
  it: { is: "crm:it", effect: write, args: ${args}, request: ${request}${more} }
`;

test.each([
  "{ method: GET, path: /a }",
  "{ method: GET, path: '/a/{id}/b/', params: { id: args.id }, query: { q: args.q, l: args.list }, headers: { If-Match: args.q } }",
  "{ method: POST, path: /a, body: args.o }",
  "{ method: POST, path: /a, body: args }",
  "{ method: POST, path: /a, body: { a: args.o.a, list: args.list } }",
])("the request %s is one", (request) => {
  expect(findings(crm(request))).toEqual([]);
});

test.each([
  ["a placeholder without its param", "{ method: GET, path: '/a/{id}' }"],
  ["a param without its placeholder", "{ method: GET, path: /a, params: { id: args.id } }"],
  ["a param that may be absent", "{ method: GET, path: '/a/{q}', params: { q: args.q } }"],
  ["a param that is a list", "{ method: GET, path: '/a/{q}', params: { q: args.list } }"],
  ["a query that is an object", "{ method: GET, path: /a, query: { q: args.o } }"],
  ["a header that is a list", "{ method: GET, path: /a, headers: { x-a: args.list } }"],
  ["a body of a GET", "{ method: GET, path: /a, body: args.o }"],
  ["a path that climbs", "{ method: GET, path: /a/../b }"],
  ["a path that climbs in hiding", "{ method: GET, path: /a/%2e%2e/b }"],
  ["a path with an empty part", "{ method: GET, path: /a//b }"],
  ["a path with half a placeholder", "{ method: GET, path: '/a/{id' }"],
  ["the credential's own header", "{ method: GET, path: /a, headers: { x-api-key: args.q } }"],
  ...[
    "authorization",
    "Host",
    "cookie",
    "content-length",
    "Transfer-Encoding",
    "connection",
    "X-HTTP-Method-Override",
    "x-forwarded-for",
    "a b",
  ].map((name): [string, string] => [`the header ${name}`, `{ method: GET, path: /a, headers: { "${name}": args.q } }`]),
])("%s is refused", (_, request) => {
  expect(findings(crm(request))).toEqual(["request"]);
});

test.each(["query: { q: args.none }", "headers: { x-a: args.none }", "body: { a: args.none }", "body: args.none"])(
  "%s names no argument",
  (part) => {
    expect(findings(crm(`{ method: POST, path: /a, ${part} }`))).toEqual(["invalid-path"]);
  },
);

test("an argument that the broker sets may be a part of the path", () => {
  expect(findings(crm("{ method: GET, path: '/{t}/a', params: { t: args.t } }", "{}", ", force: { t: principal.tenant }"))).toEqual([]);
});

test("an http tool has requests, and nothing else has", () => {
  expect(findings('tool: crm\nconnect: { http: { url: https://crm.example } }\nactions:\n  it: { is: "crm:it", effect: read }\n')).toEqual([
    "request",
  ]);
  expect(
    findings(
      'tool: crm\nconnect: { mcp: { command: [x] } }\nactions:\n  it: { is: "crm:it", effect: read, request: { method: GET, path: /a } }\n',
    ),
  ).toEqual(["request"]);
  expect(findings('tool: crm\nconnect: { http: { url: https://crm.example } }\nprompts:\n  it: { is: "crm:it", effect: read }\n')).toEqual([
    "request",
  ]);
});

test.each(["ftp://crm.example", "https://u:p@crm.example", "https://crm.example/?q", "crm.example"])("the address %s is none", (url) => {
  expect(findings(`tool: crm\nconnect: { http: { url: "${url}" } }\n`)).toEqual(["request"]);
});

test("an address may be filled in later, and a credential goes into a header only", () => {
  expect(findings('tool: crm\nconnect: { http: { url: "${env:CRM_URL}", private: true } }\n')).toEqual([]);
  expect(findings("tool: crm\nconnect: { http: { url: https://crm.example } }\ncredential: { name: a, inject: { login: b } }\n")).toEqual([
    "request",
  ]);
});

const LINE = "args: { host: string, port: integer }";
const network = (actions: string, more = ""): string => `tool: network\nconnect: { egress: {} }\n${more}actions:\n  ${actions}\n`;

test("there is one way out, with one action over host and port", () => {
  expect(findings(network(`connect: { is: "network:connect", effect: execute, ${LINE} }`))).toEqual([]);
  expect(findings(network(`connect: { is: "network:connect", effect: send, ${LINE} }`))).toEqual([]);
  for (const wrong of [
    `connect: { is: "network:connect", effect: read, ${LINE} }`,
    'connect: { is: "network:connect", effect: execute, args: { host: string } }',
    'connect: { is: "network:connect", effect: execute, args: { host: string, port: string } }',
    `connect: { is: "network:connect", effect: execute, ${LINE} }\n  other: { is: "network:connect", effect: execute, ${LINE} }`,
  ])
    expect(findings(network(wrong))).toEqual(["egress"]);
  const good = `connect: { is: "network:connect", effect: execute, ${LINE} }`;
  expect(findings(network(good, "credential: { name: a, inject: { header: b } }\n"))).toContain("egress");
  expect(
    findings(network(good), {
      "tools/other.yaml": `tool: other\nconnect: { egress: {} }\nactions:\n  ${good.replaceAll("network:", "other:")}\n`,
    }),
  ).toEqual(["egress"]);
});
