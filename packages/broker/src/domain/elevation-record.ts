import { type AdminAct, adminRecord } from "./admin-record.ts";
import type { LogEntry } from "./audit.ts";
import type { Elevation } from "./elevation.ts";

/** The record of what was done about an elevation; all records of one have its id for a call's. Reason and task lie among the facts. Pure. */
export function elevationRecord(
  { id, agent, environment, role, task, askedBy }: Elevation,
  { body, ...act }: Omit<AdminAct, "callId" | "user" | "task">,
): LogEntry {
  return adminRecord({
    ...act,
    callId: id,
    ...("person" in askedBy ? {} : { user: askedBy.user }),
    ...(task === undefined ? {} : { task }),
    body: { elevation: id, agent, environment, role, ...("person" in askedBy ? {} : { session: askedBy.session }), ...body },
  });
}
