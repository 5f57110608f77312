import type { CredentialOpener } from "../../domain/credential.ts";
import { grantedTokens } from "./granted-tokens.ts";
import { machineTokens } from "./machine-tokens.ts";
import type { ToolOAuthPorts } from "./ports.ts";
import { isGrantText } from "./sealed-grant.ts";
import { toolUse } from "./tool-use.ts";
import { unavailable } from "./unavailable.ts";

/** Opens credentials `from: oauth`: an access token for the tool's server, got or renewed when it is needed; every other one as before. */
export function withToolTokens(ports: ToolOAuthPorts, others: CredentialOpener): CredentialOpener {
  const machine = machineTokens(ports);
  const granted = grantedTokens(ports);
  return {
    async open(name, at, version) {
      const use = toolUse(ports.policy(), name);
      if (use === undefined) {
        const opened = await others.open(name, at, version);
        // The tool's file said `from: oauth` before: a server must not be sent what can renew its own tokens.
        if (opened !== undefined && isGrantText(opened.value))
          throw unavailable(
            `the credential \`${name}\` holds an OAuth grant and its tool is no longer \`from: oauth\`; set it with \`bailiwick secrets set ${name}\``,
          );
        return opened;
      }
      switch (use.oauth.grant) {
        case "client_credentials":
          return machine.open(use, at, version);
        case "authorization_code":
          return granted.open(use, at, version);
      }
    },
    refused(name, at, challenge) {
      const use = toolUse(ports.policy(), name);
      if (use === undefined) return others.refused?.(name, at, challenge);
      switch (use.oauth.grant) {
        case "client_credentials":
          return machine.refused(use, at, challenge);
        case "authorization_code":
          return granted.refused(use, at, challenge);
      }
    },
  };
}
