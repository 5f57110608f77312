import type { JsonObject, PersonConfig } from "@bailiwick/policy";
import type { Receipt } from "../../domain/receipt.ts";
import type { RestPorts } from "./ports.ts";
import { Problem } from "./problem.ts";

/** @throws Problem `not_found` when the policy lists no such person. */
export function personNamed(ports: Pick<RestPorts, "policy">, id: string): PersonConfig {
  const person = ports.policy().people.find((candidate) => candidate.id === id);
  if (person !== undefined) return person;
  throw new Problem("not_found", `there is no person \`${id}\` in the policy`, ["list the person under `people` in `bailiwick.yaml`"]);
}

/**
 * Records something about a person in the log of each of their tenants, before it takes effect. `body` holds no secret.
 * @throws Fault `log_unavailable`.
 */
export async function recordPerson(
  ports: Pick<RestPorts, "policy" | "log" | "now">,
  person: Pick<PersonConfig, "id" | "tenants">,
  event: string,
  body: JsonObject & { readonly by: string; readonly via: string },
): Promise<void> {
  const at = ports.now().toISOString();
  const { tenants } = ports.policy();
  for (const tenant of person.tenants.filter((each) => tenants.includes(each))) {
    await ports.log.append(tenant, { kind: "admin", callId: `person_${person.id}`, body: { at, event, person: person.id, ...body } });
  }
}

/** A receipt as a record holds it: everything an auditor needs to verify it. */
export function receiptBody(receipt: Receipt | undefined): JsonObject {
  return receipt === undefined ? {} : { receipt: { ...receipt, publicKey: { ...receipt.publicKey } } };
}
