import { readFile } from "node:fs/promises";
import { Fault } from "../../domain/fault.ts";
import { environmentSource } from "./environment.ts";
import { fileSource } from "./file.ts";
import type { ExternalSources } from "./sourced-credentials.ts";
import { vaultSource } from "./vault.ts";
import type { VaultLogin } from "./vault-login.ts";

/**
 * The sources outside the store, as the broker's environment names them: BAILIWICK_VAULT_ADDR, _NAMESPACE, _CACERT (a file), and
 * _TOKEN_FILE or _ROLE_ID with _SECRET_ID_FILE (and _APPROLE_MOUNT).
 * @throws Fault `credential_unavailable` when a vault is named and the rest is missing or unsafe.
 */
export async function externalSources(
  environment: (name: string) => string | undefined,
): Promise<ExternalSources & { close(): Promise<void> }> {
  const own = { env: environmentSource(environment), file: fileSource() };
  const setting = (name: string): string | undefined => environment(`BAILIWICK_VAULT_${name}`) || undefined;
  const address = setting("ADDR");
  if (address === undefined) return { ...own, close: () => Promise.resolve() };
  const caFile = setting("CACERT");
  const ca = caFile === undefined ? undefined : await readFile(caFile, "utf8").catch(() => undefined);
  if (caFile !== undefined && ca === undefined)
    throw new Fault("credential_unavailable", `the file \`${caFile}\` of BAILIWICK_VAULT_CACERT cannot be read; name a PEM file`);
  const vault = vaultSource({ address, login: loginOf(setting), namespace: setting("NAMESPACE"), ca });
  return { ...own, vault, close: () => vault.close() };
}

function loginOf(setting: (name: string) => string | undefined): VaultLogin {
  const tokenFile = setting("TOKEN_FILE");
  const roleId = setting("ROLE_ID");
  const secretIdFile = setting("SECRET_ID_FILE");
  if (tokenFile !== undefined && roleId === undefined) return { kind: "token", tokenFile };
  if (roleId !== undefined && secretIdFile !== undefined && tokenFile === undefined)
    return { kind: "approle", roleId, secretIdFile, mount: setting("APPROLE_MOUNT") };
  throw new Fault(
    "credential_unavailable",
    "a vault is named and not how to log in; set BAILIWICK_VAULT_TOKEN_FILE, or BAILIWICK_VAULT_ROLE_ID with BAILIWICK_VAULT_SECRET_ID_FILE",
  );
}
