import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { actionId, type AgentConfig, type CatalogAction, decide, explain, type Policy, type PolicyFile } from "@bailiwick/policy";
import { NotSupposable, suppose, type Supposed, type WhatIf } from "../../insight/suppose.ts";
import { whatHolds } from "../../insight/what-holds.ts";
import { anyJsonSchema } from "../../rest-contract/any-json.ts";
import { catalogSchema, policyFilesSchema, triedSchema } from "../../rest-contract/rights.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";
import { inForceIn } from "./agent-rights.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import type { Principal } from "./principal.ts";
import { Problem } from "./problem.ts";
import { tenantQuery, tenantsOf } from "./tenants.ts";

/** Roles of people who may read the policy folder; the auditor's among them, because reading is all it takes. */
const READERS: readonly string[] = ["owner", "author", "operator", "auditor"];

/** `GET /policy/files`, `GET /policy/catalog`, `POST /policy/try`. */
export function addPolicyEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addFiles(app, ports);
  addCatalog(app, ports);
  addTry(app, ports);
}

function addFiles(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/policy/files",
    tag: "policy",
    summary: "the files of the policy in force, and what is wrong with those in the folder when they do not load",
    need: "view",
    params: nothing,
    query: nothing,
    body: nothing,
    answer: policyFilesSchema,
    handle: async ({ principal }) => {
      const policy = ports.policy();
      requireReader(principal, policy);
      const { files, rejected } = ports.policyFolder();
      return {
        version: policy.version,
        files: [...files],
        warnings: [...policy.warnings],
        ...(rejected === undefined ? {} : { rejected: { ...changesOf(files, rejected.files), diagnostics: [...rejected.diagnostics] } }),
      };
    },
  });
}

/**
 * The folder is one for all tenants: it names the people, agents and rules of each. Whoever reads it must have them all.
 * @throws Problem `role_required`, `wrong_tenant`.
 */
