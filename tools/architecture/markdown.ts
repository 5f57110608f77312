import { posix } from "node:path";
import type { Violation } from "./rules.ts";

/** Looks a tree path up: undefined when nothing is there, else the text of a file (empty for a folder). */
export type Lookup = (path: string) => string | undefined;

/** Every relative link of a document, and every heading it points at, must exist. */
export function linkViolations(path: string, text: string, lookup: Lookup): readonly Violation[] {
  return linksOf(text).flatMap(({ target, line }) => {
    if (/^[a-z][a-z+.-]*:/i.test(target)) return [];
    const [file = "", anchor] = target.split("#", 2);
    const resolved = file === "" ? path : posix.join(posix.dirname(path), file);
    const found = file === "" ? text : lookup(resolved);
    if (found === undefined) return [{ path, line, what: `link to \`${target}\`, which does not exist` }];
    const lost = anchor !== undefined && anchor !== "" && resolved.endsWith(".md") && !anchorsOf(found).includes(anchor);
    return lost ? [{ path, line, what: `link to \`${target}\`: no such heading` }] : [];
  });
}

/** Links outside code blocks and code spans. */
export function linksOf(text: string): readonly { readonly target: string; readonly line: number }[] {
  return proseLines(text).flatMap(({ prose, line }) =>
    [...prose.replaceAll(/`[^`]*`/g, "").matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)].map((match) => ({ target: match[1] ?? "", line })),
  );
}

/** Rows of all tables, header and rule left out; each row with its line. */
export function tableRows(text: string): readonly { readonly row: string; readonly line: number }[] {
  const lines = proseLines(text);
  return lines.flatMap(({ prose, line }, index) => {
    const isRow = prose.startsWith("|") && !isRule(prose) && !isRule(lines[index + 1]?.prose ?? "");
    return isRow ? [{ row: prose, line }] : [];
  });
}

/** Names in code spans of headings at one level: `### \`no_grant\``. */
export function codeHeadings(text: string, level: number): readonly string[] {
  const start = `${"#".repeat(level)} \``;
  return proseLines(text).flatMap(({ prose }) => (prose.startsWith(start) ? [prose.slice(start.length).split("`")[0] ?? ""] : []));
}

function proseLines(text: string): readonly { readonly prose: string; readonly line: number }[] {
  let fenced = false;
  return text.split("\n").flatMap((prose, index) => {
    const isFence = prose.trimStart().startsWith("```");
    if (isFence) fenced = !fenced;
    return fenced || isFence ? [] : [{ prose, line: index + 1 }];
  });
}

function isRule(line: string): boolean {
  return /^\|[\s:|-]+\|$/.test(line);
}

/** Heading anchors as GitHub makes them. */
function anchorsOf(text: string): readonly string[] {
  return proseLines(text).flatMap(({ prose }) => {
    const title = /^#{1,6}\s+(.*)$/.exec(prose)?.[1];
    if (title === undefined) return [];
    return [
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(/\s/g, "-"),
    ];
  });
}
