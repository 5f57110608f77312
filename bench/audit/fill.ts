import { Client } from "pg";
import { z } from "zod";
import type { AuditLog, LogEntry } from "../../packages/broker/src/domain/audit.ts";

/** Values that a filled log holds, by how often. */
export interface FilledLog {
  readonly tenant: string;
  readonly records: number;
  /** From the most frequent on. */
  readonly agents: readonly string[];
  readonly users: readonly string[];
  readonly tasks: readonly string[];
  readonly resources: readonly { readonly type: string; readonly id: string }[];
  readonly approvers: readonly string[];
  readonly actions: readonly string[];
  readonly tools: readonly string[];
  readonly runs: readonly string[];
  readonly rules: readonly string[];
  readonly calls: readonly string[];
  readonly first: Date;
  readonly last: Date;
}

const TENANT = "acme";
const AGENTS = 40;
const USERS = 400;
const TASKS = 60;
const RESOURCES = 60;
const APPROVERS = 5;
const TOOLS = 12;
const VERBS = ["read", "list", "update", "send", "delete"];
const RULES = 60;
const CALLS_A_STATEMENT = 50_000;
/** Records of a call, on average: see the shares in the statement. */
const RECORDS_A_CALL = 2.26;
const CALLS_A_RUN = 12;

/**
 * Fills the log of one tenant with about `records` records of calls as brokers write them, all of last month: skewed over agents, people,
 * tools, actions, rules and records, and not alike over time (ten rules are new, ten are of long ago). Leaves are canonical; what is sealed
 * beside them is left out, and nothing is signed.
 */
export async function fillLog(log: Pick<AuditLog, "append" | "read">, ownerUrl: string, records: number, now: Date): Promise<FilledLog> {
  const names = namesOf();
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1));
  const last = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
  const known = await knownTo(log, names, first);
  const owner = new Client({ connectionString: ownerUrl });
  await owner.connect();
  try {
    const calls = Math.ceil(records / RECORDS_A_CALL);
    let size = names.users.length + names.approvers.length;
    await owner.query("begin");
    await owner.query("select set_config('bailiwick.tenant', $1, true)", [TENANT]);
    await owner.query(RULE_SETS, [TENANT, RULES]);
    // Without indexes while it is filled: they are built at once when it becomes a partition.
    await owner.query("create table bailiwick.records_filled (like bailiwick.records including defaults including constraints)");
    for (let from = 0; from < calls; from += CALLS_A_STATEMENT) {
      const to = Math.min(from + CALLS_A_STATEMENT, calls) - 1;
      const { rowCount } = await owner.query(FILL, [
        TENANT,
        from,
        to,
        first,
        (last.getTime() - first.getTime()) / calls,
        names.agents,
        known.users,
        known.tasks,
        known.resources,
        known.approvers,
        names.tools,
        VERBS,
        CALLS_A_RUN,
        calls,
        size,
      ]);
      size += rowCount ?? 0;
    }
    await attach(owner, first, size);
    await owner.query("commit");
    await owner.query("vacuum analyze bailiwick.records");
    return {
      ...names,
      tenant: TENANT,
      records: size,
      runs: Array.from({ length: 50 }, (_, place) => `ses_${Math.floor((place * calls) / CALLS_A_RUN / 50)}`),
      calls: Array.from({ length: 50 }, (_, place) => `call_${Math.floor((place * calls) / 50)}`),
      first,
      last,
    };
  } finally {
    await owner.end();
  }
}

/** As the store makes its partitions. */
async function attach(owner: Client, first: Date, size: number): Promise<void> {
  const period = first.getUTCFullYear() * 100 + first.getUTCMonth() + 1;
  await owner.query(`
    set local maintenance_work_mem = '256MB';
    alter table bailiwick.records_filled enable row level security;
    alter table bailiwick.records_filled force row level security;
    create policy tenant on bailiwick.records_filled using (tenant_id = (select current_setting('bailiwick.tenant', true)))
      with check (tenant_id = (select current_setting('bailiwick.tenant', true)));
    alter table bailiwick.records attach partition bailiwick.records_filled for values from ('${TENANT}', ${period}) to ('${TENANT}', ${period + 1});
  `);
  await owner.query("update bailiwick.logs set size = $2 where tenant_id = $1", [TENANT, size]);
}

