import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { roleScopes } from "@bailiwick/policy";
import type { Elevation } from "../../../domain/elevation.ts";
import { minutesOf } from "../../../domain/elevation.ts";
import { toSignSchema } from "../../../rest-contract/approvals.ts";
import {
  elevationDetailSchema,
  elevationReasonSchema,
  elevationSchema,
  elevationsSchema,
  elevationStateSchema,
  eligibleRolesSchema,
  minutesSchema,
  newElevationSchema,
  scopesSchema,
} from "../../../rest-contract/elevations.ts";
import { receiptFileSchema } from "../../../rest-contract/receipts.ts";
import { nameSchema } from "../../../rest-contract/schemas.ts";
import { toBeSigned } from "../approvals/sign.ts";
import { stepUpSchema } from "../assertion-schema.ts";
import { party } from "../ceremony.ts";
import { addEndpoint, nothing } from "../endpoint.ts";
import { rotateBrowserSession } from "../person-cookie.ts";
import type { RestPorts } from "../ports.ts";
import type { Principal } from "../principal.ts";
import { Problem } from "../problem.ts";
import { beginStepUp } from "../step-up.ts";
import { tenantQuery, tenantsOf } from "../tenants.ts";
import { answerElevation, elevationDocument, findElevation, yesTo } from "./answer.ts";
import { askForAgent, revokeElevation } from "./ask.ts";
import { usesOf } from "./uses.ts";
import { viewElevation } from "./view.ts";

/** Elevations in one answer; a person reads no more at a time. */
const MAX_ELEVATIONS = 200;

const idParams = z.object({ id: nameSchema });
const bounds = { scope: scopesSchema.optional(), minutes: minutesSchema.optional() };

type View = z.input<typeof elevationSchema>;

/** Rights for a time: what is asked, what is in force, what was; and people's answers. Nothing is ever answered by following a link. */
export function addElevationEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  const view = async (elevation: Elevation, principal: Principal): Promise<View> =>
    viewElevation(elevation, principal, ports, await ports.duties.inForce(elevation.tenant, ports.now()));
  addReadEndpoints(app, ports, view);
  addAnswerEndpoints(app, ports, view);
  addEndpoint(app, ports, {
    method: "post",
    path: "/elevations",
    tag: "elevations",
    summary: "asks for a right that an agent shall have for a time; others answer",
    need: "answer",
    params: nothing,
    query: nothing,
    body: newElevationSchema,
    answer: elevationSchema,
    handle: async ({ principal, body }) => view(await askForAgent(ports, principal, body), principal),
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/elevations/{id}/revoke",
    tag: "elevations",
    summary: "takes a right back: the agent's next call does not have it",
    // Who may is said by the elevation; the holder of the operator key always.
    need: "view",
    params: idParams,
    query: nothing,
    body: z.strictObject({ reason: elevationReasonSchema }),
    answer: elevationSchema,
    handle: async ({ principal, params, body }) => view(await revokeElevation(ports, principal, params.id, body.reason), principal),
  });
}

