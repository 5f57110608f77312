export { type Finding, FINDING_KINDS, type FindingKind } from "./finding.ts";
export { maskFindings } from "./mask-findings.ts";
export { scan } from "./scan.ts";
