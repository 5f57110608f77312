import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { CredentialInfo } from "../../domain/credential.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { nameOf, viaOf } from "./principal.ts";
import { credentialSchema, nameSchema } from "../../rest-contract/schemas.ts";
import { tenantQuery, tenantsOf } from "./tenants.ts";

/** Longest secret: a PEM key with its chain. */
const MAX_VALUE_CHARS = 64 * 1024;
/** Hosts one credential may go to. */
const MAX_HOSTS = 50;

/** `GET /credentials` (never values), `PUT /credentials/{name}`. */
export function addCredentialEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/credentials",
    tag: "credentials",
    summary: "names and versions of credentials, never their values",
    need: "view",
    params: nothing,
    query: tenantQuery,
    body: nothing,
    answer: z.object({ credentials: z.array(credentialSchema) }),
    handle: async ({ principal, query }) => {
      const lists = await Promise.all(tenantsOf(principal, query.tenant).map((tenant) => ports.credentials.list(tenant)));
      return { credentials: lists.flat().map(viewCredential) };
    },
  });
  addEndpoint(app, ports, {
    method: "put",
    path: "/credentials/{name}",
    tag: "credentials",
    summary: "stores a new version of a credential; the value cannot be read back",
    need: "operate",
    params: z.object({ name: nameSchema.regex(/^[a-z0-9][a-z0-9._-]*$/u) }),
    query: nothing,
    body: z.strictObject({
      tenant: nameSchema,
      environment: nameSchema,
      workflow: nameSchema,
      hosts: z.array(nameSchema).max(MAX_HOSTS).default([]),
      value: z.string().min(1).max(MAX_VALUE_CHARS),
    }),
    answer: credentialSchema,
    handle: async ({ principal, params, body }) => {
      const { tenant, environment, workflow, hosts, value } = body;
      tenantsOf(principal, tenant);
      await ports.log.append(tenant, {
        kind: "admin",
        callId: `credential_${params.name}`,
        body: {
          at: ports.now().toISOString(),
          event: "credential.put",
          by: nameOf(principal),
          via: viaOf(principal),
          credential: params.name,
          environment,
          workflow,
          hosts,
        },
      });
      return viewCredential(await ports.credentials.put(params.name, { tenant, environment, workflow, hosts }, value));
    },
  });
}

function viewCredential(info: CredentialInfo): z.input<typeof credentialSchema> {
  const { name, tenant, environment, workflow, hosts, version, createdAt } = info;
  return { name, tenant, environment, workflow, hosts: [...hosts], version, createdAt: createdAt.toISOString() };
}
