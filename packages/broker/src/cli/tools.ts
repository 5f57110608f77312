import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { type Document, isMap, parseDocument, YAMLMap } from "yaml";
import { z } from "zod";
import { proposalNode, proposalText } from "../insight/proposal-text.ts";
import { type ProposedAction, proposeAction } from "../insight/propose-action.ts";
import { offeredSchema, toolStateSchema } from "../rest-contract/schemas.ts";
import type { Cli } from "./cli.ts";
import { readBrokerFile } from "../config/data-folder.ts";
import { CliFailure } from "./failure.ts";
import { table } from "./text.ts";
import { addFromOpenApi } from "./tools-openapi.ts";
import { addToolConnect } from "./tools-connect.ts";

const offeredAnswer = z.object({
  tool: z.string(),
  tenant: z.string(),
  offered: z.array(offeredSchema.extend({ entry: z.record(z.string(), z.json()) })),
});

/** `bailiwick tools list | add | connect`. */
export function addTools(program: Command, cli: Cli): void {
  const tools = program.command("tools").description("the catalog: what is reviewed, what is quarantined and why");
  tools
    .command("list", { isDefault: true })
    .description("actions and their state")
    .option("--tenant <tenant>", "only this tenant")
    .action(async (options: { tenant?: string }) => {
      const broker = await cli.broker();
      const answer = await broker.get("/tools", z.object({ tools: z.array(toolStateSchema.extend({ tenant: z.string() })) }), {
        tenant: options.tenant,
      });
      const rows = answer.tools.map((one) => [
        one.tenant,
        one.tool,
        one.operation.name,
        one.state,
        one.scope ?? "-",
        one.effect ?? "-",
        one.why ?? "",
      ]);
      cli.answer(answer.tools, rows.length === 0 ? "" : table(["TENANT", "TOOL", "NAME", "STATE", "ACTION", "EFFECT", "WHY"], rows));
      if (rows.length === 0)
        cli.talk(
          "no tools; write one as `tools/<tool>.yaml` in the policy folder with `tool` and `connect`, then run `bailiwick tools add <tool>`",
        );
    });
  tools
    .command("add <tool>")
    .description("connects to a tool and proposes catalog entries for what nobody reviewed yet")
    .option("--tenant <tenant>", "connect as this tenant")
    .option("--openapi <file|url>", "instead of connecting, propose a request for each operation of an OpenAPI 3.0 or 3.1 document")
    .option("--write", "append the entries to `tools/<tool>.yaml`")
    .option("--policy <folder>", "the policy folder to write to; default: the running broker's")
    .action(async (tool: string, { openapi, ...options }: { tenant?: string; openapi?: string; write?: boolean; policy?: string }) =>
      openapi === undefined ? addTool(cli, tool, options) : addFromOpenApi(cli, tool, { ...options, openapi }),
    );
  addToolConnect(tools, cli);
}

async function addTool(cli: Cli, tool: string, options: { tenant?: string; write?: boolean; policy?: string }): Promise<void> {
  const broker = await cli.broker();
  const answer = await broker.get(`/tools/${encodeURIComponent(tool)}/offered`, offeredAnswer, { tenant: options.tenant });
  const proposals = answer.offered
    .filter((one) => !one.reviewed && one.operation.kind === "tool")
    .map((one) => proposeAction(tool, one.entry, one.fingerprint));
  if (answer.offered.length === 0) {
    throw new CliFailure("refused", `\`${tool}\` offers nothing to ${answer.tenant}, or no agent of ${answer.tenant} could reach it`, [
      `write an agent of ${answer.tenant} under \`agents/\`, or choose another tenant with \`--tenant <tenant>\``,
    ]);
  }
  if (proposals.length === 0) {
    cli.answer({ tool, proposals }, "");
    cli.talk(`everything \`${tool}\` offers is reviewed (${answer.offered.length} operations)`);
    return;
  }
  if (options.write === true) {
    const file = join(options.policy ?? (await readBrokerFile(cli.dataFolder()))?.policy ?? "policy", "tools", `${tool}.yaml`);
    await appendTo(file, proposals);
    cli.answer({ tool, proposals, file }, `added ${proposals.length} entries to ${file}\n`);
    cli.talk("read each one, correct `is` and `effect`, then run `bailiwick check`");
    return;
  }
  cli.answer({ tool, proposals }, proposalText(proposals));
  cli.talk("\nread each one, correct `is` and `effect`, and put them into the tool's file; `--write` appends them");
}

async function appendTo(file: string, proposals: readonly ProposedAction[]): Promise<void> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined)
    throw new CliFailure("usage", `cannot read \`${file}\``, [
      "name the policy folder with `--policy <folder>`",
      "or leave out `--write` and copy the entries",
    ]);
  const document = parseDocument(text);
  if (document.errors.length > 0 || !isMap(document.contents))
    throw new CliFailure("refused", `\`${file}\` is not a well-formed tool file`, ["run `bailiwick check` and correct it first"]);
  if (!isMap(document.get("actions"))) document.set("actions", new YAMLMap());
  for (const proposal of proposals) {
    const kept = document.getIn(["actions", proposal.name]);
    // A changed action keeps what people wrote of it; only the fingerprint they must sign for again is renewed.
    if (isMap(kept)) kept.set("reviewed", reviewedNode(document, proposal, "it changed since its last review; compare before you accept"));
    else document.setIn(["actions", proposal.name], proposalNode(document, proposal));
  }
  await writeFile(file, document.toString({ lineWidth: 0 }));
}

function reviewedNode(document: Document, proposal: ProposedAction, comment: string): unknown {
  const node = document.createNode(proposal.reviewed);
  node.comment = ` REVIEW: ${comment}`;
  return node;
}
