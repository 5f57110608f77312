import type { JsonObject } from "@bailiwick/policy";
import { apiActivity } from "./api-activity.ts";
import { entityManagement } from "./entity-management.ts";
import { type OcsfClass, ocsfEvent, type OcsfInput } from "./event.ts";
import { detectionFinding } from "./finding.ts";
import { accountChange, authentication, authorizeSession, isSignIn } from "./identity.ts";

/** A record as an event of the Open Cybersecurity Schema Framework, in the class that fits it best. */
export function ocsf(input: OcsfInput): JsonObject {
  return ocsfEvent(input, classOf(input));
}

function classOf(input: OcsfInput): OcsfClass {
  const { record, classified } = input;
  const { event, alert } = classified;
  if (alert !== undefined) return detectionFinding(input, alert);
  if (record.kind !== "admin" && record.kind !== "key") return apiActivity(input);
  if (LOG_READ.test(event)) return apiActivity(input);
  if (GRANTS.has(event)) return authorizeSession(input);
  if (isSignIn(event)) return authentication(input);
  return event.startsWith("person.") ? accountChange(input) : entityManagement(input);
}

/** Somebody was given, or refused, the right to act for somebody. */
const GRANTS: ReadonlySet<string> = new Set(["session.create", "oauth.consent", "oauth.consent_denied"]);

/** Reads of the log itself. */
const LOG_READ = /^log\.(?:read|query|export|verify|tail|search)/u;
