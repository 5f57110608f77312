import type { Command } from "commander";
import { z } from "zod";
import { erasedSchema, holdSchema, type resourceNameSchema, retirementSchema } from "../rest-contract/erasure.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { oneTenantToAsk } from "./tenants-to-ask.ts";
import { printable, relative, table } from "./text.ts";

type ResourceName = z.output<typeof resourceNameSchema>;
type Hold = z.output<typeof holdSchema>;

interface What {
  readonly tenant?: string;
  readonly person?: string;
  readonly resource?: string;
  readonly reason: string;
  readonly as?: string;
}

/** `bailiwick audit erase | hold add | hold list | hold lift | retire`: what makes parts of the log unreadable, and what forbids it. */
export function addAuditErase(audit: Command, cli: Cli): void {
  audit
    .command("erase")
    .description("makes what the log keeps sealed about a person or a record unreadable, for good; the records stay and still verify")
    .option("--tenant <tenant>", "in whose log; needed where there are several")
    .option("--person <name>", "a person agents worked for, as they were named, or a pseudonym (`sub_...`)")
    .option("--resource <type/id>", "a record of a tool, such as `Ticket/T-17`")
    .requiredOption("--reason <text>", "why; do not name the person here")
    .option("--as <person>", "who erases")
    .action(async (options: What) => erase(cli, options));
  addHolds(audit.command("hold").description("legal holds: what may not be erased or retired"), cli);
  audit
    .command("retire")
    .description("drops whole months of old records; the tree stays, and later records verify as before")
    .option("--tenant <tenant>", "whose log; needed where there are several")
    .requiredOption("--older-than <days>", "only months that ended so long ago, such as `400d`")
    .option("--reason <text>", "why", "retention")
    .option("--dry-run", "only says what would go")
    .option("--as <person>", "who retires")
    .action(async (options: RetireOptions) => retire(cli, options));
}

async function erase(cli: Cli, options: What): Promise<void> {
  const what = whatOf(options);
  const broker = await cli.broker(options.as);
  const tenant = await oneTenantToAsk(broker, options.tenant);
  const path = what.kind === "person" ? "/audit/erasures/person" : "/audit/erasures/resource";
  const body = what.kind === "person" ? { person: what.person } : { resource: what.resource };
  const done = await broker.send("POST", path, erasedSchema, { tenant, reason: options.reason, ...body });
  const ended = done.sessions === undefined ? "" : `; ${done.sessions} sessions ended, ${done.approvals ?? 0} held calls cancelled`;
  cli.answer(done, `${done.erased}: the facts of ${done.records} records no longer open${ended}\n`);
  cli.talk("backups made before today still hold the keys; see docs/guide/erasure.md");
}

function addHolds(hold: Command, cli: Cli): void {
  hold
    .command("list", { isDefault: true })
    .description("legal holds that stand")
    .option("--tenant <tenant>", "only this tenant")
    .option("--lifted", "also those that stood once")
    .action(async (options: { readonly tenant?: string; readonly lifted?: boolean }) => {
      const { holds } = await (
        await cli.broker()
      ).get("/audit/holds", z.object({ holds: z.array(holdSchema) }), {
        tenant: options.tenant,
        lifted: String(options.lifted === true),
      });
      cli.answer(holds, holds.length === 0 ? "" : holdTable(holds, cli.io.now()));
      if (holds.length === 0) cli.talk("no legal holds; place one with `bailiwick audit hold add --person <name> --reason <text>`");
    });
  hold
    .command("add")
    .description("keeps everything of a tenant, or what is about a person or a record, from being erased or retired")
    .option("--tenant <tenant>", "in whose log; needed where there are several")
    .option("--person <name>", "a person agents worked for, as they were named")
    .option("--resource <type/id>", "a record of a tool, such as `Ticket/T-17`")
    .requiredOption("--reason <text>", "why, such as the number of the case")
    .option("--as <person>", "who places it")
    .action(async (options: What) => {
      const what = options.person === undefined && options.resource === undefined ? ({ kind: "everything" } as const) : whatOf(options);
      const broker = await cli.broker(options.as);
      const tenant = await oneTenantToAsk(broker, options.tenant);
      const placed = await broker.send("POST", "/audit/holds", holdSchema, { tenant, scope: what, reason: options.reason });
      cli.answer(placed, `${placed.id}: ${scopeText(placed)} of tenant ${printable(tenant)} is held\n`);
      cli.talk(`lift it with \`bailiwick audit hold lift ${placed.id} --tenant ${printable(tenant)} --reason <text>\``);
    });
  hold
    .command("lift <id>")
    .description("lifts a legal hold")
    .option("--tenant <tenant>", "in whose log; needed where there are several")
    .requiredOption("--reason <text>", "why")
    .option("--as <person>", "who lifts it")
    .action(async (id: string, options: What) => {
      const broker = await cli.broker(options.as);
      const tenant = await oneTenantToAsk(broker, options.tenant);
      const path = `/audit/holds/${encodeURIComponent(id)}/lift`;
      const answer = await broker.send("POST", path, z.object({ lifted: z.literal(true) }), { tenant, reason: options.reason });
      cli.answer({ id, ...answer }, `${printable(id)} is lifted\n`);
    });
}

