import MailComposer from "nodemailer/lib/mail-composer";
import { ToolError } from "../../domain/tool.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import type { MailRequest } from "./message.ts";

export interface ComposedMail {
  readonly messageId: string;
  readonly bytes: Buffer;
}

/**
 * Builds the MIME message. Addresses go in as objects, never as text to parse, and the composer may read no file and no URL.
 * @throws ToolError -32602 when the encoded message is larger than MAX_MESSAGE_BYTES; nothing was sent.
 */
export async function composeMail(mail: MailRequest, from: string): Promise<ComposedMail> {
  const node = new MailComposer({
    from: { name: "", address: from },
    to: [{ name: "", address: mail.to }],
    cc: mail.cc.map((address) => ({ name: "", address })),
    subject: mail.subject,
    text: mail.body,
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  const messageId = node.messageId();
  const bytes = await node.build();
  if (bytes.length > MAX_MESSAGE_BYTES) {
    throw new ToolError(-32602, `the encoded mail has ${bytes.length} bytes, at most ${MAX_MESSAGE_BYTES} are sent; shorten \`body\``);
  }
  return { messageId, bytes };
}
