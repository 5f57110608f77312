export { folderOnDisk } from "./disk.ts";
export { checkpointsAt, type LedgerIo, runLedger } from "./program.ts";
export { faultReport, provenReport, type Report } from "./report.ts";
export { type TrustOptions, trustOf, WrongUsage } from "./trust.ts";
