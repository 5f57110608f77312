import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createPlain, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTls } from "node:https";
import { text } from "node:stream/consumers";

export interface FakeVault {
  readonly url: string;
  /** A new version of a secret, KV version 2. */
  write(path: string, fields: Readonly<Record<string, unknown>>): void;
  remove(path: string): void;
  readonly secretId: string;
  /** Makes every token issued so far invalid, as a revoked lease does. */
  expireTokens(): void;
  /** Paths that were asked for, with the method. */
  readonly asked: string[];
  /** When set, answers every request in place of the fake. */
  instead?: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  close(): Promise<void>;
}

export const ROLE_ID = "role-of-the-broker";

/**
 * A FAKE of HashiCorp Vault / OpenBao: KV version 2 reads and AppRole logins as their API documents describe them, and nothing else.
 * It shows that the connector keeps its side of that contract, not that a real server does.
 */
export async function startFakeVault(tls?: { readonly cert: string; readonly key: string }): Promise<FakeVault> {
  const secrets = new Map<string, { readonly fields: Readonly<Record<string, unknown>> | null; readonly version: number }>();
  const tokens = new Set<string>();
  const secretId = randomBytes(16).toString("hex");
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    fake.asked.push(`${request.method ?? ""} ${request.url ?? ""}`);
    if (fake.instead !== undefined) return fake.instead(request, response);
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (request.url === "/v1/auth/approle/login" && request.method === "POST") {
      const given: { role_id?: string; secret_id?: string } = JSON.parse(await text(request));
      if (given.role_id !== ROLE_ID || given.secret_id !== secretId) return send(400, { errors: ["invalid role or secret ID"] });
      const token = `hvs.${createHash("sha256").update(randomBytes(16)).digest("hex")}`;
      tokens.add(token);
      return send(200, { auth: { client_token: token, lease_duration: 60, renewable: true } });
    }
    if (!tokens.has(String(request.headers["x-vault-token"]))) return send(403, { errors: ["permission denied"] });
    const found = secrets.get(request.url ?? "");
    if (found === undefined) return send(404, { errors: [] });
    const metadata = { version: found.version, created_time: "2026-01-02T03:04:05.678901234Z", deletion_time: "", destroyed: false };
    return send(found.fields === null ? 404 : 200, { data: { data: found.fields, metadata } });
  };
  const handle = (request: IncomingMessage, response: ServerResponse): void => void answer(request, response);
  const server = tls === undefined ? createPlain(handle) : createTls(tls, handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the fake vault has no port");
  const fake: FakeVault = {
    url: tls === undefined ? `http://127.0.0.1:${address.port}` : `https://localhost:${address.port}`,
    secretId,
    asked: [],
    write: (path, fields) => {
      secrets.set(`/v1/${path}`, { fields, version: (secrets.get(`/v1/${path}`)?.version ?? 0) + 1 });
    },
    remove: (path) => {
      secrets.set(`/v1/${path}`, { fields: null, version: secrets.get(`/v1/${path}`)?.version ?? 1 });
    },
    expireTokens: () => tokens.clear(),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return fake;
}

/** The certificate that the mail tests use as well: for `localhost`, signed by itself. */
export function localhostCertificate(): { readonly cert: string; readonly key: string } {
  const read = (kind: string): string => readFileSync(new URL(`../smtp-tool/localhost.${kind}.pem`, import.meta.url), "utf8");
  return { cert: read("cert"), key: read("key") };
}
