import { expect, test } from "vitest";
import type { Session } from "../../src/domain/session.ts";
import { errorOf, type Got, legacy, modern, startEndpoint } from "./support/endpoint.ts";
import type { MemoryOperation } from "./support/memory-surface.ts";

const METADATA = "https://b.example/.well-known/oauth-protected-resource/mcp";

const update: MemoryOperation = {
  kind: "tool",
  entry: { name: "update_ticket", description: "update", inputSchema: { type: "object" } },
  run: async () => ({
    kind: "refused",
    callId: "call_8",
    code: "outside_session_scope",
    message: "this session was opened for tickets:read, which does not include `tickets:update`",
    rules: [],
    next: [{ kind: "reauthenticate", scope: "tickets:update" }],
  }),
};

const ERAS = ["2026-07-28", "2025-11-25"] as const;

async function call(era: (typeof ERAS)[number], grant: Session["grant"], metadata = true): Promise<Got> {
  const { url, surface } = await startEndpoint([update], metadata ? { resourceMetadataUrl: () => METADATA } : {});
  surface.allow("t2", { scope: ["tickets:read"], grant });
  const params = { name: "update_ticket", arguments: {} };
  if (era === "2026-07-28") return modern(url, "tools/call", params, { token: "t2" });
  return (await legacy(url, {}, era, "t2")).request("tools/call", params);
}

test.each(ERAS)("a person's client that is refused for its session's scope is told in %s which scope to ask for", async (era) => {
  const got = await call(era, "authorization_code");
  expect(got.status).toBe(403);
  const header = got.headers.get("www-authenticate") ?? "";
  expect(header).toContain('error="insufficient_scope"');
  expect(header).toContain('scope="tickets:read tickets:update"');
  expect(header).toContain(`resource_metadata="${METADATA}"`);
  expect(errorOf(got)).toMatchObject({ data: { code: "outside_session_scope" } });
});

test.each(ERAS)("an agent on its own keeps its connection in %s: the refusal is a result inside HTTP 200", async (era) => {
  const got = await call(era, "client_credentials");
  expect(got.status).toBe(200);
  expect(got.last).toMatchObject({ result: { isError: true } });
});

test.each(ERAS)("without metadata nobody is sent to sign in in %s", async (era) => {
  expect((await call(era, "authorization_code", false)).status).toBe(200);
});
