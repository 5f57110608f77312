import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Where a marker was found, and in which form. */
export interface Found {
  readonly place: string;
  readonly marker: string;
  readonly form: string;
}

/** All files below a folder that can be read. A live server may remove one meanwhile. */
export async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

export async function findInFiles(paths: readonly string[], markers: readonly string[]): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const path of paths) {
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes !== undefined) found.push(...findIn(bytes, path, markers));
  }
  return found;
}

/** Looks for each marker in UTF-8, UTF-16, JSON, hexadecimal, base64 and base64url. */
export function findIn(bytes: Buffer, place: string, markers: readonly string[]): readonly Found[] {
  return markers.flatMap((marker) =>
    formsOf(marker)
      .filter(({ needle }) => bytes.includes(needle))
      .map(({ form }) => ({ place, marker, form })),
  );
}

function formsOf(marker: string): readonly { readonly form: string; readonly needle: Buffer }[] {
  const utf8 = Buffer.from(marker, "utf8");
  const json = JSON.stringify(marker).slice(1, -1);
  const ascii = json.replaceAll(/[^\x20-\x7e]/gu, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const texts: readonly (readonly [string, string])[] = [
    ["json", json],
    ["json of ASCII", ascii],
    ["json in json", JSON.stringify(json).slice(1, -1)],
    ["hexadecimal", utf8.toString("hex")],
    ["HEXADECIMAL", utf8.toString("hex").toUpperCase()],
    ...[0, 1, 2].flatMap((shift) => base64Of(utf8, shift)),
  ];
  return [
    { form: "utf-8", needle: utf8 },
    { form: "utf-16", needle: Buffer.from(marker, "utf16le") },
    ...texts.map(([form, text]) => ({ form, needle: Buffer.from(text, "utf8") })),
  ];
}

/** What stands for the marker wherever it begins in the encoded text; the letters at both ends also hold neighbours' bits. */
function base64Of(utf8: Buffer, shift: number): readonly (readonly [string, string])[] {
  const padded = Buffer.concat([Buffer.alloc(shift), utf8]);
  const whole = padded.toString("base64").replaceAll("=", "");
  const inner = whole.slice(shift === 0 ? 0 : shift + 1, Math.floor((padded.length * 8) / 6));
  return [
    ["base64", inner],
    ["base64url", inner.replaceAll("+", "-").replaceAll("/", "_")],
  ];
}
