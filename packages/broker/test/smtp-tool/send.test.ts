import { afterEach, describe, expect, test } from "vitest";
import { connectSmtpTool } from "../../src/adapters/smtp-tool/connect.ts";
import { Fault } from "../../src/domain/fault.ts";
import { ToolError } from "../../src/domain/tool.ts";
import { LOGIN, startMailServer, TEST_CERTIFICATE, type TestMailServer } from "./mail-server.ts";
import { callOptions, KEY, MAIL_TOOL, SEND } from "./support.ts";

const MAIL = { to: "ada@acme.example", subject: "Ticket T-1", body: "Hello Ada,\nit works again.\n" };
const servers: TestMailServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function mailTool(overrides: Parameters<typeof startMailServer>[0] = {}) {
  const server = await startMailServer(overrides);
  servers.push(server);
  const tool = connectSmtpTool(
    KEY,
    MAIL_TOOL,
    { host: "127.0.0.1", port: String(server.port), from: "support@acme.example" },
    { ca: TEST_CERTIFICATE },
  );
  return { server, tool };
}

async function faultOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error("the call succeeded");
    },
    (error: Error) => error,
  );
}

describe("sending", () => {
  test("a mail arrives over TLS under the injected login, and the result names who accepted it", async () => {
    const { server, tool } = await mailTool();
    const result = await tool.invoke(SEND, { ...MAIL, cc: ["bob@acme.example"] }, callOptions(LOGIN));
    expect(result["structuredContent"]).toMatchObject({ accepted: ["ada@acme.example", "bob@acme.example"], rejected: [] });
    const [mail] = server.mails;
    expect(mail).toMatchObject({
      from: "support@acme.example",
      to: ["ada@acme.example", "bob@acme.example"],
      user: LOGIN.user,
      secure: true,
    });
    expect(mail?.raw).toContain("Subject: Ticket T-1\r\n");
    expect(mail?.raw).toContain("it works again.");
    const structured: unknown = result["structuredContent"];
    expect(mail?.raw).toContain(`Message-ID: ${Reflect.get(Object(structured), "messageId")}`);
  });

  test("a mail arrives without TLS when a server on this machine offers none", async () => {
    const { server, tool } = await mailTool({ disabledCommands: ["STARTTLS"] });
    await tool.invoke(SEND, MAIL, callOptions(LOGIN));
    expect(server.mails).toMatchObject([{ secure: false, user: LOGIN.user }]);
  });

  test("a recipient that the server refuses is reported beside the accepted ones", async () => {
    const { tool } = await mailTool({
      onRcptTo: (address, _session, callback) => callback(address.address.startsWith("gone") ? new Error("no such user") : null),
    });
    const result = await tool.invoke(SEND, { ...MAIL, cc: ["gone@acme.example"] }, callOptions(LOGIN));
    expect(result["structuredContent"]).toMatchObject({ accepted: ["ada@acme.example"], rejected: ["gone@acme.example"] });
  });

  test("no result, listing or error ever holds the password", async () => {
    const { tool } = await mailTool();
    const texts = [
      JSON.stringify(await tool.invoke(SEND, MAIL, callOptions(LOGIN))),
      JSON.stringify(await tool.listing()),
      (await faultOf(tool.invoke(SEND, MAIL, callOptions({ user: LOGIN.user, password: "wrong-secret" })))).message,
    ];
    for (const text of texts) expect(text).not.toMatch(/correct horse|wrong-secret/);
  });
});

