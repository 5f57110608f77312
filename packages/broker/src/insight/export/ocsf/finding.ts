import { present, textOf } from "../exported-record.ts";
import type { OcsfClass, OcsfInput } from "./event.ts";
import { actorMapped, actorObject } from "./who.ts";

const DETECTION_FINDING = 2004;

/** Somebody should look at this now: Detection Finding, new. */
export function detectionFinding({ record, classified }: OcsfInput, title: string): OcsfClass {
  const { leaf, id, at, callId } = record;
  const operation = textOf(leaf, "operation") ?? textOf(leaf, "action");
  const tool = textOf(leaf, "tool");
  return {
    classUid: DETECTION_FINDING,
    activityId: 1,
    profiles: [],
    members: {
      status_id: 1,
      is_alert: true,
      confidence_id: 3,
      finding_info: {
        uid: id,
        title,
        desc: classified.summary,
        created_time: Date.parse(at),
        data_sources: ["Bailiwick audit log"],
        analytic: { name: "Bailiwick", uid: classified.event, type_id: 1 },
      },
      evidences: [
        present({
          uid: callId === "" ? undefined : callId,
          actor: actorObject(record),
          api: operation === undefined ? undefined : present({ operation, service: tool === undefined ? undefined : { name: tool } }),
        }),
      ],
    },
    mapped: [...actorMapped(record), ...(operation === undefined ? [] : ["operation", "tool"])],
  };
}