type Names = Pick<FilledLog, "agents" | "users" | "tasks" | "resources" | "approvers" | "actions" | "tools" | "rules">;

function namesOf(): Names {
  const numbered = <T>(count: number, name: (place: number) => T): T[] => Array.from({ length: count }, (_, place) => name(place + 1));
  const tools = numbered(TOOLS, (place) => `tool${place}`);
  return {
    agents: numbered(AGENTS, (place) => `bailiwick://${TENANT}/prod/work/agent-${place}`),
    users: numbered(USERS, (place) => `user${place}@acme.example`),
    tasks: numbered(TASKS, (place) => `TASK-${place}`),
    resources: numbered(RESOURCES, (place) => ({ type: "Ticket", id: `T-${place}` })),
    approvers: numbered(APPROVERS, (place) => `lead${place}`),
    tools,
    actions: tools.flatMap((tool) => VERBS.map((verb) => `${tool}:${verb}`)),
    rules: numbered(RULES, (place) => `rule-${place}`),
  };
}

interface Known {
  readonly users: readonly string[];
  readonly approvers: readonly string[];
  readonly tasks: readonly string[];
  readonly resources: readonly string[];
}

const leafSchema = z.object({ user: z.string(), task: z.string(), resource: z.object({ tag: z.string() }) });

/** How the log writes these names: appended once, and read from the leaves. */
async function knownTo(log: Pick<AuditLog, "append" | "read">, names: Names, at: Date): Promise<Known> {
  const people = [...names.users, ...names.approvers];
  const entries = people.map((user, place): LogEntry => ({
    kind: "refusal",
    callId: `call_seed_${place}`,
    body: { at: at.toISOString(), code: "no_grant" },
    people: { user },
    task: names.tasks[place % TASKS] ?? "",
    resource: names.resources[place % RESOURCES],
  }));
  const written = await Promise.all(entries.map((entry) => log.append(TENANT, entry)));
  const leaves = await log.read(TENANT, 0, written.length);
  const byIndex = new Map(leaves.map(({ index, text }) => [index, leafSchema.parse(JSON.parse(text))]));
  const own = written.flatMap(({ index }) => byIndex.get(index) ?? []);
  return {
    users: own.slice(0, USERS).map(({ user }) => user),
    approvers: own.slice(USERS).map(({ user }) => user),
    tasks: own.slice(0, TASKS).map(({ task }) => task),
    resources: own.slice(0, RESOURCES).map(({ resource }) => resource.tag),
  };
}

const RULE_SETS = `
insert into bailiwick.rule_sets (tenant_id, id, rules)
select $1, 'set-' || r, array['rule-' || r] from generate_series(1, $2::int) r
union all select $1, 'set-' || r || '-1', array['rule-1', 'rule-' || r] from generate_series(2, $2::int) r`;

