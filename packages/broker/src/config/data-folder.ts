import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { OPERATOR_KEY_PREFIX } from "../rest-contract/names.ts";

/** What a running broker says of itself in `<data>/broker.json`, for commands on the same machine. */
const brokerFile = z.object({
  /** Where commands on this machine reach it. */
  url: z.string(),
  /** Where agents and people reach it, when that is another address. */
  publicUrl: z.string().optional(),
  /** Of the egress proxy, when there is one. */
  egressUrl: z.string().optional(),
  pid: z.int(),
  version: z.string(),
  policy: z.string(),
  startedAt: z.string(),
});
export type BrokerFile = z.output<typeof brokerFile>;

const BROKER_FILE = "broker.json";
const OPERATOR_KEY_FILE = "operator.key";

/** Opens the operator key of a data folder, or makes it on the first start. Whoever can read it may do what an operator may. */
export async function openOperatorKey(dataFolder: string): Promise<string> {
  const kept = await readOperatorKey(dataFolder);
  if (kept !== undefined) return kept;
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const key = `${OPERATOR_KEY_PREFIX}${randomBytes(32).toString("base64url")}`;
  try {
    await writeFile(join(dataFolder, OPERATOR_KEY_FILE), `${key}\n`, { mode: 0o600, flag: "wx", flush: true });
    return key;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return openOperatorKey(dataFolder);
    throw error;
  }
}

/** Undefined when the folder holds none. @throws Error when it is there and cannot be read. */
export async function readOperatorKey(dataFolder: string): Promise<string | undefined> {
  const text = await readIfThere(join(dataFolder, OPERATOR_KEY_FILE));
  if (text === undefined) return undefined;
  const key = text.trim();
  if (!new RegExp(`^${OPERATOR_KEY_PREFIX}[A-Za-z0-9_-]{43}$`, "u").test(key)) {
    throw new Error(
      `\`${join(dataFolder, OPERATOR_KEY_FILE)}\` holds no operator key; delete it and start the broker again to make a new one`,
    );
  }
  return key;
}

/** Announces a running broker; replaces the file whole, so that a reader never sees half of it. */
export async function writeBrokerFile(dataFolder: string, content: BrokerFile): Promise<void> {
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const draft = join(dataFolder, `${BROKER_FILE}.${process.pid}`);
  await writeFile(draft, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, join(dataFolder, BROKER_FILE));
}

/** Withdraws the announcement at a graceful stop. */
export async function removeBrokerFile(dataFolder: string): Promise<void> {
  await unlink(join(dataFolder, BROKER_FILE)).catch((error: unknown) => {
    if (!isErrno(error, "ENOENT")) throw error;
  });
}

/** Undefined when no broker announced itself here. */
export async function readBrokerFile(dataFolder: string): Promise<BrokerFile | undefined> {
  const text = await readIfThere(join(dataFolder, BROKER_FILE));
  return text === undefined ? undefined : brokerFile.parse(JSON.parse(text));
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
