import { OpenAPIHono, z } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { Refusal } from "../../call/refusal.ts";
import { Fault, type FaultCode } from "../../domain/fault.ts";
import { addAgentDetailEndpoint } from "./agent-detail.ts";
import { addAgentEndpoints } from "./agents.ts";
import { addApprovalEndpoints } from "./approvals/endpoints.ts";
import { addAuditEndpoints } from "./audit.ts";
import { addLogStatusEndpoints } from "./log-status.ts";
import { withCalls } from "./call-happenings.ts";
import { addCallEndpoints } from "./calls.ts";
import { addCatalogEndpoints } from "./catalog.ts";
import { addConsole } from "./console.ts";
import { addCredentialEndpoints } from "./credentials.ts";
import { addDutyEndpoints } from "./duties.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import { addElevationEndpoints } from "./elevations/endpoints.ts";
import { addErasureEndpoints } from "./erasure.ts";
import { addHabitEndpoints } from "./habits.ts";
import { addEvents } from "./events.ts";
import { addHealth } from "./health.ts";
import { addLegalHoldEndpoints } from "./legal-holds.ts";
import { addLogEvidenceEndpoints } from "./log-evidence.ts";
import { addMatrixEndpoints } from "./matrix.ts";
import { addNotificationEndpoints } from "./notifications.ts";
import { addPushEndpoints, addPushWorker } from "./push.ts";
import { addSlackInteractions } from "./slack-interactions.ts";
import { addPolicyEndpoints } from "./policy.ts";
import { addOverviewEndpoint } from "./overview.ts";
import type { RestPorts } from "./ports.ts";
import { Problem, type ProblemCode, problemResponse } from "./problem.ts";
import { addRetentionEndpoint } from "./retention.ts";
import { addSearchEndpoints } from "./searches.ts";
import { addSessionEndpoints } from "./sessions.ts";
import { addSigningKeyEndpoints } from "./signing-keys.ts";
import { addKpiEndpoints } from "./kpis.ts";
import { addStopEndpoints } from "./stops.ts";
import { addTimelineEndpoint } from "./timeline.ts";
import { addAccountEndpoints } from "./account.ts";
import { addAccountSessionEndpoints } from "./account-sessions.ts";
import { addEnrolmentEndpoints } from "./enrolment.ts";
import { addPeopleAdminEndpoints } from "./people.ts";
import { addPeopleEndpoints, addSignInPages } from "./sign-in.ts";
import { addSignInEndpoints } from "./sign-in-passkey.ts";
import { personCookieName } from "./signed-in.ts";
import { createSso, type Sso } from "./sso.ts";
import { addToolReviewEndpoint } from "./tool-diff.ts";
import { addToolConnectEndpoint } from "./tools-connect.ts";
import { addUndoEndpoints } from "./undo.ts";
import { addToolConnectPages } from "./tools-connect-pages.ts";

/** The largest request: a credential of 64 KiB, or edited arguments. */
const MAX_BODY_BYTES = 256 * 1024;

/**
 * The people's side of the broker: `/api/v1` with its OpenAPI document, sign-in, the console at `/`, health and metrics.
 * Every error is a problem document (RFC 9457) with a code and a next step.
 */
export function createRestApp(ports: RestPorts): OpenAPIHono {
  const app = new OpenAPIHono();
  app.onError((error) => problemResponse(asProblem(ports, error)));
  app.notFound((c) =>
    problemResponse(
      new Problem("not_found", `there is nothing at \`${c.req.path.slice(0, 200)}\``, ["see `/api/v1/openapi.json` for what there is"]),
    ),
  );
  app.use("*", bodyLimit({ maxSize: MAX_BODY_BYTES, onError: () => problemResponse(tooLarge()) }));
  addHealth(app, ports);
  const sso = createSso(ports);
  addSignInPages(app, ports);
  sso.addPages(app);
  addToolConnectPages(app, ports);
  addPushWorker(app);
  addSlackInteractions(app, ports);
  addConsole(app);
  app.route("/api/v1", createApi(ports, sso));
  return app;
}

