import type { Command } from "commander";
import { z } from "zod";
import { invitationSchema, listedPersonSchema, passkeySchema } from "../rest-contract/people.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { printable, relative, table } from "./text.ts";

const removedSchema = z.object({ removed: z.boolean(), ended: z.int() });

/** `bailiwick people list | invite | passkeys | remove-passkey`. */
export function addPeople(program: Command, cli: Cli): void {
  const people = program.command("people").description("people of the policy and how they sign in");
  people
    .command("list", { isDefault: true })
    .description("people, their roles, and what they can sign in with")
    .action(async () => {
      const { people: list } = await (await cli.broker()).get("/people", z.object({ people: z.array(listedPersonSchema) }));
      const rows = list.map((person) => [
        person.id,
        person.tenants.join(","),
        person.roles.join(",") || "-",
        String(person.passkeys),
        String(person.recoveryCodesLeft),
        person.sso ? "linked" : "-",
      ]);
      cli.answer(list, rows.length === 0 ? "" : table(["PERSON", "TENANTS", "ROLES", "PASSKEYS", "RECOVERY CODES", "SSO"], rows));
      if (rows.length === 0) cli.talk("no people; list them under `people` in `bailiwick.yaml`");
    });
  people
    .command("invite <person>")
    .description("prints a one-time link with which a person registers a passkey")
    .action(async (person: string) => {
      const link = await (await cli.broker()).send("POST", `/people/${encodeURIComponent(person)}/invite`, invitationSchema, {});
      cli.answer(link, `${link.url}\n`);
      cli.talk(`enrols ${link.person} once; expires ${relative(new Date(link.expiresAt), cli.io.now())}`);
    });
  people
    .command("passkeys <person>")
    .description("a person's passkeys")
    .action(async (person: string) => {
      const passkeys = await passkeysOf(cli, person);
      const used = (at: string | undefined): string => (at === undefined ? "never" : relative(new Date(at), cli.io.now()));
      const rows = passkeys.map((passkey) => [
        passkey.name,
        used(passkey.lastUsedAt),
        passkey.backedUp ? "synced" : "one device",
        passkey.thumbprint ?? "-",
        passkey.id,
      ]);
      cli.answer(passkeys, rows.length === 0 ? "" : table(["NAME", "USED", "WHERE", "KEY", "ID"], rows));
      if (rows.length === 0) cli.talk(`no passkeys; invite with \`bailiwick people invite ${printable(person)}\``);
    });
  people
    .command("remove-passkey <person> <passkey>")
    .description("removes a passkey by its id or its name, even the last one, and ends the person's sign-ins")
    .action(async (person: string, passkey: string) => {
      const id = await idOf(cli, person, passkey);
      const path = `/people/${encodeURIComponent(person)}/passkeys/${encodeURIComponent(id)}/remove`;
      const { ended } = await (await cli.broker()).send("POST", path, removedSchema, {});
      cli.answer({ person, passkey: id, ended }, `removed a passkey of ${printable(person)}; ${ended} sign-ins ended\n`);
    });
}

async function passkeysOf(cli: Cli, person: string): Promise<readonly z.output<typeof passkeySchema>[]> {
  const answer = z.object({ passkeys: z.array(passkeySchema) });
  return (await (await cli.broker()).get(`/people/${encodeURIComponent(person)}/passkeys`, answer)).passkeys;
}

/** @throws CliFailure `refused` when nothing, or more than one passkey, goes by that name. */
async function idOf(cli: Cli, person: string, wanted: string): Promise<string> {
  const passkeys = await passkeysOf(cli, person);
  const named = passkeys.filter(({ id, name }) => id === wanted || name === wanted);
  const [one, ...more] = named;
  if (one !== undefined && more.length === 0) return one.id;
  const what =
    one === undefined ? `has no passkey \`${printable(wanted)}\`` : `has ${named.length} passkeys named \`${printable(wanted)}\``;
  throw new CliFailure("refused", `\`${printable(person)}\` ${what}`, [
    `run \`bailiwick people passkeys ${printable(person)}\` and give the id`,
  ]);
}
