import { z } from "zod";
import { keptCredentialSchema } from "../rest-contract/schemas.ts";
import type { Cli } from "./cli.ts";
import type { Finding } from "./doctor.ts";

/** Whether every credential is there and younger than its plan says; undefined when the broker cannot be asked. */
export async function checkCredentials(cli: Cli): Promise<Finding | undefined> {
  const answer = await cli
    .broker()
    .then((broker) => broker.get("/credentials", z.object({ credentials: z.array(keptCredentialSchema) })))
    .catch(() => undefined);
  if (answer === undefined) return undefined;
  const overdue = answer.credentials.filter((one) => one.overdue);
  const away = answer.credentials.filter((one) => one.state === "missing" || one.state === "unreadable");
  const found = [
    ...overdue.map((one) => `\`${one.name}\` of ${one.tenant} is overdue for rotation`),
    ...away.map((one) => `\`${one.name}\` of ${one.tenant} is ${one.state} at ${one.source}`),
  ];
  if (found.length === 0)
    return {
      name: "credentials",
      ok: true,
      found: `${answer.credentials.filter((one) => one.state === "active").length} in use, none overdue`,
    };
  return {
    name: "credentials",
    ok: false,
    found: found.join("; "),
    next: "see `bailiwick secrets list`; renew with `bailiwick secrets set <name>` or `bailiwick secrets rotate <name>`",
  };
}