function createApi(ports: RestPorts, sso: Sso): OpenAPIHono {
  const api = new OpenAPIHono();
  api.use("*", async (c, next) => {
    await next();
    // Full tiles of a log say otherwise.
    if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
    c.header("x-content-type-options", "nosniff");
  });
  addStatusEndpoint(api, ports);
  addPeopleEndpoints(api, ports);
  addSignInEndpoints(api, ports);
  addEnrolmentEndpoints(api, ports);
  addAccountEndpoints(api, ports);
  addAccountSessionEndpoints(api, ports);
  addPeopleAdminEndpoints(api, ports);
  sso.addEndpoints(api);
  addCallEndpoints(api, ports);
  addTimelineEndpoint(api, ports);
  addUndoEndpoints(api, ports);
  addSearchEndpoints(api, ports);
  // Before the endpoint that takes any word here for an id.
  addHabitEndpoints(api, ports);
  addApprovalEndpoints(api, ports);
  addDutyEndpoints(api, ports);
  addElevationEndpoints(api, ports);
  addSessionEndpoints(api, ports);
  addAgentEndpoints(api, ports);
  addAgentDetailEndpoint(api, ports);
  addMatrixEndpoints(api, ports);
  addPolicyEndpoints(api, ports);
  addToolReviewEndpoint(api, ports);
  addSigningKeyEndpoints(api, ports);
  addStopEndpoints(api, ports);
  addKpiEndpoints(api, ports);
  addPushEndpoints(api, ports);
  addNotificationEndpoints(api, ports);
  addOverviewEndpoint(api, ports);
  addCatalogEndpoints(api, ports);
  addToolConnectEndpoint(api, ports);
  addCredentialEndpoints(api, ports);
  addAuditEndpoints(api, ports);
  addLogStatusEndpoints(api, ports);
  addLogEvidenceEndpoints(api, ports);
  addErasureEndpoints(api, ports);
  addLegalHoldEndpoints(api, ports);
  addRetentionEndpoint(api, ports);
  addEvents(api, { ...ports, happenings: withCalls(ports) });
  addDocument(api, ports);
  return api;
}

function addStatusEndpoint(api: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(api, ports, {
    method: "get",
    path: "/status",
    tag: "status",
    summary: "what runs here",
    need: "view",
    params: nothing,
    query: nothing,
    body: nothing,
    answer: z.object({
      version: z.string(),
      url: z.string(),
      policyVersion: z.string(),
      tenants: z.array(z.string()),
      pendingApprovals: z.int(),
    }),
    handle: async ({ principal }) => {
      const pending = await Promise.all(principal.tenants.map((tenant) => ports.approvals.countPending(tenant)));
      return {
        version: ports.version,
        url: ports.publicUrl,
        policyVersion: ports.policy().version,
        tenants: [...principal.tenants],
        pendingApprovals: pending.reduce((sum, each) => sum + each, 0),
      };
    },
  });
}

function addDocument(api: OpenAPIHono, ports: RestPorts): void {
  api.openAPIRegistry.registerComponent("securitySchemes", "personCookie", {
    type: "apiKey",
    in: "cookie",
    name: personCookieName(ports.publicUrl),
  });
  api.openAPIRegistry.registerComponent("securitySchemes", "personToken", {
    type: "http",
    scheme: "bearer",
    description: "from `/people/token`",
  });
  api.openAPIRegistry.registerComponent("securitySchemes", "operatorKey", {
    type: "http",
    scheme: "bearer",
    description: "the key in the data folder",
  });
  api.get("/openapi.json", (c) =>
    c.json(
      api.getOpenAPI31Document({
        openapi: "3.1.0",
        info: {
          title: "Bailiwick",
          version: ports.version,
          description: "The permission broker's interface for people and the command line. Agents' tokens are not accepted here.",
        },
        servers: [{ url: ports.publicUrl }],
      }),
    ),
  );
}

/** What a person is told of a failure. Only our own problems and faults speak; anything else could carry a secret. */
function asProblem(ports: RestPorts, error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Refusal) return new Problem("policy_unavailable", error.message, ["run `bailiwick check` on the policy folder"]);
  ports.onFault(error);
  if (error instanceof Fault && error.code === "proof_unavailable") return new Problem(error.code, error.message);
  if (error instanceof Fault)
    return new Problem(problemOf(error.code), error.message, ["try again shortly; `/readyz` says which part is down"]);
  return new Problem("internal_fault", "the broker failed on this request", ["its operator finds the cause in the program's log"]);
}

function problemOf(code: FaultCode): ProblemCode {
  switch (code) {
    case "log_unavailable":
    case "store_unavailable":
    case "proof_unavailable":
    case "key_shared":
    case "session_ended":
    case "tool_unavailable":
    case "credential_unavailable":
      return code;
    case "tool_lost":
    case "tool_timeout":
    case "result_too_large":
    case "agent_cannot_answer":
      return "tool_unavailable";
    case "cancelled":
      return "internal_fault";
  }
}

function tooLarge(): Problem {
  return new Problem("body_too_large", `the request is larger than ${MAX_BODY_BYTES} bytes`, ["send less"]);
}
