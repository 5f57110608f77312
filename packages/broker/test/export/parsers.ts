/** Readers of the formats, written from their specifications and not from what writes them. */

/** A line of CEF:0: seven fields in the header, then `key=value` pairs. */
export function parseCef(line: string): { readonly header: readonly string[]; readonly extension: ReadonlyMap<string, string> } {
  const header: string[] = [];
  let field = "";
  let at = 0;
  for (; at < line.length && header.length < 7; at++) {
    const character = line.charAt(at);
    if (character === "\\") {
      at += 1;
      field += line.charAt(at);
    } else if (character === "|") {
      header.push(field);
      field = "";
    } else field += character;
  }
  if (header.length !== 7) throw new Error(`a header of ${header.length} fields`);
  // A key begins the extension or follows a space, and ends at an equals sign that is not escaped.
  const text = line.slice(at);
  const keys = [...text.matchAll(/(?:^| )([A-Za-z][A-Za-z0-9]*)=/gu)];
  const extension = new Map<string, string>();
  for (const [index, match] of keys.entries()) {
    const key = match[1] ?? "";
    if (extension.has(key)) throw new Error(`the key \`${key}\` stands twice`);
    extension.set(key, unescapeCef(text.slice(match.index + match[0].length, keys[index + 1]?.index)));
  }
  return { header, extension };
}

function unescapeCef(value: string): string {
  return value.replaceAll(/\\(.)|=/gsu, (found, character: string | undefined) => {
    if (character === "n") return "\n";
    if (character === "r") return "\r";
    if (character === "\\" || character === "=") return character;
    throw new Error(`\`${found}\` stands for nothing in CEF`);
  });
}

export interface SyslogMessage {
  readonly priority: number;
  readonly timestamp: string;
  readonly hostname: string;
  readonly app: string;
  readonly procId: string;
  readonly msgId: string;
  readonly data: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly message: string;
}

/** A message by the grammar of RFC 5424 section 6. */
export function parseSyslog(text: string): SyslogMessage {
  const head =
    /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) ([\x21-\x7e]{1,128}) ([\x21-\x7e]{1,32}) /u.exec(
      text,
    );
  if (head === null) throw new Error("no header of RFC 5424");
  const [all, priority, timestamp = "", hostname = "", app = "", procId = "", msgId = ""] = head;
  const data = new Map<string, ReadonlyMap<string, string>>();
  let at = all.length;
  if (text.charAt(at) === "-") at += 1;
  else {
    while (text.charAt(at) === "[") {
      const id = /^[^= \]"]{1,32}/u.exec(text.slice(at + 1))?.[0] ?? "";
      at += 1 + id.length;
      const parameters = new Map<string, string>();
      while (text.charAt(at) === " ") {
        const name = /^[^= \]"]{1,32}(?==")/u.exec(text.slice(at + 1))?.[0];
        if (name === undefined) throw new Error(`no parameter at ${at}`);
        at += 1 + name.length + 2;
        let value = "";
        for (; text.charAt(at) !== '"'; at++) {
          if (at >= text.length || text.charAt(at) === "]") throw new Error("a value is not closed");
          if (text.charAt(at) === "\\" && /["\\\]]/u.test(text.charAt(at + 1))) at += 1;
          value += text.charAt(at);
        }
        at += 1;
        parameters.set(name, value);
      }
      if (text.charAt(at) !== "]") throw new Error(`an element is not closed at ${at}`);
      at += 1;
      data.set(id, parameters);
    }
  }
  if (at < text.length && text.charAt(at) !== " ") throw new Error("no space before the message");
  return { priority: Number(priority), timestamp, hostname, app, procId, msgId, data, message: text.slice(at + 1) };
}

/** Records of RFC 4180, which end in CRLF. */
export function parseCsv(text: string): readonly (readonly string[])[] {
  const records: string[][] = [];
  let at = 0;
  while (at < text.length) {
    const record: string[] = [];
    for (;;) {
      let field = "";
      if (text.charAt(at) === '"') {
        at += 1;
        for (; !(text.charAt(at) === '"' && text.charAt(at + 1) !== '"'); at++) {
          if (at >= text.length) throw new Error("a field is not closed");
          if (text.charAt(at) === '"') at += 1;
          field += text.charAt(at);
        }
        at += 1;
      } else {
        field = /^[^",\r\n]*/u.exec(text.slice(at))?.[0] ?? "";
        at += field.length;
      }
      record.push(field);
      if (text.charAt(at) !== ",") break;
      at += 1;
    }
    if (text.slice(at, at + 2) !== "\r\n") throw new Error(`no CRLF after a record, at ${at}`);
    at += 2;
    records.push(record);
  }
  return records;
}

/** Frames of RFC 5425 section 4.3, and what is left of an unfinished one. */
export function parseFrames(bytes: Buffer): { readonly messages: readonly string[]; readonly rest: number } {
  const messages: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = /^([1-9]\d*) /u.exec(bytes.toString("latin1", at, at + 12))?.[1];
    if (length === undefined) throw new Error(`no length at ${at}`);
    const start = at + length.length + 1;
    const end = start + Number(length);
    if (end > bytes.length) break;
    messages.push(bytes.toString("utf8", start, end));
    at = end;
  }
  return { messages, rest: bytes.length - at };
}
