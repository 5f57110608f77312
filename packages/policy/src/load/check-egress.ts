import { isDeepStrictEqual } from "node:util";
import type { ToolFile } from "../files/schemas.ts";
import type { Report } from "../files/source.ts";
import type { FieldType } from "../types.ts";
import type { Shaped } from "./folder.ts";
import { reportError } from "./findings.ts";

/** Arguments of the one action of an egress tool, in the proxy's terms. */
const LINE_ARGS: Readonly<Record<string, FieldType>> = { host: "string", port: "integer" };

/** There is one way out, with one action over host and port, and nothing that only content could tell. */
export function checkEgress(files: readonly Shaped<ToolFile>[], report: Report): void {
  const ways = files.filter(({ value }) => "egress" in value.connect);
  for (const { source, value } of ways.slice(1)) {
    reportError(report, {
      code: "egress",
      at: source.at(["connect"]),
      what: `\`${value.tool}\` is a second tool with \`connect: { egress: ... }\``,
      why: "the proxy could not tell which of them decides",
      write: `one of them; the other is \`${ways[0]?.source.path ?? ""}\``,
    });
  }
  for (const { source, value } of ways) {
    const names = Object.keys(value.actions);
    const action = value.actions[names[0] ?? ""];
    const only = names.length === 1 && Object.keys(value.resources).length === 0 && Object.keys(value.prompts).length === 0;
    const careful = action?.effect === "execute" || action?.effect === "send" || action?.effect === "export";
    if (only && careful && isDeepStrictEqual(action.args, LINE_ARGS) && Object.keys(action.force).length === 0) continue;
    reportError(report, {
      code: "egress",
      at: source.at(["actions"]),
      what: "a tool with `connect: { egress: ... }` offers exactly one action over host and port, of the effect `execute`, `send` or `export`",
      why: "the proxy opens lines; it cannot tell what goes through them",
      write: '`connect: { is: "network:connect", effect: execute, args: { host: string, port: integer } }`',
    });
  }
  for (const { source, value } of ways.filter(({ value: { credential } }) => credential !== undefined)) {
    reportError(report, {
      code: "egress",
      at: source.at(["credential"]),
      what: `\`${value.tool}\` has a credential`,
      why: "the broker adds nothing to the lines it opens",
      write: "a tool with `connect: { http: ... }` for APIs that need one",
    });
  }
}
