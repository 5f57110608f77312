import MailComposer from "nodemailer/lib/mail-composer";
import { Fault } from "../../domain/fault.ts";
import { ToolError } from "../../domain/tool.ts";
import { DeliveryFault } from "../export/destination.ts";
import { deliver, type MailServer } from "../smtp-tool/deliver.ts";
import type { Addressee, Channel, Message } from "./channel.ts";
import { textOf, titleOf } from "./words.ts";

const TIMEOUT_MS = 15_000;

export interface EmailOptions {
  readonly server: MailServer;
  readonly now: () => Date;
  /** Default TIMEOUT_MS. */
  readonly timeoutMs?: number;
}

/** Plain text by SMTP: what has no markup hides none. A message sent again has the same Message-ID (RFC 5322 section 3.6.4). */
export function emailChannel({ server, now, timeoutMs = TIMEOUT_MS }: EmailOptions): Channel {
  const closing = new AbortController();
  return {
    kind: "email",
    reaches: ({ email }) => email !== "",
    send: async (message, to) => {
      const address = addressOf(to);
      const bytes = await composed(message, address, server.from, now());
      const { accepted } = await deliver(server, { to: [address], bytes }, { timeoutMs, signal: closing.signal }).catch(
        (error: unknown) => {
          throw faultOf(error, server.host);
        },
      );
      if (accepted.length === 0) throw new DeliveryFault("refused", `the mail server \`${server.host}\` did not take the address`);
      return undefined;
    },
    close: () => {
      closing.abort();
      return Promise.resolve();
    },
  };
}

function addressOf(to: Addressee): string {
  return "address" in to ? to.address : to.person.email;
}

async function composed(message: Message, address: string, from: string, date: Date): Promise<Buffer> {
  return new MailComposer({
    from: { name: "Bailiwick", address: from },
    to: [{ name: "", address }],
    subject: `[bailiwick] ${titleOf(message)}`,
    text: textOf(message),
    date,
    messageId: `<${message.id}@${from.split("@").at(-1) ?? "bailiwick"}>`,
    // RFC 3834 section 5: nobody's out-of-office answers a program.
    headers: { "Auto-Submitted": "auto-generated" },
    disableFileAccess: true,
    disableUrlAccess: true,
  })
    .compile()
    .build();
}

/** RFC 5321 section 4.2.1: 4yz may be tried again, 5yz may not. */
function faultOf(error: unknown, host: string): DeliveryFault {
  if (error instanceof ToolError) {
    const passing = error.code >= 400 && error.code < 500;
    // Its own words often repeat the address.
    const message = `the mail server \`${host}\` refused the mail with code ${error.code}`;
    return new DeliveryFault(passing ? "unreachable" : "refused", message, { cause: error });
  }
  const message = error instanceof Fault ? error.message : "the mail could not be handed in";
  return new DeliveryFault("unreachable", message, { cause: error });
}
