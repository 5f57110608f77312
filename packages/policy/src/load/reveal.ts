import { suggestion } from "../files/did-you-mean.ts";
import type { MainFile } from "../files/schemas.ts";
import type { Policy } from "../types.ts";
import { reportError, reportWarning } from "./findings.ts";
import type { Shaped } from "./folder.ts";
import type { World } from "./world.ts";

/** Who sees which labelled values in approvals. An auditor may be named: to see is all they do. */
export function readReveal(world: World, { source, value }: Shaped<MainFile>): Policy["reveal"] {
  const carried = new Set(world.actions.flatMap(({ labels }) => Object.values(labels).flat()));
  for (const [label, roles] of Object.entries(value.reveal)) {
    for (const [index, role] of roles.entries()) {
      if (world.peopleRoles.includes(role)) continue;
      reportError(world.report, {
        code: "unknown-person-role",
        at: source.at(["reveal", label, index]),
        what: `no person has the role \`${role}\``,
        why: "nobody would see what it is meant to reveal",
        write: suggestion(role, world.peopleRoles, "give it to a person in `people`"),
      });
    }
    if (carried.has(label)) continue;
    reportWarning(world.report, {
      code: "unknown-label",
      at: source.at(["reveal", label]),
      what: `no field of the catalog has the label \`${label}\``,
      why: "the line reveals nothing and hides nothing",
      write: suggestion(label, [...carried].toSorted(), "a label of `labels` in `tools/`"),
    });
  }
  return value.reveal;
}
