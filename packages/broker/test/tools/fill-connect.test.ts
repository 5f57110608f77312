import { expect, test } from "vitest";
import { fillConnect } from "../../src/adapters/tools/index.ts";

const KEY = { tool: "tickets", tenant: "acme", environment: "prod", workflow: "helpdesk" };
const environment = (name: string): string | undefined => ({ HELPDESK_URL: "http://127.0.0.1:81", EMPTY: "" })[name];

test("every text of a connection may hold placeholders", () => {
  const stdio = {
    mcp: { command: ["node", "server.js", "--env", "${environment}"], env: { TENANT: "${tenant}/${workflow}" }, cwd: "/srv/${tenant}" },
  };
  expect(fillConnect(stdio, KEY, environment)).toEqual({
    mcp: { command: ["node", "server.js", "--env", "prod"], env: { TENANT: "acme/helpdesk" }, cwd: "/srv/acme" },
  });
  expect(fillConnect({ mcp: { url: "${env:HELPDESK_URL}/${environment}/mcp" } }, KEY, environment)).toEqual({
    mcp: { url: "http://127.0.0.1:81/prod/mcp" },
  });
  expect(fillConnect({ smtp: { host: "mail.${tenant}.example", port: "25", from: "${workflow}@acme.example" } }, KEY, environment)).toEqual(
    {
      smtp: { host: "mail.acme.example", port: "25", from: "helpdesk@acme.example" },
    },
  );
  expect(fillConnect({ postgres: { host: "db", database: "${tenant}_${environment}" } }, KEY, environment)).toEqual({
    postgres: { host: "db", database: "acme_prod" },
  });
});

test.each(["NOT_SET", "EMPTY"])("a variable that is %s makes the tool unavailable and is named", (name) => {
  const fill = (): unknown => fillConnect({ mcp: { url: `http://x/\${env:${name}}` } }, KEY, environment);
  expect(fill).toThrow(expect.objectContaining({ code: "tool_unavailable", message: expect.stringContaining(`\`${name}\``) }));
});

test("a placeholder nobody knows is an error and stays out of the address", () => {
  expect(() => fillConnect({ mcp: { url: "http://x/${user}" } }, KEY, environment)).toThrow(/unknown placeholder `\$\{user\}`/);
});

test("a filled-in value is not filled in again", () => {
  const tricky = (): string => "${tenant}";
  expect(fillConnect({ mcp: { url: "http://x/${env:A}" } }, KEY, tricky)).toEqual({ mcp: { url: "http://x/${tenant}" } });
});
