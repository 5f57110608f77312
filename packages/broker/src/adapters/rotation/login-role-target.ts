import type { CatalogTool, Connect, CredentialUse, Policy } from "@bailiwick/policy";
import type { CredentialPlace, CredentialStore, OpenCredential } from "../../domain/credential.ts";
import { Fault } from "../../domain/fault.ts";
import type { RoleAdmin } from "../postgres-tool/login-roles.ts";
import { fillConnect } from "../tools/index.ts";
import { requireHost } from "../tools/require-host.ts";

/** The login roles of a rotated credential, and the database that has them. */
export interface LoginRoles {
  readonly tool: CatalogTool;
  readonly credential: CredentialUse;
  readonly at: Extract<Connect, { postgres: unknown }>["postgres"];
  readonly roles: readonly [string, string];
  readonly graceMs: number;
  /** Name of the credential that may change them. */
  readonly admin: string;
}

/** The same with the admin's login. */
export interface LoginRoleTarget extends LoginRoles {
  readonly who: RoleAdmin;
}

interface TargetPorts {
  readonly store: CredentialStore;
  policy(): Policy;
  readonly environment: (name: string) => string | undefined;
}

/** Undefined when the policy does not say that the broker rotates this credential. @throws Fault when its address or its admin cannot be used. */
export async function loginRoleTarget(ports: TargetPorts, place: CredentialPlace): Promise<LoginRoleTarget | undefined> {
  const found = loginRoles(ports, place);
  if (found === undefined) return undefined;
  const admin = await ports.store.open(found.admin, place);
  if (admin?.login === undefined) {
    throw new Fault(
      "credential_unavailable",
      `the credential \`${found.admin}\` that may change the roles is not there, or has no login; set it with \`bailiwick secrets set ${found.admin} --login <role>\``,
    );
  }
  requireHost(found.tool.tool, { postgres: found.at }, { headers: {}, environment: {}, hosts: admin.hosts });
  return { ...found, who: { at: found.at, admin: { user: admin.login, password: admin.value } } };
}

/** Undefined as above. @throws Fault when a binding to every environment or workflow leaves open what is meant. */
export function loginRoles(ports: Omit<TargetPorts, "store">, place: CredentialPlace): LoginRoles | undefined {
  const tool = ports.policy().tools.find((each) => each.credential?.name === place.name);
  const plan = tool?.credential?.rotate;
  if (tool?.credential === undefined || plan?.postgres === undefined) return undefined;
  requirePlaced(tool, place);
  const { tenant, environment, workflow } = place;
  const connect = fillConnect(tool.connect, { tool: tool.tool, tenant, environment, workflow }, ports.environment);
  if (!("postgres" in connect)) return undefined;
  const { roles, admin } = plan.postgres;
  return {
    tool,
    credential: tool.credential,
    at: connect.postgres,
    roles: [fillRole(roles[0], place), fillRole(roles[1], place)],
    graceMs: plan.graceMs,
    admin,
  };
}

/** The role a version logs in as; one that a person put may leave it to the tool file. */
export function loginOf({ credential }: LoginRoleTarget, { login }: OpenCredential): string {
  return login ?? ("login" in credential.inject ? credential.inject.login : "");
}

/** @throws Fault when a binding to all environments or workflows leaves open which database, or which roles, are meant. */
function requirePlaced(tool: CatalogTool, { name, environment, workflow }: CredentialPlace): void {
  const texts = JSON.stringify([tool.connect, tool.credential?.rotate]);
  for (const [part, value] of [
    ["environment", environment],
    ["workflow", workflow],
  ] as const) {
    if (value === "*" && texts.includes(`\${${part}}`)) {
      throw new Fault(
        "credential_unavailable",
        `\`${name}\` is bound to every ${part} and its database or roles differ by ${part}; set it for one ${part}`,
      );
    }
  }
}

function fillRole(text: string, { tenant, environment, workflow }: CredentialPlace): string {
  return text.replaceAll("${tenant}", tenant).replaceAll("${environment}", environment).replaceAll("${workflow}", workflow);
}
