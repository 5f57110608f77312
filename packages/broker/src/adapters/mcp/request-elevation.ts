import type { JsonObject } from "@bailiwick/policy";
import type { EligibleRole } from "../../call/surface.ts";

/** The broker's own tool, seen by sessions whose agent may ask for some right. */
export const REQUEST_ELEVATION = "request_elevation";

export function requestElevationTool(eligible: readonly EligibleRole[]): JsonObject {
  const roles = eligible.map(
    ({ role, reason, scopes, mostMinutes }) => `${role} (${scopes.join(" ")}; at most ${mostMinutes} min): ${reason}`,
  );
  return {
    name: REQUEST_ELEVATION,
    title: "Ask for a right for a time",
    description:
      "Asks people for a right that this agent does not have, for this task and a limited time. Use it when a refusal says `request_elevation`. " +
      "Ask for the least that does: the scope that was refused, for as few minutes as needed. While nobody has answered it returns " +
      `\`pending_approval\` with a ticket for approval_wait. What may be asked for: ${roles.join("; ")}`,
    inputSchema: {
      type: "object",
      properties: {
        scope: { type: "string", description: "what is needed, with a space between, such as the scope that a refusal names" },
        role: { type: "string", enum: eligible.map(({ role }) => role), description: "the role, when it is not to be found by the scope" },
        reason: { type: "string", description: "one sentence for the person who answers" },
        minutes: { type: "integer", minimum: 1, description: "for how long; an hour when left out" },
      },
      required: ["reason"],
      additionalProperties: false,
    },
    annotations: { title: "Ask for a right for a time", readOnlyHint: false, openWorldHint: false },
  };
}