interface RetireOptions {
  readonly tenant?: string;
  readonly olderThan: string;
  readonly reason: string;
  readonly dryRun?: boolean;
  readonly as?: string;
}

async function retire(cli: Cli, { olderThan, reason, dryRun = false, ...options }: RetireOptions): Promise<void> {
  const [, days] = /^([1-9][0-9]{0,4})d$/u.exec(olderThan) ?? [];
  if (days === undefined) throw new CliFailure("usage", `\`${olderThan}\` is no number of days`, ["write it such as `--older-than 400d`"]);
  const broker = await cli.broker(options.as);
  const tenant = await oneTenantToAsk(broker, options.tenant);
  const body = { tenant, olderThanDays: Number(days), dryRun, reason };
  const plan = await broker.send("POST", "/audit/retire", retirementSchema, body);
  const months = plan.months.map((month) => `${Math.trunc(month / 100)}-${String(month % 100).padStart(2, "0")}`).join(", ");
  const verb = plan.done ? "retired" : "would be retired";
  cli.answer(
    plan,
    plan.months.length === 0 ? "" : `${months}: ${plan.to - plan.from} records ${verb}; the log begins at record ${plan.to}\n`,
  );
  if (plan.months.length === 0) cli.talk(`no month of this log ended ${days} days ago; nothing would be retired`);
}

/** @throws CliFailure `usage` unless exactly one thing is named. */
function whatOf({
  person,
  resource,
}: What): { readonly kind: "person"; readonly person: string } | { readonly kind: "resource"; readonly resource: ResourceName } {
  if (person !== undefined && resource === undefined) return { kind: "person", person };
  const slash = resource?.indexOf("/") ?? -1;
  if (person === undefined && resource !== undefined && slash > 0 && slash < resource.length - 1)
    return { kind: "resource", resource: { type: resource.slice(0, slash), id: resource.slice(slash + 1) } };
  throw new CliFailure("usage", "what is meant is not said", [
    "give either `--person <name>` or `--resource <type/id>`, such as `Ticket/T-17`",
  ]);
}

function holdTable(holds: readonly Hold[], now: Date): string {
  const rows = holds.map((hold) => [
    hold.id,
    hold.tenant,
    scopeText(hold),
    relative(new Date(hold.at), now),
    printable(hold.by),
    printable(hold.reason ?? "(erased)"),
    hold.liftedAt === undefined ? "-" : relative(new Date(hold.liftedAt), now),
  ]);
  return table(["HOLD", "TENANT", "KEEPS", "SINCE", "BY", "REASON", "LIFTED"], rows);
}

function scopeText({ scope }: Hold): string {
  switch (scope.kind) {
    case "everything":
      return "everything";
    case "person":
      return printable(scope.person);
    case "resource":
      return printable(`${scope.resource.type}/${scope.resource.id}`);
  }
}