/** Shares: 5 % refused, 2 % held, 2 % failed, 0.05 % unknown, 3 % approved by a person; updates and deletions look their record up first. */
const FILL = `
with drawn as materialized (
  select n, array(select ((hashint8extended(n, salt) & 1073741823)::float8 / 1073741824) from generate_series(1, 12) salt order by salt) as u
    from generate_series($2::bigint, $3::bigint) n
), call as materialized (
  select n, u, 'call_' || n as id, date_trunc('milliseconds', $4::timestamptz + n * $5::float8 * interval '1 millisecond') as at,
         ($6::text[])[1 + floor(power(u[1], 3) * cardinality($6::text[]))::int] as agent,
         ($7::text[])[1 + floor(power(u[2], 2) * cardinality($7::text[]))::int] as usr,
         case when u[3] < 0.3 then ($8::text[])[1 + floor(power(u[4], 2) * cardinality($8::text[]))::int] else left(md5('t' || n / $13::int), 22) end as task,
         case when u[5] < 0.3 then ($9::text[])[1 + floor(power(u[6], 2) * cardinality($9::text[]))::int] else left(md5('r' || n), 22) end as resource,
         ($11::text[])[1 + floor(power(u[7], 2) * cardinality($11::text[]))::int] as tool,
         ($12::text[])[1 + floor(power(u[8], 2) * cardinality($12::text[]))::int] as verb,
         'ses_' || n / $13::int as run,
         'ses_' || n / $13::int || case when u[9] < 0.2 then '_d' else '' end as session,
         case when u[10] < 0.05 then 'refusal' when u[10] < 0.07 then 'hold' else 'intent' end as kind,
         case when u[10] between 0.07 and 0.10 then ($10::text[])[1 + floor(u[11] * cardinality($10::text[]))::int] end as approver,
         case when u[12] < 0.02 then 'failed' when u[12] < 0.0205 then 'unknown' when u[12] < 0.021 then 'withheld' else 'succeeded' end as status,
         case when u[11] < 0.15 and n < $14::bigint * 0.3 then 41 + n % 10 when u[11] < 0.15 and n > $14::bigint * 0.8 then 51 + n % 10
              else 1 + floor(power(u[12], 2) * 40)::int end as rule
    from drawn
), part as materialized (
  select call.*, k.kind as part, k.place, 'rule-' || rule as rule_id,
         case when rule > 1 and u[9] < 0.5 then 'set-' || rule || '-1' else 'set-' || rule end as rule_set,
         case when u[11] < 0.7 then 'no_grant' when u[11] < 0.9 then 'row_not_permitted' else 'rate_limited' end as code
    from call cross join lateral (
      select 'admin' as kind, 0 as place where n % $13::int = 0
      union all select 'lookup', 1 where verb in ('update', 'delete')
      union all select call.kind, 2
      union all select 'outcome', 3 where call.kind = 'intent') k
)
insert into bailiwick.records_filled (tenant_id, period, index, kind, call_id, at, leaf, agent, subject, session, run, task, tool, action, resource,
                               verdict, status, code, approver, rule_set, broker)
select $1, to_char(at at time zone 'UTC', 'YYYYMM')::int,
       $15::bigint + row_number() over (order by n, place) - 1,
       part, case part when 'admin' then run else id end, at, leaf, agent, usr, session, run, task,
       case when part <> 'admin' then tool end, case when part <> 'admin' then acted end, case when part <> 'admin' then resource end,
       verdict, case when part = 'outcome' then status end, case when part = 'refusal' then code end,
       case when part = 'intent' then approver end, case when part <> 'admin' then rule_set end, 'brk_1'
  from part cross join lateral (
    select tool || ':' || case part when 'lookup' then 'read' else verb end as acted,
           case part when 'admin' then null when 'refusal' then 'deny' when 'hold' then 'ask' else 'allow' end as verdict
  ) as decided cross join lateral (
    select '{' || case when part = 'admin' then '' else '"action":"' || acted || '",' end || '"agent":"' || agent || '",'
      || case when part = 'intent' and approver is not null then '"approvedBy":"' || approver || '",' else '' end
      || '"at":"' || to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '","binding":"dpop","broker":"brk_1","call":"'
      || case part when 'admin' then run else id end || '",'
      || case when part = 'refusal' then '"code":"' || code || '",' else '' end
      || case when part = 'outcome' then '"durationMs":' || (20 + n % 400) || ',' else '' end
      || '"environment":"prod",' || case when part = 'admin' then '"event":"session.create",' else '' end || '"kind":"' || part || '",'
      || case when part = 'admin' then '' else '"policyVersion":"sha256:' || md5('policy') || md5('version') || '","resource":{"tag":"' || resource || '","type":"Ticket"},'
      || '"rules":[{"file":"roles/work.yaml","id":"' || rule_id || '","kind":"grant","line":' || rule || '}],' end
      || '"run":"' || run || '","session":"' || session || '",'
      || case when part = 'outcome' then '"status":"' || status || '",' else '' end
      || '"task":"' || task || '","tenant":"' || $1 || '",' || case when part = 'admin' then '' else '"tool":"' || tool || '",' end
      || '"user":"' || usr || '","userProof":"asserted","v":1' || case when part = 'admin' then '' else ',"verdict":"' || verdict || '"' end
      || ',"workflow":"work"}' as leaf
  ) as written`;
