import { type Kysely, type RawBuilder, sql } from "kysely";
import type { RecordQuery } from "../../../domain/audit.ts";
import type { Subjects } from "../subjects/subjects.ts";
import type { TenantSecrets } from "../subjects/tenant-secrets.ts";
import type { Tables } from "../tables.ts";
import { columnText } from "./canonical-text.ts";
import { resourceTag } from "./wire-entry.ts";

export interface ReadDeps {
  readonly logDb: Kysely<Tables>;
  readonly subjects: Pick<Subjects, "find" | "behind">;
  readonly secrets: (tenant: string) => Promise<TenantSecrets>;
}

/** As the partial indexes have it: records that begin a call, and what people and the broker did. */
const BEGINS = sql`kind <> 'outcome'`;

/** What a query asks of records; undefined when nothing can match, because it names somebody the log does not know. */
export async function conditionsOf(
  deps: ReadDeps,
  tenant: string,
  query: RecordQuery,
): Promise<readonly RawBuilder<unknown>[] | undefined> {
  const secrets = await deps.secrets(tenant);
  const [user, approver] = await Promise.all(
    [query.user, query.approver].map((name) => (name === undefined ? undefined : deps.subjects.find(tenant, name))),
  );
  if ((query.user !== undefined && user === undefined) || (query.approver !== undefined && approver === undefined)) return undefined;
  const begins: readonly (readonly [string, string | undefined])[] = [
    ["agent", query.agent],
    ["subject", user?.pseudonym],
    ["session", query.session],
    ["run", query.run],
    ["task", query.task === undefined ? undefined : secrets.tag("task", query.task.toWellFormed())],
    ["tool", query.tool],
    ["action", query.action],
    ["resource", query.resource === undefined ? undefined : resourceTag(secrets, query.resource)],
    ["verdict", query.verdict],
  ];
  const any: readonly (readonly [string, string | undefined])[] = [
    ["approver", approver?.pseudonym],
    ["status", query.status],
    ["code", query.code],
    ["call_id", query.callId],
    ["kind", query.kind],
  ];
  const chosen = begins.filter(([, value]) => value !== undefined);
  return [
    ...[...chosen, ...any].flatMap(([column, value]) => (value === undefined ? [] : [sql`${sql.ref(column)} = ${columnText(value)}`])),
    // Beside a condition on the end, the condition on who and what is asked of the end itself, which says it too.
    ...(chosen.length + (query.rule === undefined ? 0 : 1) > 0 && query.status === undefined && query.kind === undefined ? [BEGINS] : []),
    ...(query.rule === undefined ? [] : [ruleCondition(tenant, query.rule)]),
    ...(query.from === undefined ? [] : [sql`at >= ${query.from}`]),
    ...(query.to === undefined ? [] : [sql`at < ${query.to}`]),
    ...(query.before === undefined ? [] : [sql`index < ${query.before}`]),
  ];
}

function ruleCondition(tenant: string, rule: string): RawBuilder<unknown> {
  return sql`rule_set in (select id from bailiwick.rule_sets where tenant_id = ${tenant} and rules @> array[${columnText(rule)}]::text[])`;
}
