import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type MailSink, startMailSink, type SunkMail } from "./mail-sink.ts";
import { type CompanyDatabaseServer, ENVIRONMENTS, type HelpdeskDatabase, PROGRAMS, setUpDatabases } from "./databases.ts";
import { TENANTS } from "./seed.ts";
import { openDatabase } from "./server/database.ts";
import { type HelpdeskServer, startHelpdeskServer } from "./server/http.ts";

export interface CompanyOptions {
  /** Holds the database, the files and the memory; wiped of the last run's records at each start. */
  readonly dataFolder: string;
  readonly startDatabase: (options: { readonly folder: string }) => Promise<CompanyDatabaseServer>;
}

/** A credential the broker must be given, and where it may be used. An empty `hosts` means: tools this machine starts itself. */
export interface CompanySecret {
  readonly name: string;
  readonly tenant: string;
  readonly environment: string;
  readonly workflow: string;
  readonly hosts: readonly string[];
  readonly value: string;
}

export interface Company {
  /** What the texts of the policy's `connect` name as `${env:NAME}`; nothing in it is secret. */
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: readonly CompanySecret[];
  readonly policyFolder: string;
  /** Mails that really left, oldest first. */
  mails(): readonly SunkMail[];
  /** What the databases really hold now. */
  readonly effects: HelpdeskDatabase;
  /** What the agents of one tenant and environment remember now, as the memory server wrote it. */
  memory(tenant: string, environment: string): Promise<string>;
  close(): Promise<void>;
}

const WORKFLOW = "helpdesk";
const LOCAL = "127.0.0.1";

/** Starts the company's own systems, each on a free port of 127.0.0.1: database, helpdesk server, mail. */
export async function startCompany(options: CompanyOptions): Promise<Company> {
  const { dataFolder } = options;
  await mkdir(dataFolder, { recursive: true });
  const passwords = Object.fromEntries([...PROGRAMS, "mail"].map((name) => [name, secret()]));
  const keys = TENANTS.flatMap((tenant) => ENVIRONMENTS.map((environment) => ({ tenant, environment, value: secret() })));
  const databaseServer = await options.startDatabase({ folder: join(dataFolder, "database") });
  const opened: { close(): Promise<unknown> }[] = [databaseServer];
  try {
    const database = await setUpDatabases(databaseServer, passwords);
    opened.unshift(database);
    const helpdesk = await startHelpdesk(database, keys, passwords["helpdesk_app"] ?? "");
    opened.unshift(helpdesk);
    const sink = await startMailSink({ logins: { "helpdesk-mail": passwords["mail"] ?? "" }, file: join(dataFolder, "mails.jsonl") });
    opened.unshift(sink);
    const folders = await setUpFolders(dataFolder);
    return {
      environment: describeEnvironment(helpdesk, sink, database, folders),
      secrets: describeSecrets(keys, passwords, hostsOf(helpdesk, sink, database)),
      policyFolder: fileURLToPath(new URL("policy", import.meta.url)),
      mails: sink.mails,
      effects: database,
      memory: (tenant, environment) => readFile(join(folders.memory, `${tenant}-${environment}-${WORKFLOW}.jsonl`), "utf8").catch(() => ""),
      close: () => closeAll(opened),
    };
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

async function closeAll(opened: readonly { close(): Promise<unknown> }[]): Promise<void> {
  for (const part of opened) await part.close();
}

function secret(): string {
  return randomBytes(24).toString("base64url");
}

interface ApiKey {
  readonly tenant: string;
  readonly environment: string;
  readonly value: string;
}

async function startHelpdesk(database: HelpdeskDatabase, keys: readonly ApiKey[], password: string): Promise<HelpdeskServer> {
  const pools = Object.fromEntries(
    ENVIRONMENTS.map((environment) => [
      environment,
      openDatabase({ ...database.address, database: database.nameOf(environment), user: "helpdesk_app", password }),
    ]),
  );
  const server = await startHelpdeskServer({
    pools,
    keys: Object.fromEntries(ENVIRONMENTS.map((name) => [name, keys.filter((key) => key.environment === name).map((key) => key.value)])),
  });
  return {
    url: server.url,
    close: async () => {
      await server.close();
      await Promise.all(Object.values(pools).map((pool) => pool.end()));
    },
  };
}

interface Folders {
  readonly files: string;
  readonly memory: string;
}

/** A folder of files per tenant, and an empty place for the agents' memories. */
async function setUpFolders(dataFolder: string): Promise<Folders> {
  const folders = { files: join(dataFolder, "files"), memory: join(dataFolder, "memory") };
  await rm(folders.files, { recursive: true, force: true });
  await rm(folders.memory, { recursive: true, force: true });
  await rm(join(dataFolder, "mails.jsonl"), { force: true });
  await mkdir(folders.memory, { recursive: true });
  for (const tenant of TENANTS) {
    await mkdir(join(folders.files, tenant, "runbooks"), { recursive: true });
    await writeFile(
      join(folders.files, tenant, "runbooks", "outage.md"),
      `# Outage at ${tenant}\n\n1. Check the status page.\n2. Tell the customers.\n`,
    );
    await writeFile(join(folders.files, tenant, "contracts.csv"), `customer,margin\n${tenant}-largest,31\n`);
  }
  return folders;
}

function describeEnvironment(
  helpdesk: HelpdeskServer,
  sink: MailSink,
  database: HelpdeskDatabase,
  folders: Folders,
): Record<string, string> {
  const require = createRequire(import.meta.url);
  return {
    HELPDESK_URL: helpdesk.url,
    HELPDESK_NODE: process.execPath,
    HELPDESK_SERVER: fileURLToPath(new URL("server/stdio.ts", import.meta.url)),
    HELPDESK_DATABASE_HOST: database.address.host,
    HELPDESK_DATABASE_PORT: String(database.address.port),
    HELPDESK_FILES: folders.files,
    HELPDESK_MEMORY: folders.memory,
    HELPDESK_FILES_SERVER: require.resolve("@modelcontextprotocol/server-filesystem/dist/index.js"),
    HELPDESK_MEMORY_SERVER: require.resolve("@modelcontextprotocol/server-memory/dist/index.js"),
    SMTP_PORT: String(sink.port),
  };
}

/** Where each credential may be sent: host and port, so that another service of this machine gets none. */
interface Hosts {
  readonly helpdesk: string;
  readonly mail: string;
  readonly database: string;
}

function hostsOf(helpdesk: HelpdeskServer, sink: MailSink, database: HelpdeskDatabase): Hosts {
  const { host, port } = database.address;
  return { helpdesk: new URL(helpdesk.url).host, mail: `${LOCAL}:${sink.port}`, database: `${host}:${port}` };
}

function describeSecrets(keys: readonly ApiKey[], passwords: Readonly<Record<string, string>>, hosts: Hosts): readonly CompanySecret[] {
  const everywhere = TENANTS.flatMap((tenant) => ENVIRONMENTS.map((environment) => ({ tenant, environment, workflow: WORKFLOW })));
  return [
    ...keys.map((key) => ({ ...key, name: "helpdesk-api", workflow: WORKFLOW, hosts: [hosts.helpdesk] })),
    ...everywhere.flatMap((place) => [
      { ...place, name: "billing-database", hosts: [], value: passwords["helpdesk_billing"] ?? "" },
      { ...place, name: "reports-database", hosts: [hosts.database], value: passwords["helpdesk_reports"] ?? "" },
      { ...place, name: "mail-login", hosts: [hosts.mail], value: passwords["mail"] ?? "" },
    ]),
  ];
}
