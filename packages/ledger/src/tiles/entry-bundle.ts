import { LedgerError } from "../ledger-error.ts";
import { malformed } from "../strict-text.ts";
import { TILE_WIDTH } from "./address.ts";

/** An entry's length stands in 16 bits (C2SP tlog-tiles, "Log entries"). */
export const MAX_ENTRY_BYTES = 65_535;

/** The bytes of a bundle: each entry after its length in 16 bits, big endian (C2SP tlog-tiles, "Log entries"). @throws LedgerError `too_large`, RangeError */
export function writeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length < 1 || entries.length > TILE_WIDTH)
    throw new RangeError(`a bundle holds 1 to ${TILE_WIDTH} entries, not ${entries.length}`);
  return Buffer.concat(
    entries.flatMap((entry) => {
      if (entry.byteLength > MAX_ENTRY_BYTES)
        throw new LedgerError(
          "too_large",
          `an entry of ${entry.byteLength} bytes does not fit a bundle: keep entries to ${MAX_ENTRY_BYTES} bytes`,
        );
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt16BE(entry.byteLength);
      return [length, entry];
    }),
  );
}

/** The entries of a bundle of `width`. @throws LedgerError `malformed` when it holds more, fewer, or anything after them. */
export function readEntryBundle(bytes: Uint8Array, width: number): readonly Uint8Array[] {
  const { entries, rest } = takeEntries(bytes);
  if (rest > 0) return malformed(`entry ${entries.length} of the bundle is cut off`, "fetch the bundle again");
  return entries.length === width
    ? entries
    : malformed(`the bundle holds ${entries.length} entries, not ${width}`, "fetch the bundle again");
}

/** The entries of a bundle as far as they can be read, and how many bytes after them cannot. */
export function takeEntries(bytes: Uint8Array): { readonly entries: readonly Uint8Array[]; readonly rest: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.byteLength) {
    const start = at + LENGTH_BYTES;
    const end = start > bytes.byteLength ? Infinity : start + view.getUint16(at);
    if (end > bytes.byteLength) break;
    entries.push(bytes.subarray(start, end));
    at = end;
  }
  return { entries, rest: bytes.byteLength - at };
}

const LENGTH_BYTES = 2;
