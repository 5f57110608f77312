import { type Command, Option } from "commander";
import { z } from "zod";
import { deliverySchema, deliveryStateSchema, notificationsSchema } from "../rest-contract/notifications.ts";
import type { Cli } from "./cli.ts";
import { relative, table } from "./text.ts";

type Listed = z.output<typeof deliverySchema>;

/** `bailiwick notifications list | retry | test`: who was told what, and what did not arrive. */
export function addNotifications(program: Command, cli: Cli): void {
  const notifications = program.command("notifications").description("messages to people about held calls and elevations");
  notifications
    .command("list")
    .description("messages, newest first, and what became of them")
    .addOption(new Option("--state <state>", "only these").choices(deliveryStateSchema.options))
    .option("--tenant <tenant>", "only this tenant")
    .option("--limit <n>", "at most so many", "50")
    .option("--as <person>", "as this person")
    .action(async (options: { readonly state?: string; readonly tenant?: string; readonly limit: string; readonly as?: string }) => {
      const { state, tenant, limit } = options;
      const answer = await (await cli.broker(options.as)).get("/notifications", notificationsSchema, { state, tenant, limit });
      const rows = answer.notifications.map((each) => rowOf(each, cli.io.now()));
      cli.answer(answer, rows.length === 0 ? "" : table(["ID", "TO", "CHANNEL", "ABOUT", "STATE", "TRIES", "WHEN", "WHY"], rows));
      if (answer.routes === 0)
        cli.talk(
          "nobody is told of held calls: the policy folder has no `notify.yaml` with a route; docs/guide/notifications.md shows one",
        );
      else if (rows.length === 0) cli.talk("no messages; `bailiwick notifications test <channel>` sends one");
      if (answer.counts.dead > 0)
        cli.talk(`${answer.counts.dead} were given up; mend the cause, then \`bailiwick notifications retry <id>\``);
    });
  notifications
    .command("retry <id>")
    .description("tries a message again that was given up")
    .option("--as <person>", "who does it")
    .action(async (id: string, options: { readonly as?: string }) => {
      const path = `/notifications/${encodeURIComponent(id)}/retry`;
      const answer = await (await cli.broker(options.as)).send("POST", path, deliverySchema, {});
      cli.answer(answer, `${answer.id} is sent again by ${answer.channel}; see \`bailiwick notifications list\`\n`);
    });
  notifications
    .command("test <channel>")
    .description("sends a message that says it is a test")
    .option("--to <person>", "to this person; by default to whoever asks")
    .option("--address <address>", "to an address that a route of `notify.yaml` sends to")
    .option("--tenant <tenant>", "of this tenant")
    .option("--as <person>", "who asks")
    .action(
      async (
        channel: string,
        options: { readonly to?: string; readonly address?: string; readonly tenant?: string; readonly as?: string },
      ) => {
        const { to: person, address, tenant } = options;
        const body = {
          channel,
          ...(person === undefined ? {} : { person }),
          ...(address === undefined ? {} : { address }),
          ...(tenant === undefined ? {} : { tenant }),
        };
        const answer = await (await cli.broker(options.as)).send("POST", "/notifications/test", deliverySchema, body);
        cli.answer(
          answer,
          `a test goes to ${answer.to} by ${answer.channel}; see \`bailiwick notifications list\` for what became of it\n`,
        );
      },
    );
}

function rowOf({ id, to, channel, about, purpose, state, attempts, createdAt, lastError }: Listed, now: Date): string[] {
  const [first, ...more] = about;
  const what = first === undefined ? purpose : `${first.kind} ${first.what}${more.length === 0 ? "" : ` and ${more.length} more`}`;
  const named = first === undefined || purpose === "notice" ? what : `${purpose}: ${what}`;
  return [id, to, channel, named, state, String(attempts), relative(new Date(createdAt), now), lastError ?? ""];
}
