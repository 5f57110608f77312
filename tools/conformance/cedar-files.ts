import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { gunzipSync } from "node:zlib";

/** Text of a file of the official tests, by the path their JSON uses. */
export interface TestFiles {
  readonly paths: readonly string[];
  readonly read: (path: string) => string;
}

/** The files below a folder, by their path from there. */
export function filesInFolder(folder: string): TestFiles {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted();
  return { paths, read: (path) => readFileSync(join(folder, path), "utf8") };
}

/**
 * The generated corpus: a gzipped tar as upstream publishes it, or the folder it unpacks to (itself, or the one around it).
 * @throws Error when it is neither.
 */
export function filesOfCorpus(path: string): TestFiles {
  if (!existsSync(path)) throw new Error(`there is no \`${path}\``);
  if (!statSync(path).isDirectory()) return filesInTar(gunzipSync(readFileSync(path)));
  const files = filesInFolder(path);
  // The tests name their files with the corpus folder in front.
  const withoutFolder = (name: string): string => (files.paths.includes(name) ? name : name.slice(name.indexOf("/") + 1));
  return { paths: files.paths, read: (name) => files.read(withoutFolder(name)) };
}

const BLOCK = 512;

/** POSIX.1 ustar: a header block, the content padded to whole blocks, and so on until an empty header. */
function filesInTar(tar: Buffer): TestFiles {
  const contents = new Map<string, Buffer>();
  for (let offset = 0; offset + BLOCK <= tar.length && tar[offset] !== 0;) {
    const field = (start: number, length: number): string => textBeforeNul(tar.subarray(offset + start, offset + start + length));
    const size = Number.parseInt(field(124, 12), 8);
    if (Number.isNaN(size)) throw new Error("the tar archive has a header without a size");
    const prefix = field(345, 155);
    const type = field(156, 1);
    const start = offset + BLOCK;
    if (type === "0" || type === "") contents.set(join(prefix, field(0, 100)), tar.subarray(start, start + size));
    offset = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  const read = (path: string): string => {
    const content = contents.get(path);
    if (content === undefined) throw new Error(`the archive holds no \`${path}\``);
    return content.toString("utf8");
  };
  return { paths: [...contents.keys()].toSorted(), read };
}

function textBeforeNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end === -1 ? bytes.length : end);
}
