import type { z } from "zod";
import { logStatusSchema } from "../rest-contract/log-status.ts";
import type { Cli } from "./cli.ts";
import type { Finding } from "./doctor.ts";

type Status = z.output<typeof logStatusSchema>;

/** What doctor says of the logs; nothing when the broker was not asked, for instance without the operator key. */
export async function checkLogs(cli: Cli): Promise<readonly Finding[]> {
  const status = await cli
    .broker()
    .then((broker) => broker.get("/audit/status", logStatusSchema, {}))
    .catch(() => undefined);
  if (status === undefined) return [];
  return [logFinding(status), ...anchorFindings(status), ...exportFindings(status)];
}

function logFinding({ outages }: Status): Finding {
  const [outage] = outages;
  if (outage === undefined) return { name: "log", ok: true, found: "can be written" };
  const blocked = outage.agents.length === 0 ? "" : `, of ${outage.agents.join(", ")}`;
  return {
    name: "log",
    ok: false,
    found: `that of \`${outage.tenant}\` cannot be written since ${outage.since} (${outage.why}); ${outage.refused} records were refused${blocked}`,
    next: "nothing runs until it can: check that PostgreSQL runs and has free disk space",
  };
}

function anchorFindings({ anchors }: Status): readonly Finding[] {
  if (anchors.length === 0)
    return [
      {
        name: "anchors",
        ok: true,
        found: "none: whoever owns the database could cut the log's end unseen; see `witnesses` and `anchors` of log.yaml",
      },
    ];
  const wrong = anchors.filter(({ fault }) => fault !== undefined);
  if (wrong.length === 0)
    return [{ name: "anchors", ok: true, found: `${new Set(anchors.map(({ anchor }) => anchor)).size} agree with the log` }];
  return wrong.map(({ anchor, tenant, fault = "", finding }) => ({
    name: "anchors",
    ok: false,
    found: `${anchor}, log of \`${tenant}\`: ${fault}`,
    next:
      finding === undefined
        ? "see that it can be reached, and that it was given this log and its key"
        : "keep the database as it is, and compare with `bailiwick audit verify`",
  }));
}

function exportFindings({ exports }: Status): readonly Finding[] {
  return exports.map(({ name, tenant, state, lagRecords, lastError }) => ({
    name: "export",
    ok: state !== "stopped" && state !== "retrying",
    found: `\`${name}\` of \`${tenant}\`: ${state}, ${lagRecords} records behind${lastError === undefined ? "" : ` (${lastError})`}`,
    ...(state === "stopped" ? { next: "the destination refuses: correct it, or the export in log.yaml" } : {}),
  }));
}
