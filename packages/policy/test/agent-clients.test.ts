import { expect, it } from "vitest";
import { load } from "../src/index.ts";
import { CEILING, findings, places } from "./support/changed-folder.ts";
import { files, HELPDESK } from "./support/helpdesk.ts";

const withClients = (clients: string): ReturnType<typeof findings> =>
  findings("agents/support.yaml", CEILING, `${CEILING}\nclients: ${clients}`);
const text = HELPDESK["agents/support.yaml"] ?? "";

it("an agent without `clients` is open to no OAuth client", () => {
  const result = load(files({}));
  expect(result.ok && result.policy.agents.every((agent) => agent.clients === undefined)).toBe(true);
});

it("an agent says which people may let which clients act as it", () => {
  const clients = '{ people: [support-lead], ids: ["https://client.example/metadata.json", desk.example] }';
  const result = load(files({ "agents/support.yaml": text.replace(CEILING, () => `${CEILING}\nclients: ${clients}`) }));
  expect(result.ok && result.policy.agents.find((agent) => agent.agent === "support")?.clients).toEqual({
    people: ["support-lead"],
    ids: ["https://client.example/metadata.json", "desk.example"],
  });
});

it("a role that no person holds would open the agent to nobody, and is an error", () => {
  const found = withClients("{ people: [astronaut] }");
  expect(places(found)).toEqual([expect.stringMatching(/^error unknown-person-role agents\/support\.yaml:\d+$/)]);
  expect(found[0]?.why).toBe("nobody could let a client act as this agent");
});

it.each([
  ["nobody", "{ people: [] }"],
  ["a client without https", '{ people: [support-lead], ids: ["http://client.example/metadata.json"] }'],
  ["an address without a path", '{ people: [support-lead], ids: ["https://client.example"] }'],
  ["a user name in the address", '{ people: [support-lead], ids: ["https://a@client.example/x"] }'],
  ["a pattern", '{ people: [support-lead], ids: ["*.example"] }'],
  ["no client at all", "{ people: [support-lead], ids: [] }"],
  ["a member nobody knows", "{ people: [support-lead], anybody: true }"],
])("`clients` for %s is an error", (_, clients) => {
  expect(withClients(clients).some(({ severity }) => severity === "error")).toBe(true);
});
