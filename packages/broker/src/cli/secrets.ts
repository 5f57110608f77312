import type { Command } from "commander";
import { z } from "zod";
import { credentialSchema, keptCredentialSchema } from "../rest-contract/schemas.ts";
import { askSecret } from "./ask-secret.ts";
import type { Cli } from "./cli.ts";
import { CliFailure, EXIT } from "./failure.ts";
import { relative, table } from "./text.ts";

type Kept = z.output<typeof keptCredentialSchema>;
type Changed = z.output<typeof credentialSchema>;

interface PlaceOptions {
  readonly tenant: string;
  readonly environment: string;
  readonly workflow: string;
}

interface ValueOptions extends PlaceOptions {
  readonly host: string[];
  readonly login?: string;
}

interface VerifyOptions {
  readonly withoutVerification?: true;
}

/** `bailiwick secrets list | set | stage | verify | activate | revoke | rotate`. A value is never an argument: other users of the machine can read those. */
export function addSecrets(program: Command, cli: Cli): void {
  const secrets = program.command("secrets").description("credentials the broker presents to tools; agents never see them");
  addList(secrets, cli);
  const untried = ["--without-verification", "use it without trying it at the tools that use it; the log will say so"] as const;
  withValue(secrets.command("set <name>").alias("put"))
    .description(
      "sets a credential; asks for the value, or reads it from stdin. A first value is active at once, a later one is tried first",
    )
    .option(...untried)
    .action(async (name: string, options: ValueOptions & VerifyOptions) => {
      const info = await sendValue(cli, "PUT", `/credentials/${encodeURIComponent(name)}`, name, options, { verify: verifies(options) });
      cli.answer(info, `stored ${described(info)}, ${info.state}\n`);
    });
  withValue(secrets.command("stage <name>"))
    .description("stores a version that no call uses until it is activated")
    .action(async (name: string, options: ValueOptions) => {
      const info = await sendValue(cli, "POST", `/credentials/${encodeURIComponent(name)}/stage`, name, options, {});
      cli.answer(info, `staged ${described(info)}\n`);
      cli.talk(`next: bailiwick secrets activate ${info.name} ${info.version} ${placeWords(info)}`);
    });
  withPlace(secrets.command("verify <name> <version>"))
    .description("tries a version at the tools that use it; changes nothing")
    .action(async (name: string, version: string, options: PlaceOptions) => {
      const info = await sendStep(cli, name, "verify", options, { version: versionOf(version) });
      const { outcome = "impossible", tools = [], why = "" } = info.tried ?? {};
      cli.answer(
        info,
        outcome === "verified" ? `${described(info)} works at ${tools.join(", ")}\n` : `${described(info)}: ${outcome}, ${why}\n`,
      );
      if (outcome !== "verified") cli.exitWith(EXIT.refused);
    });
  withPlace(secrets.command("activate <name> <version>"))
    .description("lets calls use a staged version, after trying it")
    .option(...untried)
    .action(async (name: string, version: string, options: PlaceOptions & VerifyOptions) => {
      const info = await sendStep(cli, name, "activate", options, { version: versionOf(version), verify: verifies(options) });
      cli.answer(info, `${described(info)} is active (${info.verification ?? "untried"})\n`);
    });
  withPlace(secrets.command("revoke <name> <version>"))
    .description("destroys a version's value; when it is the active one, calls are refused until another is active")
    .action(async (name: string, version: string, options: PlaceOptions) => {
      const info = await sendStep(cli, name, "revoke", options, { version: versionOf(version) });
      cli.answer(info, `${described(info)} is revoked\n`);
    });
  withPlace(secrets.command("rotate <name>"))
    .description("renews a credential whose kind the broker can renew itself (PostgreSQL login roles)")
    .action(async (name: string, options: PlaceOptions) => {
      const info = await sendStep(cli, name, "rotate", options, {});
      cli.answer(info, `${described(info)} is active; the one before ends when its grace is over\n`);
    });
}

