import type { Classified, Severity } from "./classify.ts";
import { type ExportedRecord, numberOf, objectOf, objectsOf, oneLine, personOf, textOf } from "./exported-record.ts";
import type { ExportSource } from "./source.ts";

/** CEF's scale: 0-3 low, 4-6 medium, 7-8 high, 9-10 very high. */
const CEF_SEVERITY: Readonly<Record<Severity, number>> = { informational: 1, low: 3, medium: 5, high: 8, critical: 10 };

/** A line of the ArcSight Common Event Format (CEF:0), without a syslog header. */
export function cefLine(record: ExportedRecord, classified: Classified, source: ExportSource): string {
  const header = ["Bailiwick", "Bailiwick", source.version, classified.event, classified.summary].map(cefHeader);
  const extension = Object.entries(extensions(record, classified)).flatMap(([key, value]) =>
    value === undefined || value === "" ? [] : [`${key}=${cefValue(String(value))}`],
  );
  return `CEF:0|${header.join("|")}|${CEF_SEVERITY[classified.severity]}|${extension.join(" ")}`;
}

/** A field of the header: a backslash and a bar are escaped; a header has no way to write a line break, so it is made visible. */
export function cefHeader(text: string): string {
  return oneLine(text).replaceAll(/[\\|]/gu, (character) => `\\${character}`);
}

/** The value of an extension: a backslash and an equals sign are escaped, line breaks are written `\n` and `\r`; other controls are made visible. */
export function cefValue(text: string): string {
  if (PLAIN_VALUE.test(text)) return text;
  return text
    .replaceAll(/[\\=]/gu, (character) => `\\${character}`)
    .split(/(\r|\n)/u)
    .map((part) => (part === "\n" ? "\\n" : part === "\r" ? "\\r" : oneLine(part)))
    .join("");
}

/** Visible ASCII without an equals sign and a backslash: nearly every value. */
const PLAIN_VALUE = /^[\x20-\x3c\x3e-\x5b\x5d-\x7e]*$/;

/** Only keys of the format's own dictionary: those that vendors add are hard to search in most receivers. */
function extensions(record: ExportedRecord, { event, disposition }: Classified): Readonly<Record<string, string | number | undefined>> {
  const { leaf } = record;
  const resource = objectOf(leaf, "resource");
  const rules = objectsOf(leaf, "rules").map((rule) => textOf(rule, "id") ?? "?");
  return {
    rt: Date.parse(record.at),
    externalId: record.id,
    cat: record.kind,
    act: disposition,
    outcome: outcomeOf(disposition),
    reason: textOf(leaf, "code"),
    app: textOf(leaf, "tool"),
    request: textOf(leaf, "operation"),
    requestMethod: textOf(leaf, "effect"),
    sproc: textOf(leaf, "agent"),
    suser: personOf(record, "user"),
    duser: personOf(record, "person"),
    dvchost: textOf(leaf, "broker"),
    fname: textOf(resource ?? {}, "tag"),
    fileType: textOf(resource ?? {}, "type"),
    ...labelled("cs", 1, "call", record.callId),
    ...labelled("cs", 2, "session", textOf(leaf, "session")),
    ...labelled("cs", 3, "action", textOf(leaf, "action") ?? event),
    ...labelled("cs", 4, "rules", rules.join(" ")),
    ...labelled("cs", 5, "policyVersion", textOf(leaf, "policyVersion")),
    ...labelled("cs", 6, "by", personOf(record, "by")),
    ...labelled("cn", 1, "index", record.index),
    ...labelled("cn", 2, "durationMs", numberOf(leaf, "durationMs")),
    ...labelled("cn", 3, "records", numberOf(leaf, "records")),
  };
}

function outcomeOf(disposition: Classified["disposition"]): string {
  switch (disposition) {
    case "allowed":
    case "modified":
    case "observed":
    case "done":
      return "success";
    case "denied":
    case "failed":
    case "not_sent":
    case "withheld":
      return "failure";
    case "held":
    case "unknown":
      return "unknown";
  }
}

/** Custom fields come in pairs: the value, and what it is. */
function labelled(kind: "cs" | "cn", number: number, label: string, value: string | number | undefined): Record<string, string | number> {
  if (value === undefined || value === "") return {};
  return { [`${kind}${number}`]: value, [`${kind}${number}Label`]: label };
}
