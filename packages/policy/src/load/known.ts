import { suggestion } from "../files/did-you-mean.ts";
import type { Span } from "../types.ts";
import { reportError } from "./findings.ts";
import type { World } from "./world.ts";

const UNKNOWN = {
  tenant: "unknown-tenant",
  environment: "unknown-environment",
  role: "unknown-role",
  person: "unknown-person",
} as const;

/** Reports a name that nothing bears. */
export function checkKnown(world: World, kind: keyof typeof UNKNOWN, name: string, known: readonly string[], at: Span): void {
  if (known.includes(name)) return;
  reportError(world.report, {
    code: UNKNOWN[kind],
    at,
    what: `no ${kind} \`${name}\` exists`,
    why: kind === "person" ? "an agent without an owner is nobody's responsibility" : "the name would match nothing",
    write: suggestion(name, known, `declare the ${kind} first`),
  });
}
