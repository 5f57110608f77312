import { Agent, request } from "undici";
import { z } from "zod";
import { Fault } from "../../domain/fault.ts";
import { type SourcedValue, usableValue, type ValueSource } from "./value-source.ts";
import { type VaultLogin, vaultToken } from "./vault-login.ts";

export interface VaultOptions {
  /** `https://vault.example:8200`; plain http only to this machine. */
  readonly address: string;
  readonly login: VaultLogin;
  readonly namespace?: string | undefined;
  /** PEM of the authority that signed the server's certificate; default: the system's. */
  readonly ca?: string | undefined;
  readonly nowMs?: (() => number) | undefined;
}

/** One request as the two files of this connector make it. */
export interface VaultRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly token?: string | undefined;
  readonly body?: unknown;
}

export type VaultCall = (asked: VaultRequest) => Promise<{ readonly status: number; readonly body: unknown }>;

/** The server is given this long for one answer, and no more bytes than this. */
const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 256 * 1024;
const LOOPBACK = new Set(["127.0.0.1", "[::1]", "localhost"]);

const secretAnswer = z.object({
  data: z.object({
    data: z.record(z.string(), z.unknown()).nullable(),
    metadata: z.object({ version: z.int().positive(), created_time: z.coerce.date() }),
  }),
});

/**
 * Values in HashiCorp Vault or OpenBao, KV version 2: `GET /v1/<mount>/data/<path>`; places are `mount/path#field`.
 * Nothing is cached here and no redirect is followed. A token the server no longer takes is renewed once.
 * @throws Fault `credential_unavailable` when the address is not https (or this machine), and when the server refuses or cannot be reached.
 */
export function vaultSource(options: VaultOptions): ValueSource & { close(): Promise<void> } {
  const base = requireSafeAddress(options.address);
  const agent = new Agent({
    connect: { timeout: TIMEOUT_MS, ...(options.ca === undefined ? {} : { ca: options.ca }) },
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });
  const call: VaultCall = (asked) => ask(agent, base, options.namespace, asked);
  const tokens = vaultToken(options.login, call, options.nowMs ?? (() => performance.now()));
  return {
    read: async (place) => {
      const { path, field } = parsePlace(place);
      let answer = await call({ method: "GET", path, token: await tokens.current() });
      if (answer.status === 403) answer = await call({ method: "GET", path, token: await tokens.renewed() });
      return fieldOf(answer, place, field);
    },
    close: () => agent.close(),
  };
}

function fieldOf(answer: { readonly status: number; readonly body: unknown }, place: string, field: string): SourcedValue | undefined {
  // A deleted version answers 404 with metadata, as one that never was.
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw unavailable(place, `it answered with status ${answer.status}; check the policy of the broker's token`);
  const parsed = secretAnswer.safeParse(answer.body);
  if (!parsed.success) throw unavailable(place, "it answered something that is no KV version 2 secret; check the mount");
  const { data, metadata } = parsed.data.data;
  const value = data === null || !Object.hasOwn(data, field) ? undefined : data[field];
  if (value === undefined) return undefined;
  if (typeof value !== "string") throw unavailable(place, "the field is no text");
  return { value: usableValue(value, `vault:${place}`), version: metadata.version, since: metadata.created_time };
}

function parsePlace(place: string): { readonly path: string; readonly field: string } {
  const [where = "", field = "", ...more] = place.split("#");
  const [mount = "", ...parts] = where.split("/");
  if (more.length > 0 || field === "" || [mount, ...parts].includes("") || parts.length === 0 || /(^|\/)\.{1,2}(\/|$)/u.test(where))
    throw new Fault("credential_unavailable", `\`vault:${place}\` is no place in a vault; write \`vault:mount/path#field\``);
  return { path: `/v1/${encodeURIComponent(mount)}/data/${parts.map(encodeURIComponent).join("/")}`, field };
}

async function ask(
  agent: Agent,
  base: URL,
  namespace: string | undefined,
  { method, path, token, body }: VaultRequest,
): ReturnType<VaultCall> {
  try {
    const answer = await request(new URL(path, base), {
      dispatcher: agent,
      method,
      headers: {
        // Vault and OpenBao take it as a sign that no browser was tricked into the request.
        "x-vault-request": "true",
        ...(token === undefined ? {} : { "x-vault-token": token }),
        ...(namespace === undefined ? {} : { "x-vault-namespace": namespace }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await boundedText(answer.body);
    return { status: answer.statusCode, body: text === "" ? undefined : JSON.parse(text) };
  } catch (failure) {
    if (failure instanceof Fault) throw failure;
    // The cause is left out: a parse error would quote the answer.
    throw new Fault(
      "credential_unavailable",
      `the vault at \`${base.host}\` gave no usable answer in ${TIMEOUT_MS} ms; check that it runs, is unsealed, and that its certificate is trusted`,
    );
  }
}

async function boundedText(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.byteLength;
    if (bytes > MAX_ANSWER_BYTES)
      throw new Fault("credential_unavailable", `the vault answered more than ${MAX_ANSWER_BYTES} bytes; name one secret`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function requireSafeAddress(address: string): URL {
  const url = URL.parse(address);
  const safe = url !== null && (url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.has(url.hostname)));
  if (!safe || url.username !== "" || url.password !== "" || (url.pathname !== "/" && url.pathname !== "") || url.search !== "") {
    throw new Fault(
      "credential_unavailable",
      "the vault's address is not `https://host:port` without more (http only to this machine); correct BAILIWICK_VAULT_ADDR",
    );
  }
  return url;
}

function unavailable(place: string, why: string): Fault {
  return new Fault("credential_unavailable", `the vault does not give \`${place}\`: ${why}`);
}
