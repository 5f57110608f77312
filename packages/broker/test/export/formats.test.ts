import { canonicalize } from "@bailiwick/ledger";
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EXPORT_FORMATS } from "../../src/domain/export.ts";
import { cefHeader, cefValue } from "../../src/insight/export/cef.ts";
import { CSV_HEADER, csvField } from "../../src/insight/export/csv.ts";
import { UnreadableRecord } from "../../src/insight/export/exported-record.ts";
import { formatForSyslog, formatRecord, formatRecords } from "../../src/insight/export/formats.ts";
import { sdValue } from "../../src/insight/export/syslog.ts";
import { parseCef, parseCsv, parseSyslog } from "./parsers.ts";
import { ADA, AT, CALL_RECORDS, DECIDED, everyRecord, SOURCE, stored } from "./samples.ts";

/** What is not shown as it is: controls, separators of lines, signs that turn the direction of text. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** Texts as somebody would choose them who wants to write a field, a line or a formula of their own. */
const hostile = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({
    unit: fc.constantFrom(
      "\\",
      "|",
      "=",
      '"',
      "]",
      "[",
      ",",
      "'",
      "\n",
      "\r",
      "\t",
      "\0",
      " ",
      "a",
      "+",
      "-",
      "@",
      "\u2028",
      "\u202e",
      "cs1=",
      "＝",
    ),
  }),
  fc.constantFrom("=HYPERLINK(1)", "a\\", '\\"]', "x cs1=evil", "x|10|act=allowed", "\r\n<13>1 - - - - - - forged", '"] [evil x="y'),
);

/** A text is shown as it is, but for what is unsafe: that is shown as something else, one for one. */
function expectShown(shown: string | undefined, text: string, breaks: "kept" | "shown" = "shown"): void {
  const unsafe = breaks === "kept" ? /[^\P{Cc}\r\n]|[\p{Zl}\p{Zp}\p{Bidi_Control}]/gu : UNSAFE;
  expect(shown?.match(unsafe)).toBeNull();
  if (text.match(unsafe) === null) expect(shown).toBe(text);
  expect(shown?.length).toBe(text.length);
}

describe("CEF", () => {
  test("a value of any text is read back, and its neighbours with it", () => {
    fc.assert(
      fc.property(hostile, hostile, (first, second) => {
        const { extension } = parseCef(`CEF:0|a|b|c|d|e|1|one=${cefValue(first)} two=${cefValue(second)} three=3`);
        expect([...extension.keys()]).toEqual(["one", "two", "three"]);
        expectShown(extension.get("one"), first, "kept");
        expectShown(extension.get("two"), second, "kept");
      }),
    );
  });

  test("a header field of any text is read back", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const { header, extension } = parseCef(`CEF:0|a|b|c|${cefHeader(text)}|e|1|one=1`);
        expectShown(header[4], text);
        expect(extension.get("one")).toBe("1");
      }),
    );
  });

  test("a record says who did what, with its place in the log as id", () => {
    const { header, extension } = parseCef(
      formatRecord("cef", stored(7, "refusal", { ...DECIDED, code: "grant_missing" }, { [ADA]: "ada" }), SOURCE),
    );
    expect(header).toEqual(["CEF:0", "Bailiwick", "Bailiwick", "0.1.0", "call.refusal", expect.stringContaining("was refused"), "3"]);
    expect(Object.fromEntries(extension)).toMatchObject({
      externalId: "acme/7",
      suser: "ada",
      act: "denied",
      reason: "grant_missing",
      rt: "1795712400123",
    });
  });
});

describe("syslog", () => {
  test("a value of any text is read back, and its neighbours with it", () => {
    fc.assert(
      fc.property(hostile, hostile, (first, second) => {
        const text = `<109>1 2026-01-01T00:00:00.000Z h a p m [x@1 one="${sdValue(first)}" two="${sdValue(second)}"] end`;
        const { data, message } = parseSyslog(text);
        expectShown(data.get("x@1")?.get("one"), first);
        expectShown(data.get("x@1")?.get("two"), second);
        expect(message).toBe("end");
      }),
    );
  });

  test("a record is a message of the log audit facility, with its severity and id", () => {
    const [kind, leaf] = CALL_RECORDS["unknown"] ?? ["outcome", {}];
    const read = parseSyslog(formatRecord("syslog", stored(7, kind, leaf), SOURCE));
    expect(read).toMatchObject({
      priority: 13 * 8 + 3,
      hostname: "broker.example",
      app: "bailiwick",
      procId: "broker-1",
      msgId: "call.outcome",
    });
    expect(read.data.get("bailiwick@32473")?.get("id")).toBe("acme/7");
    expect(read.message).toMatch(/^\uFEFFa call was sent and nobody knows how it ended/u);
  });

  test("a line of another format becomes the text of a message, whole", () => {
    for (const format of ["jsonl", "ocsf", "cef", "cloudevents"] as const) {
      for (const record of everyRecord())
        expect(parseSyslog(formatForSyslog(format, record, SOURCE))).toMatchObject({
          data: new Map(),
          message: formatRecord(format, record, SOURCE),
        });
    }
  });
});

