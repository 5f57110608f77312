/** The message of a timestamped cosignature over a checkpoint's text (C2SP tlog-cosignature, "Ed25519 signed message"). `time` in seconds since 1970. */
export function cosignedMessage(text: string, time: number): Uint8Array {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`, "utf8");
}

/** Timestamp and signature as one value (C2SP tlog-cosignature, "Format"). */
export function timestamped(time: number, signature: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(TIME_BYTES);
  bytes.writeBigUInt64BE(BigInt(time));
  return Buffer.concat([bytes, signature]);
}

/** The time of a timestamped signature; undefined when there is none or it lies beyond 2^53 - 1 seconds. */
export function timeOf(signature: Uint8Array): number | undefined {
  if (signature.byteLength < TIME_BYTES) return undefined;
  const time = Number(Buffer.from(signature).readBigUInt64BE(0));
  return Number.isSafeInteger(time) ? time : undefined;
}

const TIME_BYTES = 8;
