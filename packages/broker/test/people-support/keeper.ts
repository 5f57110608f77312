import { randomBytes } from "node:crypto";
import type { Policy } from "@bailiwick/policy";
import { environmentSource } from "../../src/adapters/credential-source/environment.ts";
import { fileSource } from "../../src/adapters/credential-source/file.ts";
import { credentialKeeper } from "../../src/adapters/rotation/keeper.ts";
import type { Store } from "../../src/adapters/store/index.ts";
import { createTryOut } from "../../src/adapters/tools/index.ts";
import type { CredentialKeeper } from "../../src/domain/credential-keeper.ts";

/** The keeper as the composition root makes it, over the given store and policy; `environment` stands for the broker's own. */
export function keeperOver(
  store: Store,
  policy: () => Policy,
  options: { readonly environment?: (name: string) => string | undefined; readonly now?: () => Date } = {},
): CredentialKeeper {
  const environment = options.environment ?? (() => undefined);
  return credentialKeeper({
    store: store.credentials,
    log: store.log,
    policy,
    now: options.now ?? (() => new Date()),
    tryOut: createTryOut(policy, environment),
    external: { env: environmentSource(environment), file: fileSource() },
    environment,
    random: (bytes) => randomBytes(bytes),
  });
}
