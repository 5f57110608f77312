import { expect, it } from "vitest";
import { load } from "../src/index.ts";
import { loadAll, places } from "./support/changed-folder.ts";
import { files } from "./support/helpdesk.ts";

const tool = (oauth: string, connect = '{ mcp: { url: "https://notes.example/mcp" } }', more = ""): Readonly<Record<string, string>> => ({
  "tools/notes.yaml": `tool: notes
connect: ${connect}
credential: { name: notes-token, from: oauth, oauth: ${oauth}, inject: { header: authorization, format: "Bearer {value}" }${more} }
actions: {}
`,
});
const found = (changes: Readonly<Record<string, string>>): readonly string[] =>
  places(loadAll(changes)).filter((place) => place.includes("tools/notes") || place.includes("tools/more"));
const WRONG = ["error credential-oauth tools/notes.yaml:3"];
const ISSUER = 'issuer: "https://login.example"';

it("takes the grant of a person by default, and nothing of scope", () => {
  const loaded = load(files(tool("{}")));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  expect(loaded.policy.tools.find((each) => each.tool === "notes")?.credential).toMatchObject({
    from: "oauth",
    oauth: { grant: "authorization_code", scope: [] },
  });
});

it.each([
  "{ scope: [notes:read] }",
  `{ ${ISSUER}, scope: [notes:read], client: { id: c, secret: s } }`,
  `{ grant: client_credentials, ${ISSUER}, client: { id: c, secret: s } }`,
  `{ grant: client_credentials, ${ISSUER}, client: { id: "c-\${tenant}" } }`,
])("takes `%s`", (oauth) => {
  expect(found(tool(oauth))).toEqual([]);
});

it.each([
  "{ client: { id: c, secret: s } }",
  "{ grant: client_credentials, client: { id: c, secret: s } }",
  `{ grant: client_credentials, ${ISSUER} }`,
  `{ grant: client_credentials, ${ISSUER}, client: { id: c } }`,
])("refuses `%s`", (oauth) => {
  expect(found(tool(oauth))).toContain(WRONG[0]);
});

it("refuses a tool that is not an MCP server reached by URL", () => {
  expect(found(tool("{}", "{ mcp: { command: [x] } }"))).toEqual(WRONG);
  expect(found(tool("{}", '{ smtp: { host: h, port: 25, from: "a@b.example" } }'))).toContain(WRONG[0]);
});

it("refuses other hosts and a schedule beside it", () => {
  expect(found(tool("{}", undefined, ", hosts: [evil.example]"))).toEqual(WRONG);
  expect(found(tool("{}", undefined, ", rotate: { grace: 1h }"))).toEqual(WRONG);
});

it("refuses one token for two tools", () => {
  const text = Object.values(tool("{}")).join("");
  const more = { "tools/more.yaml": text.replace("tool: notes", "tool: more") };
  expect(found({ ...tool("{}"), ...more }).filter((place) => place.includes("credential-oauth"))).toHaveLength(1);
});

it.each(['{ scope: ["a b"] }', '{ issuer: "http://login.example" }', '{ issuer: "https://login.example?x" }', "{ grant: password }"])(
  "does not take `%s` for a value",
  (oauth) => {
    expect(found(tool(oauth))).toEqual(["error invalid-value tools/notes.yaml:3"]);
  },
);
