/** A log's name as the name of a folder: readable, one part, never hidden and never `..`. */
export function folderOf(origin: string): string {
  return encodeURIComponent(origin).replace(/^\./u, "%2E");
}