describe("CSV", () => {
  test("a field of any text is read back once its apostrophe is taken off, and is no formula", () => {
    fc.assert(
      fc.property(hostile, hostile, (first, second) => {
        const [record = []] = parseCsv(`${csvField(first)},${csvField(second)},end\r\n`);
        expect(record).toHaveLength(3);
        for (const [index, text] of [first, second].entries()) {
          expect(record[index]).not.toMatch(/^[=+\-@＝＋－＠\t\r]/u);
          expectShown(record[index]?.replace(/^'(?='*[=+\-@＝＋－＠])/u, ""), text);
        }
      }),
    );
  });

  test.each(["=1", "'=1", "''=1", "'", "'a", "'+", "-1", "@x"])("%j differs from every other field when it is read back", (text) => {
    const [[field = ""] = []] = parseCsv(`${csvField(text)}\r\n`);
    expect(field.replace(/^'(?='*[=+\-@])/u, "")).toBe(text);
  });

  test("a file has one line of headings and as many fields in every record", async () => {
    let text = "";
    for await (const part of formatRecords("csv", everyRecord(), SOURCE)) text += part;
    const [headings = [], ...records] = parseCsv(text);
    expect(headings.slice(0, 4)).toEqual(["id", "tenant", "index", "at"]);
    expect(records.map((record) => record.length)).toEqual(everyRecord().map(() => headings.length));
    expect(records.map(([id]) => id)).toEqual(everyRecord().map(({ index }) => `acme/${index}`));
  });
});

describe("CloudEvents", () => {
  test("an event has what the specification asks for, names of attributes included", () => {
    for (const record of everyRecord()) {
      const event: Readonly<Record<string, unknown>> = JSON.parse(formatRecord("cloudevents", record, SOURCE));
      expect(event).toMatchObject({
        specversion: "1.0",
        id: `acme/${record.index}`,
        source: "bailiwick://acme/log",
        type: expect.stringMatching(/^bailiwick\.\w+\./u),
      });
      for (const name of Object.keys(event)) expect(name).toMatch(/^[a-z0-9]{1,20}$/u);
      expect(Object.values(event)).not.toContain("");
    }
  });
});

describe("every format", () => {
  test.each(EXPORT_FORMATS)("%s: a record of any texts is one line", (format) => {
    fc.assert(
      fc.property(hostile, hostile, hostile, (tool, agent, code) => {
        const leaf = JSON.parse(
          JSON.stringify({ ...DECIDED, tool: tool.toWellFormed(), agent: agent.toWellFormed(), code: code.toWellFormed() }),
        );
        expect(formatRecord(format, stored(1, "refusal", leaf), SOURCE)).not.toMatch(/[\r\n]/u);
      }),
    );
  });

  test.each(["jsonl", "cloudevents"] as const)("%s: the leaf stands in it byte for byte", (format) => {
    for (const record of everyRecord()) {
      const line = formatRecord(format, record, SOURCE);
      expect(line).toContain(`"record":${record.text}`);
      const value: { readonly record?: unknown; readonly data?: { readonly record: unknown } } = JSON.parse(line);
      expect(canonicalize(value.record ?? value.data?.record)).toBe(record.text);
    }
  });

  test.each(EXPORT_FORMATS)("%s: what the broker did not write is refused", (format) => {
    for (const text of ["[1]", "no json", '"text"', "null", '{"at":"x",\n"evil":1}'])
      expect(() => formatRecord(format, { ...stored(3, "intent", {}), text }, SOURCE)).toThrow(UnreadableRecord);
  });

  test.each(EXPORT_FORMATS)("%s: a name that objects have by themselves is nobody's", (format) => {
    for (const name of ["__proto__", "constructor", "toString"]) {
      const leaf = { v: 1, at: AT, event: name, by: name, user: name, person: name, agent: name, effect: name, tool: name };
      for (const kind of ["admin", "intent"] as const)
        expect(formatRecord(format, stored(1, kind, leaf), SOURCE)).not.toMatch(/function|native code|\[object/u);
      if (format.startsWith("ocsf"))
        expect(formatRecord(format, stored(1, "admin", leaf), SOURCE)).toContain(`{"uid":"${name}","name":"${name}"`);
    }
  });

  test.each(EXPORT_FORMATS)("%s: nobody is named whose name the reader was not given", (format) => {
    const record = stored(1, "intent", { ...DECIDED, approvedBy: ADA });
    expect(formatRecord(format, { ...record, people: { [ADA]: "Ada Lovelace" } }, SOURCE)).toContain("Ada Lovelace");
    expect(formatRecord(format, record, SOURCE)).toContain(ADA);
  });
});

test("docs/spec/exports.md names the columns of CSV, in their order", async () => {
  const text = await readFile(new URL("../../../../docs/spec/exports.md", import.meta.url), "utf8");
  const section = text.slice(text.indexOf("\n## CSV"), text.indexOf("\n## OCSF"));
  const named = section
    .split("\n")
    .flatMap((line) => (line.startsWith("| `") ? [...(line.split("|")[1] ?? "").matchAll(/`(\w+)`/gu)].map(([, name]) => name) : []));
  expect(named.join(",")).toBe(CSV_HEADER);
});
