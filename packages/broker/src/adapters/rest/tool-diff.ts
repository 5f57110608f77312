import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { ToolReview } from "../../insight/tool-review.ts";
import { toolReviewSchema } from "../../rest-contract/rights.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { findAmong, notFound, tenantsOf } from "./tenants.ts";

/** `GET /tools/{tool}/review`: what a reviewer looks at. The review itself is a change of the policy folder, made where its history is kept. */
export function addToolReviewEndpoint(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/tools/{tool}/review",
    tag: "catalog",
    summary: "one operation as it is offered against what the catalog says of it, and what a reviewer who agrees writes; never connects",
    need: "view",
    params: z.object({ tool: nameSchema }),
    query: z.strictObject({
      tenant: nameSchema.optional(),
      kind: z.enum(["tool", "resource", "prompt"]).default("tool"),
      name: nameSchema,
    }),
    body: nothing,
    answer: toolReviewSchema,
    handle: async ({ principal, params: { tool }, query: { tenant: asked, kind, name } }) => {
      const found = await findAmong(tenantsOf(principal, asked), async (tenant) => {
        const review = await ports.review({ tool, kind, name }, tenant);
        return review === undefined ? undefined : view(review, tenant);
      });
      if (found === undefined) throw notFound("operation", `${tool} ${name}`, "bailiwick tools list");
      return found;
    },
  });
}

function view({ state, offered, declared, compared, differences, write }: ToolReview, tenant: string): z.input<typeof toolReviewSchema> {
  return {
    ...state,
    tenant,
    ...(offered === undefined ? {} : { offered: { entry: { ...offered.entry }, fingerprint: offered.fingerprint } }),
    ...(declared === undefined
      ? {}
      : {
          declared: {
            scope: declared.scope,
            effect: declared.effect,
            ...(declared.description === undefined ? {} : { description: declared.description }),
            args: { ...declared.args },
            labels: Object.fromEntries(Object.entries(declared.labels).map(([label, paths]) => [label, [...paths]])),
            at: declared.at,
          },
        }),
    ...(compared === undefined ? {} : { compared }),
    differences: [...differences],
    ...(write === undefined ? {} : { write }),
  };
}