function addReadEndpoints(app: OpenAPIHono, ports: RestPorts, view: (elevation: Elevation, principal: Principal) => Promise<View>): void {
  const common = { method: "get", tag: "elevations", need: "view", body: nothing } as const;
  addEndpoint(app, ports, {
    ...common,
    path: "/elevations",
    summary: "rights for a time, newest first",
    params: nothing,
    query: z.strictObject({
      tenant: nameSchema.optional(),
      state: elevationStateSchema.optional(),
      agent: nameSchema.optional(),
      after: z.string().max(100).optional(),
      limit: z.coerce.number().int().min(1).max(MAX_ELEVATIONS).default(50),
    }),
    answer: elevationsSchema,
    handle: async ({ principal, query: { tenant, ...query } }) => {
      const pages = await Promise.all(tenantsOf(principal, tenant).map((each) => ports.elevations.list(each, query)));
      const found = pages.flatMap(({ elevations }) => elevations).toSorted(newestFirst);
      const shown = found.slice(0, query.limit);
      const last = shown.at(-1);
      const more = found.length > shown.length || pages.some(({ next }) => next !== undefined);
      return {
        elevations: await Promise.all(shown.map((elevation) => view(elevation, principal))),
        ...(more && last !== undefined ? { next: `${last.createdAt.toISOString()}~${last.id}` } : {}),
      };
    },
  });
  addEndpoint(app, ports, {
    ...common,
    path: "/elevations/{id}",
    summary: "one right for a time, and the calls that stood on it",
    params: idParams,
    query: nothing,
    answer: elevationDetailSchema,
    handle: async ({ principal, params }) => {
      const elevation = await findElevation(ports, principal, params.id);
      return { ...(await view(elevation, principal)), uses: await usesOf(ports.log, elevation) };
    },
  });
  addEndpoint(app, ports, {
    ...common,
    path: "/elevations/{id}/receipts",
    summary: "what people signed, for whoever does not believe this broker",
    params: idParams,
    query: nothing,
    answer: z.object({ receipts: z.array(receiptFileSchema) }),
    handle: async ({ principal, params }) => {
      const { answers } = await findElevation(ports, principal, params.id);
      const { rpId, origin } = party(ports);
      return {
        receipts: answers.flatMap(({ by, receipt }) =>
          receipt === undefined ? [] : [receiptFileSchema.parse({ person: by, rpId, origin, receipt })],
        ),
      };
    },
  });
  addEndpoint(app, ports, {
    ...common,
    path: "/eligible-roles",
    summary: "what can be asked for, for which agents",
    params: nothing,
    query: tenantQuery,
    answer: eligibleRolesSchema,
    handle: async ({ principal, query }) => {
      const tenants = tenantsOf(principal, query.tenant);
      const policy = ports.policy();
      return {
        roles: policy.agents
          .filter(({ tenant }) => tenants.includes(tenant))
          .flatMap(({ tenant, name, eligible }) =>
            eligible.map(({ role, reason, mostMs, approve }) => ({
              tenant,
              agent: name,
              role,
              reason,
              mostMinutes: minutesOf(mostMs),
              scopes: [...roleScopes(policy, role)],
              approvers: [...approve.by],
              stepUp: approve.stepUp,
            })),
          ),
      };
    },
  });
}

function addAnswerEndpoints(app: OpenAPIHono, ports: RestPorts, view: (elevation: Elevation, principal: Principal) => Promise<View>): void {
  const common = { method: "post", tag: "elevations", need: "answer", params: idParams, query: nothing } as const;
  addEndpoint(app, ports, {
    ...common,
    path: "/elevations/{id}/step-up",
    summary: "what a passkey has to sign for a yes to exactly this",
    body: z.strictObject(bounds),
    answer: toSignSchema,
    handle: async ({ principal, params, body }) => {
      const elevation = await findElevation(ports, principal, params.id);
      if (principal.kind !== "person") throw new Problem("person_required", "a right is given by people");
      const person = principal.person.id;
      const document = toBeSigned(ports, elevationDocument(elevation, person, yesTo(ports, elevation, body)));
      return { document: { ...document }, options: { ...(await beginStepUp(ports, person, document)) } };
    },
  });
  addEndpoint(app, ports, {
    ...common,
    path: "/elevations/{id}/approve",
    summary: "gives the right: as asked, or fewer scopes or less time",
    body: z.strictObject({ ...bounds, reason: elevationReasonSchema.optional(), stepUp: stepUpSchema.optional() }),
    answer: elevationSchema,
    handle: async ({ principal, context, params, body }) => {
      const elevation = await answerElevation(ports, principal, params.id, { ...body, verdict: "approve" });
      // Last, because an answer that is a problem carries no cookie: the browser would be left with a token that opens nothing.
      if (body.stepUp !== undefined) await rotateBrowserSession(ports, context, principal);
      return view(elevation, principal);
    },
  });
  addEndpoint(app, ports, {
    ...common,
    path: "/elevations/{id}/deny",
    summary: "does not give the right; whoever asked is told the reason",
    body: z.strictObject({ reason: elevationReasonSchema }),
    answer: elevationSchema,
    handle: async ({ principal, params, body }) =>
      view(await answerElevation(ports, principal, params.id, { verdict: "deny", reason: body.reason }), principal),
  });
}

function newestFirst(a: Elevation, b: Elevation): number {
  return b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1);
}
