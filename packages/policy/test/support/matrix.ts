import { matrix } from "../../src/index.ts";
import type { MatrixCell, Policy } from "../../src/index.ts";
import { HELPDESK, SUPPORT } from "./helpdesk.ts";

/** @throws Error when the agent or the action does not exist. */
export function cell(policy: Policy, action: string, agent = SUPPORT.agent): MatrixCell {
  const found = matrix(policy, { agents: [agent] }).rows[0]?.cells.find((one) => one.action === action);
  if (found === undefined) throw new Error(`no cell ${action}`);
  return found;
}

/** A change of the helpdesk folder: the support role has these lines. */
export function role(...lines: readonly string[]): Readonly<Record<string, string>> {
  return { "roles/support.yaml": `role: support\nreason: r\n${lines.join("\n")}\n` };
}

/** A change of the helpdesk folder: the support agent has this ceiling. */
export const ceiling = (text: string) => ({
  "agents/support.yaml": (HELPDESK["agents/support.yaml"] ?? "").replace(/ceiling: .*/, `ceiling: ${text}`),
});
