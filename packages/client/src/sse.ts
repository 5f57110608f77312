/** Cuts an event stream into the `data` of its events (WHATWG HTML, section 9.2); chunks may end anywhere. Ids and event names are not needed here. */
export function createEventReader(maxChars: number, onData: (data: string) => void): (chunk: string) => void {
  let rest = "";
  let data: string[] = [];

  function line(text: string): void {
    if (text.startsWith("data:")) return void data.push(text.slice(text.startsWith("data: ") ? 6 : 5));
    if (text !== "" || data.length === 0) return;
    const whole = data.join("\n");
    data = [];
    if (whole !== "") onData(whole);
  }
  return (chunk) => {
    const pieces = (rest + chunk).split("\n");
    rest = pieces.pop() ?? "";
    if (rest.length > maxChars) throw new Error(`an event of the stream is larger than ${maxChars} characters`);
    for (const piece of pieces) line(piece.endsWith("\r") ? piece.slice(0, -1) : piece);
  };
}