function addList(secrets: Command, cli: Cli): void {
  secrets
    .command("list", { isDefault: true })
    .description("names, versions, states and bindings, never values")
    .option("--tenant <tenant>", "only this tenant")
    .option("--all", "revoked versions as well")
    .action(async (options: { tenant?: string; all?: true }) => {
      const broker = await cli.broker();
      const answer = await broker.get("/credentials", z.object({ credentials: z.array(keptCredentialSchema) }), { tenant: options.tenant });
      const shown = answer.credentials.filter((one) => options.all === true || one.state !== "revoked");
      const rows = shown.map((one) => row(one, cli.io.now()));
      const headings = ["NAME", "VERSION", "STATE", "TENANT", "ENVIRONMENT", "WORKFLOW", "HOSTS", "SOURCE", "AGE", "ROTATION"];
      cli.answer(shown, rows.length === 0 ? "" : table(headings, rows));
      if (rows.length === 0) cli.talk("no credentials; store one with `bailiwick secrets set <name> --tenant <tenant>`");
    });
}

function row(one: Kept, now: Date): readonly string[] {
  const until = one.graceUntil === undefined ? "" : `, ends ${relative(new Date(one.graceUntil), now)}`;
  return [
    one.name,
    String(one.version),
    `${one.state}${until}`,
    one.tenant,
    one.environment,
    one.workflow,
    one.hosts.join(",") || "(stdio only)",
    one.source,
    one.createdAt === undefined ? "?" : relative(new Date(one.createdAt), now),
    one.dueAt === undefined ? "" : `${one.overdue ? "OVERDUE, was due" : "due"} ${relative(new Date(one.dueAt), now)}`,
  ];
}

function withPlace(command: Command): Command {
  return command
    .requiredOption("--tenant <tenant>", "whose it is")
    .option("--environment <name>", "only in this environment", "*")
    .option("--workflow <name>", "only for this workflow", "*");
}

function withValue(command: Command): Command {
  return withPlace(command)
    .option("--host <host...>", "hosts it may be sent to; none: stdio tools only", [])
    .option("--login <user>", "the user this value belongs to, when the tool file does not say it");
}

async function sendValue(
  cli: Cli,
  method: "PUT" | "POST",
  path: string,
  name: string,
  options: ValueOptions,
  more: object,
): Promise<Changed> {
  const broker = await cli.broker();
  const value = await askSecret(cli.io, `value of ${name}: `);
  const { host, login } = options;
  const body = { ...placeOf(options), hosts: host, value, ...(login === undefined ? {} : { login }), ...more };
  return broker.send(method, path, credentialSchema, body);
}

async function sendStep(cli: Cli, name: string, step: string, options: PlaceOptions, more: object): Promise<Changed> {
  const broker = await cli.broker();
  return broker.send("POST", `/credentials/${encodeURIComponent(name)}/${step}`, credentialSchema, { ...placeOf(options), ...more });
}

function placeOf({ tenant, environment, workflow }: PlaceOptions): PlaceOptions {
  return { tenant, environment, workflow };
}

/** The options that name a version's place, without those that are left to their default. */
function placeWords({ tenant, environment, workflow }: PlaceOptions): string {
  const words = [`--tenant ${tenant}`];
  if (environment !== "*") words.push(`--environment ${environment}`);
  if (workflow !== "*") words.push(`--workflow ${workflow}`);
  return words.join(" ");
}

function verifies(options: VerifyOptions): boolean {
  return options.withoutVerification !== true;
}

function versionOf(text: string): number {
  const version = Number(text);
  if (Number.isInteger(version) && version > 0) return version;
  throw new CliFailure("usage", `\`${text}\` is no version`, ["give a number from `bailiwick secrets list`"]);
}

function described({ name, version, tenant, environment, workflow }: Changed): string {
  return `${name} version ${version} for ${tenant}/${environment}/${workflow}`;
}
