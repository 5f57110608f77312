import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { composeMail } from "../../src/adapters/smtp-tool/compose.ts";
import { connectSmtpTool } from "../../src/adapters/smtp-tool/connect.ts";
import { MAX_MESSAGE_BYTES, MAX_RECIPIENTS } from "../../src/adapters/smtp-tool/limits.ts";
import { parseMail } from "../../src/adapters/smtp-tool/message.ts";
import { ToolError } from "../../src/domain/tool.ts";
import { KEY, MAIL_TOOL } from "./support.ts";

const MAIL = { to: "ada@acme.example", subject: "hello", body: "text" };

describe("what an agent may write", () => {
  test.each([
    "a@b.example, c@evil.example",
    "a@b.example;c@evil.example",
    "Ada <a@b.example>",
    "<a@b.example>",
    '"a@evil.example"@b.example',
    "a@b.example\r\nBcc: c@evil.example",
    "a@b.example\n",
    " a@b.example",
    "a@b..example",
    "a@b",
    "a@[127.0.0.1]",
    "a@b.example(c@evil.example)",
    "a@bücher.example",
    "@a.example:b@c.example",
    "",
  ])("`%s` is not one plain address", (to) => {
    expect(() => parseMail({ ...MAIL, to })).toThrow(ToolError);
    expect(() => parseMail({ ...MAIL, cc: [to] })).toThrow(ToolError);
  });

  test.each(["x\r\nBcc: c@evil.example", "x\nX: y", "x\ry", "x\u0000y", "x\u2028y", "x\u0085y"])(
    "a subject with a line break or control character is refused: %j",
    (subject) => {
      expect(() => parseMail({ ...MAIL, subject })).toThrow(/one line/);
    },
  );

  test("an argument that `send` does not have is refused", () => {
    expect(() => parseMail({ ...MAIL, bcc: "c@evil.example" })).toThrow(/bcc/);
  });

  test("more recipients than the limit are refused", () => {
    const cc = Array.from({ length: MAX_RECIPIENTS }, (_, index) => `u${index}@acme.example`);
    expect(() => parseMail({ ...MAIL, cc })).toThrow(/recipients/);
    expect(parseMail({ ...MAIL, cc: cc.slice(1) }).cc).toHaveLength(MAX_RECIPIENTS - 1);
  });

  test("a message larger than the limit is refused before anything is sent", async () => {
    const body = "é".repeat(MAX_MESSAGE_BYTES / 2);
    await expect(composeMail(parseMail({ ...MAIL, body }), "a@b.example")).rejects.toThrow(ToolError);
  });
});

test("no accepted subject or body adds a header or a recipient, whatever it holds", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), async (subject, body) => {
      let mail;
      try {
        mail = parseMail({ ...MAIL, subject, body });
      } catch (error) {
        expect(error).toBeInstanceOf(ToolError);
        return;
      }
      const text = (await composeMail(mail, "support@acme.example")).bytes.toString("utf8");
      const names = headerNames(text);
      expect(names.filter((name) => !KNOWN_HEADERS.has(name))).toEqual([]);
      expect(names).toHaveLength(new Set(names).size);
    }),
    { numRuns: 300 },
  );
});

const KNOWN_HEADERS = new Set(["from", "to", "subject", "message-id", "content-transfer-encoding", "date", "mime-version", "content-type"]);

function headerNames(message: string): string[] {
  const head = message.slice(0, message.indexOf("\r\n\r\n"));
  return head
    .split("\r\n")
    .filter((line) => !/^[ \t]/.test(line))
    .map((line) => line.slice(0, line.indexOf(":")).toLowerCase());
}

describe("the listing", () => {
  test("offers exactly `send`, with schemas an agent can follow", async () => {
    const tool = connectSmtpTool(KEY, MAIL_TOOL, { host: "127.0.0.1", port: "25", from: "support@acme.example" });
    const { tools, resources, prompts } = await tool.listing();
    expect(tools).toMatchObject([{ name: "send", inputSchema: { required: ["to", "subject", "body"], additionalProperties: false } }]);
    expect([resources, prompts]).toEqual([[], []]);
  });
});
