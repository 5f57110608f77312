import { z } from "zod";
import { Fault } from "../../domain/fault.ts";
import { fileSource } from "./file.ts";
import type { VaultCall } from "./vault.ts";

/** How the broker proves itself to the vault. Secrets come from files that only its user may read. */
export type VaultLogin =
  | { readonly kind: "token"; readonly tokenFile: string }
  | { readonly kind: "approle"; readonly roleId: string; readonly secretIdFile: string; readonly mount?: string | undefined };

export interface VaultTokens {
  /** @throws Fault `credential_unavailable`. */
  current(): Promise<string>;
  /** After the server refused the current one. */
  renewed(): Promise<string>;
}

const loginAnswer = z.object({ auth: z.object({ client_token: z.string().min(1), lease_duration: z.number().nonnegative() }) });
/** A leased token is replaced when this part of its lease is over. */
const LEASE_PART = 2 / 3;
/** A lease of 0 s means: does not expire. It is asked for again after this time nevertheless. */
const ENDLESS_LEASE_S = 3_600;

/** A token from its file, read anew each time; or one leased by AppRole and kept until most of its lease is over. */
export function vaultToken(login: VaultLogin, call: VaultCall, nowMs: () => number): VaultTokens {
  switch (login.kind) {
    case "token": {
      const read = (): Promise<string> => secretIn(login.tokenFile);
      return { current: read, renewed: read };
    }
    case "approle": {
      let leased: { readonly token: Promise<string>; until: number } | undefined;
      const renew = (): Promise<string> => {
        const lease: { token: Promise<string>; until: number } = { token: Promise.resolve(""), until: Number.POSITIVE_INFINITY };
        lease.token = appRole(login, call).then(
          ({ client_token, lease_duration }) => {
            lease.until = nowMs() + (lease_duration === 0 ? ENDLESS_LEASE_S : lease_duration) * LEASE_PART * 1000;
            return client_token;
          },
          (failure: unknown) => {
            if (leased === lease) leased = undefined;
            throw failure;
          },
        );
        leased = lease;
        return lease.token;
      };
      return { current: () => (leased !== undefined && leased.until > nowMs() ? leased.token : renew()), renewed: renew };
    }
  }
}

async function appRole(
  { roleId, secretIdFile, mount = "approle" }: Extract<VaultLogin, { kind: "approle" }>,
  call: VaultCall,
): Promise<z.output<typeof loginAnswer>["auth"]> {
  const answer = await call({
    method: "POST",
    path: `/v1/auth/${encodeURIComponent(mount)}/login`,
    body: { role_id: roleId, secret_id: await secretIn(secretIdFile) },
  });
  const parsed = loginAnswer.safeParse(answer.body);
  if (answer.status === 200 && parsed.success) return parsed.data.auth;
  throw new Fault(
    "credential_unavailable",
    `the vault does not let the broker in (status ${answer.status}); check BAILIWICK_VAULT_ROLE_ID and the secret id's file`,
  );
}

async function secretIn(path: string): Promise<string> {
  const found = await fileSource().read(path);
  if (found === undefined)
    throw new Fault("credential_unavailable", `the file \`${path}\` that lets the broker into the vault is not there`);
  return found.value;
}
