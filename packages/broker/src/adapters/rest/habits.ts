import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { QuestionFigures } from "../../domain/habits.ts";
import { habitFlags } from "../../insight/habits/flags.ts";
import { proposals } from "../../insight/habits/proposals.ts";
import { habitsSchema, proposalsSchema } from "../../rest-contract/duties.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { tenantsOf } from "./tenants.ts";

const DAY_MS = 86_400_000;
/** Questions are kept so long after they end (`store/tidy.ts`): figures of a longer time would be of a part of it. */
const MOST_DAYS = 30;

const query = z.strictObject({
  tenant: nameSchema.optional(),
  days: z.coerce.number().int().min(1).max(MOST_DAYS).default(MOST_DAYS),
});

/** `GET /approvals/habits`, `GET /approvals/habits/proposals`: how people answer, and what of the policy that would spare them. */
export function addHabitEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  const figuresOf = (tenant: string, days: number) => ports.habits.figures(tenant, sinceOf(ports, days), ports.now());
  addEndpoint(app, ports, {
    method: "get",
    path: "/approvals/habits",
    tag: "approvals",
    summary: "how often and how fast people say yes and no, by rule, person and agent",
    need: "view",
    params: nothing,
    query,
    body: nothing,
    answer: habitsSchema,
    handle: async ({ principal, query: { tenant: asked, days } }) => ({
      days,
      habits: await Promise.all(
        tenantsOf(principal, asked).map(async (tenant) => {
          const { rules, approvers, agents, drillsMissed, pairs } = await figuresOf(tenant, days);
          return {
            tenant,
            rules: rules.map(({ rule, approvers: count, ...figures }) => ({ rule, approvers: count, ...view(figures) })),
            approvers: approvers.map(({ person, drills, ...figures }) => ({ person, drills, ...view(figures) })),
            agents: agents.map(({ agent, ...figures }) => ({ agent, ...view(figures) })),
            drillsMissed,
            flags: [...habitFlags({ rules, approvers, agents, drillsMissed, pairs }, days)],
          };
        }),
      ),
    }),
  });
  addEndpoint(app, ports, {
    method: "get",
    path: "/approvals/habits/proposals",
    tag: "approvals",
    summary: "changes of the policy to paste: what people always approve, what they often deny",
    need: "view",
    params: nothing,
    query,
    body: nothing,
    answer: proposalsSchema,
    handle: async ({ principal, query: { tenant: asked, days } }) => {
      const { approvals, log, now } = ports;
      const reading = { approvals, log, now, policy: () => ports.policy(), files: () => ports.policyFolder().files };
      const found = [];
      for (const tenant of tenantsOf(principal, asked)) {
        found.push(...(await proposals(reading, tenant, await figuresOf(tenant, days), sinceOf(ports, days))));
      }
      return { days, proposals: found.map((each) => ({ ...each, open: [...each.open], failingTests: [...each.failingTests] })) };
    },
  });
}

function sinceOf({ now }: Pick<RestPorts, "now">, days: number): Date {
  return new Date(now().getTime() - days * DAY_MS);
}

/** Times in seconds, to a tenth: nobody compares milliseconds of people. */
function view({ medianMs, p90Ms, asked, approved, denied, expired, quick, repeated }: QuestionFigures) {
  return {
    asked,
    approved,
    denied,
    expired,
    quick,
    repeated,
    ...(medianMs === undefined ? {} : { medianSeconds: tenths(medianMs) }),
    ...(p90Ms === undefined ? {} : { p90Seconds: tenths(p90Ms) }),
  };
}

function tenths(ms: number): number {
  return Math.round(ms / 100) / 10;
}
