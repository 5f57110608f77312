const HTML: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** A text as programs write it into other texts: as it is, in JSON (also in ASCII alone, also JSON in JSON), in an address, in HTML. */
export function writtenForms(text: string): ReadonlySet<string> {
  const json = JSON.stringify(text).slice(1, -1);
  return new Set([
    text,
    json,
    JSON.stringify(json).slice(1, -1),
    json.replaceAll(/[^\0-\u007f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
    encodeURIComponent(text.toWellFormed()),
    text.replaceAll(/[&<>"']/gu, (sign) => HTML[sign] ?? sign),
  ]);
}