describe("faults", () => {
  test("a refused login is `tool_unavailable` and no mail arrives", async () => {
    const { server, tool } = await mailTool();
    const error = await faultOf(tool.invoke(SEND, MAIL, callOptions({ user: LOGIN.user, password: "wrong" })));
    expect(error).toMatchObject({ name: "Fault", code: "tool_unavailable" });
    expect(server.mails).toEqual([]);
  });

  test("a missing login is refused before the server is asked", async () => {
    const { server, tool } = await mailTool();
    expect(await faultOf(tool.invoke(SEND, MAIL, callOptions()))).toMatchObject({ code: "credential_unavailable" });
    expect(server.logins).toEqual([]);
  });

  test("a server whose certificate nobody vouches for gets no login", async () => {
    const { server } = await mailTool();
    const tool = connectSmtpTool(KEY, MAIL_TOOL, { host: "127.0.0.1", port: String(server.port), from: "support@acme.example" });
    expect(await faultOf(tool.invoke(SEND, MAIL, callOptions(LOGIN)))).toMatchObject({ code: "tool_unavailable" });
    expect(server.logins).toEqual([]);
  });

  test("a server that is not there is `tool_unavailable`", async () => {
    const { server, tool } = await mailTool();
    await server.close();
    servers.splice(0);
    expect(await faultOf(tool.invoke(SEND, MAIL, callOptions(LOGIN)))).toMatchObject({ code: "tool_unavailable" });
  });

  test("a connection lost after message bytes were sent is `tool_lost`", async () => {
    const { tool } = await mailTool({
      onData: (stream) => {
        stream.resume();
        stream.on("end", crash);
      },
    });
    expect(await faultOf(tool.invoke(SEND, MAIL, callOptions(LOGIN)))).toMatchObject({ code: "tool_lost" });
  });

  test("a connection lost before the message is `tool_unavailable`", async () => {
    const { server, tool } = await mailTool({ onMailFrom: crash });
    expect(await faultOf(tool.invoke(SEND, MAIL, callOptions(LOGIN)))).toMatchObject({ code: "tool_unavailable" });
    expect(server.mails).toEqual([]);
  });

  test("a server that never confirms the message is `tool_timeout`", async () => {
    const { tool } = await mailTool({ onData: (stream) => void stream.resume() });
    expect(await faultOf(tool.invoke(SEND, MAIL, callOptions(LOGIN, { timeoutMs: 400 })))).toMatchObject({ code: "tool_timeout" });
  });

  test("a server that never answers the sender is `tool_unavailable`, because nothing was sent", async () => {
    const { tool } = await mailTool({ onMailFrom: () => {} });
    expect(await faultOf(tool.invoke(SEND, MAIL, callOptions(LOGIN, { timeoutMs: 400 })))).toMatchObject({ code: "tool_unavailable" });
  });

  test("an abort before the message is `cancelled`", async () => {
    const abort = new AbortController();
    const { server, tool } = await mailTool({ onMailFrom: () => abort.abort() });
    const error = await faultOf(tool.invoke(SEND, MAIL, callOptions(LOGIN, { signal: abort.signal })));
    expect(error).toMatchObject({ code: "cancelled" });
    expect(server.mails).toEqual([]);
  });

  test("an abort after the message still answers what became of it", async () => {
    const abort = new AbortController();
    const { tool } = await mailTool({
      onData: (stream, _session, callback) => {
        stream.resume();
        stream.on("end", () => {
          abort.abort();
          callback(null);
        });
      },
    });
    const result = await tool.invoke(SEND, MAIL, callOptions(LOGIN, { signal: abort.signal }));
    expect(result["structuredContent"]).toMatchObject({ accepted: ["ada@acme.example"] });
  });

  test("a message that the server refuses is the server's own error", async () => {
    const { tool } = await mailTool({
      onData: (stream, _session, callback) => {
        stream.resume();
        stream.on("end", () => callback(Object.assign(new Error("looks like spam"), { responseCode: 554 })));
      },
    });
    const error = await faultOf(tool.invoke(SEND, MAIL, callOptions(LOGIN)));
    expect(error).toBeInstanceOf(ToolError);
    expect(error).toMatchObject({ code: 554 });
    expect(error.message).toContain("looks like spam");
  });

  test("all recipients refused is the server's own error, and no mail is sent", async () => {
    const { server, tool } = await mailTool({ onRcptTo: (_address, _session, callback) => callback(new Error("no such user")) });
    expect(await faultOf(tool.invoke(SEND, MAIL, callOptions(LOGIN)))).toBeInstanceOf(ToolError);
    expect(server.mails).toEqual([]);
  });

  test("a port that is no number is told when connecting", () => {
    expect(() => connectSmtpTool(KEY, MAIL_TOOL, { host: "127.0.0.1", port: "smtp", from: "a@b.example" })).toThrow(Fault);
  });
});

/** Cuts the line to the client, as a crash of the server would. */
function crash(): void {
  for (const server of servers) server.cut();
}
