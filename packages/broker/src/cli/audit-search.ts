import type { Command } from "commander";
import { z } from "zod";
import { searchSchema } from "../rest-contract/schemas.ts";
import { addFilterOptions, addTimeOptions, type FilterOptions, filterOf } from "./audit-filters.ts";
import type { BrokerClient } from "./broker-client.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { table } from "./text.ts";
import { oneTenantToAsk } from "./tenants-to-ask.ts";

interface TenantOption {
  readonly tenant?: string;
}

interface RunOptions extends TenantOption {
  readonly before?: string;
  readonly limit: string;
}

/** `bailiwick audit search save | list | run | delete`. */
export function addAuditSearch(
  audit: Command,
  cli: Cli,
  calls: {
    readonly addPageOptions: (command: Command) => Command;
    readonly show: (broker: BrokerClient, name: string, options: RunOptions) => Promise<void>;
  },
): void {
  const search = audit.command("search").description("searches over calls, kept under a name for everybody of a tenant");
  const save = search
    .command("save <name>")
    .description("saves the search that these filters make")
    .option("--tenant <tenant>", "in this tenant");
  addTimeOptions(addFilterOptions(save)).action(async (name: string, { tenant, ...options }: FilterOptions & TenantOption) => {
    const filter = filterOf(options);
    if (Object.keys(filter).length === 0)
      throw new CliFailure("usage", "a search without a filter is every call", [
        "add at least one filter, such as `--status failed --since 1d`",
      ]);
    const broker = await cli.broker();
    const saved = await broker.send("POST", "/searches", searchSchema, { tenant: await oneTenantToAsk(broker, tenant), name, filter });
    cli.answer(saved, `saved ${saved.name} in ${saved.tenant}: ${filterText(saved.filter)}\n`);
    cli.talk(`run it with \`bailiwick audit search run "${saved.name}"\``);
  });
  search
    .command("list", { isDefault: true })
    .description("saved searches")
    .option("--tenant <tenant>", "only this tenant")
    .action(async ({ tenant }: TenantOption) => {
      const broker = await cli.broker();
      const { searches } = await broker.get("/searches", z.object({ searches: z.array(searchSchema) }), { tenant });
      const rows = searches.map((each) => [each.tenant, each.name, each.owner ?? "-", filterText(each.filter)]);
      cli.answer(searches, rows.length === 0 ? "" : table(["TENANT", "NAME", "OWNER", "FILTER"], rows));
      if (rows.length === 0)
        cli.talk("no searches are saved; save one with `bailiwick audit search save <name> --status failed --since 1d`");
    });
  calls
    .addPageOptions(search.command("run <name>").description("the calls that a saved search finds now, newest first"))
    .action(async (name: string, options: RunOptions) => {
      const broker = await cli.broker();
      await calls.show(broker, name, { ...options, tenant: await oneTenantToAsk(broker, options.tenant) });
    });
  search
    .command("delete <name>")
    .description("removes a saved search")
    .option("--tenant <tenant>", "in this tenant")
    .action(async (name: string, { tenant }: TenantOption) => {
      const broker = await cli.broker();
      const removed = await broker.send("POST", `/searches/${encodeURIComponent(name)}/remove`, searchSchema, {
        tenant: await oneTenantToAsk(broker, tenant),
      });
      cli.answer(removed, `removed ${removed.name} from ${removed.tenant}\n`);
    });
}

function filterText(filter: Readonly<Record<string, string>>): string {
  return Object.entries(filter)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}
