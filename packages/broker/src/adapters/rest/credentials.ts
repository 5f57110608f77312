import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Actor, KeeperAnswer, KeptCredential, NewValue } from "../../domain/credential-keeper.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { doerOf, type Principal, viaOf } from "./principal.ts";
import { refusedChange } from "./credential-problem.ts";
import { credentialSchema, keptCredentialSchema, nameSchema } from "../../rest-contract/schemas.ts";
import { tenantQuery, tenantsOf } from "./tenants.ts";

/** Longest secret: a PEM key with its chain. */
const MAX_VALUE_CHARS = 64 * 1024;
/** Hosts one credential may go to. */
const MAX_HOSTS = 50;
/** A PostgreSQL name; other logins are shorter. */
const MAX_LOGIN_CHARS = 63;

/** No `|`: it separates the parts of what a sealed value is bound to. */
const part = nameSchema.regex(/^[^|]+$/u);
const place = { tenant: part, environment: part, workflow: part };
const value = {
  hosts: z.array(nameSchema).max(MAX_HOSTS).default([]),
  value: z.string().min(1).max(MAX_VALUE_CHARS),
  login: z.string().min(1).max(MAX_LOGIN_CHARS).optional(),
};
const version = { version: z.int().positive() };
/** False: it is not tried at the tools that use it, and the record says so. */
const verify = { verify: z.boolean().default(true) };
const named = z.object({ name: nameSchema.regex(/^[a-z0-9][a-z0-9._-]*$/u) });

/** `GET /credentials` (never values), `PUT /credentials/{name}`, and `POST /credentials/{name}/<step>` for each step of a version's life. */
export function addCredentialEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  const { credentials } = ports;
  addEndpoint(app, ports, {
    method: "get",
    path: "/credentials",
    tag: "credentials",
    summary: "names, versions and states of credentials, never their values",
    need: "view",
    params: nothing,
    query: tenantQuery,
    body: nothing,
    answer: z.object({ credentials: z.array(keptCredentialSchema) }),
    handle: async ({ principal, query }) => {
      const lists = await Promise.all(tenantsOf(principal, query.tenant).map((tenant) => credentials.list(tenant)));
      return { credentials: lists.flat().map(viewKept) };
    },
  });
  addStep(app, ports, {
    method: "put",
    path: "/credentials/{name}",
    summary: "sets a credential: a first value is active at once, a later one is tried out first; the value cannot be read back",
    body: z.strictObject({ ...place, ...value, ...verify }),
    take: (actor, name, body) => credentials.set(actor, newValue(name, body), { verify: body.verify }),
  });
  addStep(app, ports, {
    method: "post",
    path: "/credentials/{name}/stage",
    summary: "stores a version that no call uses yet",
    body: z.strictObject({ ...place, ...value }),
    take: (actor, name, body) => credentials.stage(actor, newValue(name, body)),
  });
  addStep(app, ports, {
    method: "post",
    path: "/credentials/{name}/verify",
    summary: "tries a version out at the tools that use it; changes nothing",
    body: z.strictObject({ ...place, ...version }),
    take: (actor, name, body) => credentials.verify(actor, { ...body, name }),
  });
  addStep(app, ports, {
    method: "post",
    path: "/credentials/{name}/activate",
    summary: "lets calls use a staged version, after it was tried out",
    body: z.strictObject({ ...place, ...version, ...verify }),
    take: (actor, name, body) => credentials.activate(actor, { ...body, name }, { verify: body.verify }),
  });
  addStep(app, ports, {
    method: "post",
    path: "/credentials/{name}/revoke",
    summary: "destroys a version's value; calls that need it are refused",
    body: z.strictObject({ ...place, ...version }),
    take: (actor, name, body) => credentials.revoke(actor, { ...body, name }),
  });
  addStep(app, ports, {
    method: "post",
    path: "/credentials/{name}/rotate",
    summary: "renews a credential whose kind the broker can renew itself",
    body: z.strictObject(place),
    take: (actor, name, body) => credentials.rotate(actor, { ...body, name }),
  });
}

interface Step<B extends z.ZodType<{ readonly tenant: string }>> {
  readonly method: "put" | "post";
  readonly path: string;
  readonly summary: string;
  readonly body: B;
  take(actor: Actor, name: string, body: z.output<B>): Promise<KeeperAnswer>;
}

/** One change of one credential. @throws Problem `wrong_tenant`, and those of `refusedChange`. */
function addStep<B extends z.ZodType<{ readonly tenant: string }>>(app: OpenAPIHono, ports: RestPorts, step: Step<B>): void {
  addEndpoint(app, ports, {
    method: step.method,
    path: step.path,
    tag: "credentials",
    summary: step.summary,
    need: "operate",
    params: named,
    query: nothing,
    body: step.body,
    answer: credentialSchema,
    handle: async ({ principal, params, body }) => {
      tenantsOf(principal, body.tenant);
      const answer = await step.take(actorOf(principal), params.name, body);
      if (!answer.ok) throw refusedChange(params.name, answer);
      return viewChanged(answer);
    },
  });
}

function actorOf(principal: Principal): Actor {
  return { by: doerOf(principal), via: viaOf(principal) };
}

function newValue(
  name: string,
  body: {
    readonly tenant: string;
    readonly environment: string;
    readonly workflow: string;
    readonly hosts: readonly string[];
    readonly value: string;
    readonly login?: string | undefined;
  },
): NewValue {
  const { tenant, environment, workflow, hosts } = body;
  return { name, binding: { tenant, environment, workflow, hosts }, value: body.value, login: body.login };
}

function viewChanged({ info, trial }: Extract<KeeperAnswer, { ok: true }>): z.input<typeof credentialSchema> {
  const tried =
    trial === undefined
      ? {}
      : { tried: { outcome: trial.outcome, ...(trial.outcome === "verified" ? { tools: [...trial.tools] } : { why: trial.why }) } };
  return { ...viewKept({ ...info, source: "store", overdue: false }), ...tried };
}

function viewKept(kept: KeptCredential): z.input<typeof keptCredentialSchema> {
  const { name, tenant, environment, workflow, hosts, version: number, state, source, verification, overdue } = kept;
  return {
    name,
    tenant,
    environment,
    workflow,
    hosts: [...hosts],
    version: number,
    state,
    source,
    overdue,
    ...(verification === undefined ? {} : { verification }),
    ...times({ createdAt: kept.createdAt, activatedAt: kept.activatedAt, graceUntil: kept.graceUntil, dueAt: kept.dueAt }),
  };
}

function times(given: Readonly<Record<string, Date | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).flatMap(([name, at]) => (at === undefined ? [] : [[name, at.toISOString()]])));
}