function requireReader(principal: Principal, policy: Policy): void {
  if (principal.kind === "operator") return;
  const { person, tenants } = principal;
  if (!person.roles.some((role) => READERS.includes(role)))
    throw new Problem("role_required", `\`${person.id}\` holds none of the roles ${READERS.map((role) => `\`${role}\``).join(", ")}`, [
      "the matrix and `POST /policy/try` show what the policy says of your tenants",
      "ask an owner to add one of these roles to this person in `bailiwick.yaml`",
    ]);
  if (policy.tenants.some((tenant) => !tenants.includes(tenant)))
    throw new Problem("wrong_tenant", "the policy folder speaks of tenants that are not yours", [
      "the matrix and `POST /policy/try` show what the policy says of your tenants",
      "ask someone who has every tenant for the file a rule names",
    ]);
}

function changesOf(files: readonly PolicyFile[], now: readonly PolicyFile[]): { readonly files: PolicyFile[]; readonly removed: string[] } {
  const before = new Map(files.map(({ path, text }) => [path, text]));
  const paths = new Set(now.map(({ path }) => path));
  return {
    files: now.filter(({ path, text }) => before.get(path) !== text),
    // A folder that could not be read has no files; nothing is known to be gone then.
    removed: now.length === 0 ? [] : [...before.keys()].filter((path) => !paths.has(path)),
  };
}

function addCatalog(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/policy/catalog",
    tag: "policy",
    summary: "agents and actions with the types of their arguments: what a thought-up call is made of",
    need: "view",
    params: nothing,
    query: tenantQuery,
    body: nothing,
    answer: catalogSchema,
    handle: async ({ principal, query }) => {
      const policy = ports.policy();
      const tenants = tenantsOf(principal, query.tenant);
      return {
        agents: policy.agents
          .filter(({ tenant }) => tenants.includes(tenant))
          .map(({ name, eligible }) => ({ name, eligible: eligible.map(({ role }) => role) })),
        actions: policy.tools.flatMap(({ types, actions }) => actions.map((action) => viewAction(types, action))),
      };
    },
  });
}

function viewAction(
  types: Policy["tools"][number]["types"],
  { operation, scope, effect, description, args, force, resource, returns }: CatalogAction,
): z.input<typeof catalogSchema>["actions"][number] {
  const type = resource?.type ?? returns?.type;
  return {
    operation,
    action: actionId(operation),
    scope,
    effect,
    ...(description === undefined ? {} : { description }),
    args: { ...args },
    force: Object.keys(force),
    ...(type === undefined ? {} : { record: { type, fields: { ...types[type] } } }),
  };
}

const factsSchema = z.record(z.string(), anyJsonSchema);

function addTry(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "post",
    path: "/policy/try",
    tag: "policy",
    summary: "decides a call that nobody makes, by the policy in force, and says why; no tool is asked and nothing is recorded",
    need: "view",
    params: nothing,
    query: nothing,
    body: z.strictObject({
      agent: nameSchema,
      action: nameSchema,
      args: factsSchema.optional(),
      user: nameSchema.optional(),
      task: nameSchema.optional(),
      data: factsSchema.optional(),
      record: factsSchema.optional(),
      at: z.iso.datetime({ offset: true }).optional(),
      /** A role the agent is eligible for, as if it had been given. */
      elevated: nameSchema.optional(),
    }),
    answer: triedSchema,
    handle: async ({ principal, body: { at, elevated, ...given } }) => {
      const policy = ports.policy();
      const facts = { ...given, ...(at === undefined ? {} : { at: new Date(at) }) };
      // Found first as it is: only then is it known whose rights for a time count.
      const { agent } = supposeFor(policy, principal, facts, ports.now());
      requireEligible(agent, elevated);
      const inForce = (await inForceIn(ports, [agent.tenant])).get(agent.name) ?? [];
      const elevations = [
        ...inForce.filter(({ task }) => task === undefined || task === given.task),
        ...(elevated === undefined ? [] : [{ id: "what-if", role: elevated, scope: [], until: END_OF_TIME }]),
      ];
      return tried(policy, supposeFor(policy, principal, { ...facts, agent: agent.name, elevations }, ports.now()));
    },
  });
}

/** A thought-up right lasts through whatever time the call is thought to happen at. */
const END_OF_TIME = new Date(8.64e15);

/** @throws Problem `malformed_request`, with the same words for an agent of another tenant and one that does not exist. */
function supposeFor(policy: Policy, principal: Principal, given: WhatIf, now: Date): Supposed {
  try {
    return suppose(
      policy,
      policy.agents.filter(({ tenant }) => principal.tenants.includes(tenant)),
      given,
      now,
    );
  } catch (error) {
    throw error instanceof NotSupposable ? new Problem("malformed_request", error.message, error.next) : error;
  }
}

function requireEligible(agent: AgentConfig, role: string | undefined): void {
  if (role === undefined || agent.eligible.some((each) => each.role === role)) return;
  const roles = agent.eligible.map((each) => each.role);
  throw new Problem("malformed_request", `the agent may not ask for the role \`${role}\``, [
    roles.length === 0 ? "it is eligible for none" : `it may ask for: ${roles.join(", ")}`,
  ]);
}

function tried(policy: Policy, supposed: Supposed): z.input<typeof triedSchema> {
  const { request, agent, action } = supposed;
  const decision = decide(policy, request);
  const { summary, rules, unmatched, wouldChange } = explain(policy, request, decision);
  const { refusal, verdict } = decision;
  return {
    verdict,
    policyVersion: policy.version,
    agent: agent.name,
    operation: request.operation,
    scope: action.scope,
    effect: action.effect,
    args: { ...request.args },
    at: request.now.toISOString(),
    record: request.resource === "unknown" ? "unknown" : request.resource === undefined ? "none" : "given",
    ...(refusal === undefined ? {} : { refusal: { code: refusal.code, message: refusal.message } }),
    rules: [...rules],
    summary,
    unmatched: [...unmatched],
    wouldChange: [...wouldChange],
    elevations: [...(decision.elevations ?? [])],
    holds: [...whatHolds(policy, supposed, decision)],
  };
}
