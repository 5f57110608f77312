import { Fault } from "../../domain/fault.ts";
import type { Equipment } from "../../domain/tool.ts";

/**
 * Keeps a credential from leaving for a host it is not bound to, whatever address the policy folder names today.
 * A binding names a host, or a host and its port.
 * @throws Fault `credential_unavailable`.
 */
export function requireBoundHost(tool: string, equipment: Equipment, host: string, port: string): void {
  const { hosts } = equipment;
  if (hosts === undefined || hosts.includes(host) || hosts.includes(`${host}:${port}`)) return;
  const message = `the credential of the tool \`${tool}\` is not bound to \`${host}\`, where this tool is reached; put it again with \`--host ${host}\` if that is right`;
  throw new Fault("credential_unavailable", message);
}
