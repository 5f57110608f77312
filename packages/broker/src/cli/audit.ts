import type { Command } from "commander";
import { addAuditErase } from "./audit-erase.ts";
import { addAuditEvidence } from "./audit-evidence.ts";
import { addAuditExport } from "./audit-export.ts";
import { addAuditQuery } from "./audit-query.ts";
import { addAuditVerify } from "./audit-verify.ts";
import type { Cli } from "./cli.ts";

/** `bailiwick audit query | tail | timeline | search | verify | mirror | prove | keys | rotate-key | export | erase | hold | retire`. */
export function addAudit(program: Command, cli: Cli): void {
  const audit = program.command("audit").description("what happened, and proof that the log is whole");
  addAuditQuery(audit, cli);
  addAuditVerify(audit, cli);
  addAuditEvidence(audit, cli);
  addAuditExport(audit, cli);
  addAuditErase(audit, cli);
}
