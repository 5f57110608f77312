import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { canonicalize } from "@bailiwick/ledger";
import { boundedApprovalSchema } from "../../../rest-contract/approvals.ts";
import { addEndpoint, nothing } from "../endpoint.ts";
import type { RestPorts } from "../ports.ts";
import { receiptFileSchema } from "../../../rest-contract/receipts.ts";
import { tenantQuery, tenantsOf, notFound } from "../tenants.ts";
import { party } from "../ceremony.ts";
import { Problem } from "../problem.ts";
import { findApproval, record } from "./answer.ts";
import { concealedFrom } from "./conceal.ts";
import { approvalParams } from "./request.ts";
import { viewBounded } from "./view.ts";

/** Standing yeses to several calls, and receipts of signed ones. */
export function addBoundedEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/bounded-approvals",
    tag: "approvals",
    summary: "yeses to several calls that are in time",
    need: "view",
    params: nothing,
    query: tenantQuery,
    body: nothing,
    answer: z.object({ approvals: z.array(boundedApprovalSchema) }),
    handle: async ({ principal, query }) => {
      const lists = await Promise.all(tenantsOf(principal, query.tenant).map((tenant) => ports.approvals.listBounded(tenant)));
      return { approvals: lists.flat().map((bounded) => viewBounded(bounded, principal, ports)) };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/bounded-approvals/{id}/revoke",
    tag: "approvals",
    summary: "withdraws a yes to several calls; the next call is asked about again",
    // Taking a right back is nobody's privilege.
    need: "answer",
    params: approvalParams,
    query: nothing,
    body: nothing,
    answer: z.object({ id: z.string(), revoked: z.boolean() }),
    handle: async ({ principal, params }) => {
      const approval = await findApproval(ports, principal, params.id);
      await record(ports, approval, principal, "approval.revoke_bounded");
      if (!(await ports.approvals.revokeBounded(approval.tenant, approval.id, ports.now())))
        throw notFound("standing yes", params.id, "bailiwick approvals bounded");
      return { id: approval.id, revoked: true };
    },
  });
  addEndpoint(app, ports, {
    method: "get",
    path: "/approvals/{id}/receipts",
    tag: "approvals",
    summary: "what people signed, for whoever does not believe this broker",
    need: "view",
    params: approvalParams,
    query: nothing,
    body: nothing,
    answer: z.object({ receipts: z.array(receiptFileSchema) }),
    handle: async ({ principal, params }) => {
      const approval = await findApproval(ports, principal, params.id);
      const { rpId, origin } = party(ports);
      const signed = approval.answers.flatMap(({ args, receipt }) => (receipt === undefined ? [] : [args ?? approval.args]));
      const hide = concealedFrom(ports.policy(), approval, principal);
      // A signature is over the values themselves; the holder of the data folder has them anyway.
      if (principal.kind === "person" && signed.some((args) => canonicalize(hide.args(args)) !== canonicalize(args))) {
        throw new Problem("role_required", "these receipts hold values that are hidden from you", [
          "ask somebody with a role that `reveal` names in `bailiwick.yaml`",
        ]);
      }
      return {
        receipts: approval.answers.flatMap(({ by, receipt }) =>
          receipt === undefined ? [] : [receiptFileSchema.parse({ person: by, rpId, origin, receipt })],
        ),
      };
    },
  });
}
