import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import type { LogFolder } from "../src/index.ts";

/** An export folder on this disk. */
export function folderOnDisk(folder: string): LogFolder {
  return {
    read: (path) => orAbsent(() => readFileSync(join(folder, path))),
    lines(path) {
      const file = orAbsent(() => openSync(join(folder, path), "r"));
      return file === undefined ? undefined : linesOf(file);
    },
  };
}

/** The texts of a file: the whole, or its lines one after the other when it is too long to be one text. */
export function textsOfFile(path: string): Iterable<string> {
  return statSync(path).size > MAX_WHOLE_BYTES ? linesOf(openSync(path, "r")) : [readFileSync(path, "utf8")];
}

/** The paths of all files at and below a path, in order; what git keeps for itself is left out. */
export function filesBelow(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name !== ".git")
    .toSorted()
    .flatMap((name) => filesBelow(join(path, name)));
}

function* linesOf(file: number): Generator<string> {
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    const decoder = new StringDecoder("utf8");
    let rest = "";
    for (let length = readSync(file, chunk); length > 0; length = readSync(file, chunk)) {
      const lines = (rest + decoder.write(chunk.subarray(0, length))).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) yield `${line}\n`;
      // No honest line is as long; whoever reads it finds that it does not end.
      if (rest.length > MAX_LINE_LENGTH) break;
    }
    rest += decoder.end();
    if (rest !== "") yield rest;
  } finally {
    closeSync(file);
  }
}

function orAbsent<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR" || error.code === "EISDIR"))
      return undefined;
    throw error;
  }
}

const CHUNK_BYTES = 65_536;
/** Some weeks of an anchor's lines. */
const MAX_WHOLE_BYTES = 33_554_432;
const MAX_LINE_LENGTH = 16_777_216;
