import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PersonConfig } from "@bailiwick/policy";
import { parse } from "yaml";
import { z } from "zod";

/** Lies in the policy folder, since it is reviewed with it. It grants nothing; a broker reads it when it starts. */
const APPROVALS_CONFIG = "approvals.yaml";

/** More would teach people to say no. */
const MOST_PER_DAY = 10;

const domain = z
  .string()
  .max(253)
  .regex(/^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}$/u, "a domain is written like `drills.example.com`");

const schema = z.strictObject({
  drills: z
    .strictObject({
      tenants: z.array(z.string()).min(1),
      perDay: z.int().min(1).max(MOST_PER_DAY),
      /** Only questions that one of these roles of people answers are copied. */
      roles: z.array(z.string()).min(1),
      /** Where mail of a drill seems to go. */
      domains: z.array(domain).min(1).default(["mail-archive.example", "data-backup.example", "invoices-desk.example"]),
    })
    .exactOptional(),
});

/** How approvals are kept honest, beside what the policy says of them. */
export type ApprovalsConfig = z.output<typeof schema>;
export type DrillsConfig = NonNullable<ApprovalsConfig["drills"]>;

/** `approvals.yaml` cannot be used; `message` names each place and what to write there. */
export class ApprovalsConfigError extends Error {
  override readonly name = "ApprovalsConfigError";
}

/**
 * Reads `approvals.yaml` of a policy folder; nothing is switched on without one.
 * @throws ApprovalsConfigError for anything in it that is not known, a tenant or a role that nobody has.
 */
export async function readApprovalsConfig(
  folder: string,
  known: { readonly tenants: readonly string[]; readonly roles: readonly string[] },
): Promise<ApprovalsConfig> {
  const path = join(folder, APPROVALS_CONFIG);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw new ApprovalsConfigError(`\`${path}\` cannot be read; check its permissions`, { cause: error });
  });
  const parsed = schema.safeParse(yamlOf(text, path) ?? {});
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `\`${issue.path.join(".") || APPROVALS_CONFIG}\`: ${issue.message}`);
    throw new ApprovalsConfigError(`\`${path}\` cannot be used; ${problems.join("; ")}`);
  }
  requireKnown(parsed.data, known);
  return parsed.data;
}

/** Roles that approvals can be asked of. */
export function rolesOfPeople(people: readonly PersonConfig[]): readonly string[] {
  return [...new Set(people.flatMap(({ roles }) => roles))].toSorted();
}

/** A drill for nobody would be a guard that is not there. */
function requireKnown({ drills }: ApprovalsConfig, { tenants, roles }: { tenants: readonly string[]; roles: readonly string[] }): void {
  const tenant = drills?.tenants.find((each) => !tenants.includes(each));
  if (tenant !== undefined)
    throw new ApprovalsConfigError(
      `\`${APPROVALS_CONFIG}\` speaks of tenant \`${tenant}\`, which the policy does not have; it has ${tenants.join(", ")}`,
    );
  const role = drills?.roles.find((each) => !roles.includes(each));
  if (role !== undefined)
    throw new ApprovalsConfigError(
      `\`${APPROVALS_CONFIG}\` speaks of role \`${role}\`, which no person has; name one of ${roles.join(", ")}`,
    );
}

function yamlOf(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : "unreadable";
    throw new ApprovalsConfigError(`\`${path}\` is no YAML (${why}); correct it`, { cause });
  }
}
