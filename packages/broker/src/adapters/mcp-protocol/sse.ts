/** One event of a stream (WHATWG HTML, section 9.2). `data` is empty for events that only carry an id. */
export interface SseEvent {
  readonly event: string | undefined;
  readonly data: string;
  readonly id: string | undefined;
  readonly retryMs: number | undefined;
}

export interface SseDecoder {
  /** @throws RangeError when one event is larger than the limit. */
  push(chunk: string): void;
}

/** One event holding one JSON text. JSON texts have no raw newline, so one `data` line suffices. */
export function encodeSse(json: string, id?: string): string {
  return id === undefined ? `event: message\ndata: ${json}\n\n` : `event: message\nid: ${id}\ndata: ${json}\n\n`;
}

/** A comment line: keeps intermediaries from closing an idle stream. */
export const SSE_KEEP_ALIVE = ": keep-alive\n\n";

/** Cuts a stream of decoded text into events; chunks may end anywhere. `maxChars` bounds one event. */
export function createSseDecoder(maxChars: number, onEvent: (event: SseEvent) => void): SseDecoder {
  let rest = "";
  let endedWithReturn = false;
  let data: string[] = [];
  let held = 0;
  let event: string | undefined;
  let id: string | undefined;
  let retryMs: number | undefined;

  function dispatch(): void {
    if (data.length > 0 || id !== undefined || retryMs !== undefined) onEvent({ event, data: data.join("\n"), id, retryMs });
    data = [];
    held = 0;
    event = undefined;
    id = undefined;
    retryMs = undefined;
  }

  function line(text: string): void {
    if (text === "") return dispatch();
    const colon = text.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? text : text.slice(0, colon);
    const from = text.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1;
    const value = colon < 0 ? "" : text.slice(from);
    if (field === "data") {
      held += value.length;
      if (held > maxChars) throw new RangeError(`an event of the stream is larger than ${maxChars} characters`);
      data.push(value);
    } else if (field === "event") event = value;
    else if (field === "id") id = value;
    else if (field === "retry" && /^\d+$/.test(value)) retryMs = Number(value);
  }

  return {
    push(chunk) {
      const text = endedWithReturn && chunk.startsWith("\n") ? chunk.slice(1) : chunk;
      endedWithReturn = chunk === "" ? endedWithReturn : chunk.endsWith("\r");
      if (text === "") return;
      // Only the new chunk is searched, so that one event spread over many chunks costs linear time.
      const pieces = text.split(/\r\n|\n|\r/);
      pieces[0] = rest + (pieces[0] ?? "");
      rest = pieces.pop() ?? "";
      if (rest.length > maxChars) throw new RangeError(`an event of the stream is larger than ${maxChars} characters`);
      for (const piece of pieces) line(piece);
    },
  };
}
