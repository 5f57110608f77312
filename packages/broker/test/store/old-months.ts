import { Client } from "pg";

/** Moves the records of a log before `until` into the month `period` (such as 202601), as if they had been written then. Owner's work. */
export async function ageRecords(
  databaseUrl: string,
  tenant: string,
  { until, period }: { readonly until: number; readonly period: number },
): Promise<void> {
  const owner = new Client({ connectionString: databaseUrl });
  await owner.connect();
  try {
    await owner.query("begin");
    await owner.query("set local session_replication_role = replica");
    await owner.query("select set_config('bailiwick.tenant', $1, true)", [tenant]);
    const { rows } = await owner.query<{ hash: string }>("select substr(md5($1), 1, 20) as hash", [tenant]);
    for (const table of ["records", "record_facts"]) {
      const name = `bailiwick.${table}_${rows[0]?.hash}_${period}`;
      await owner.query(`create table ${name} (like bailiwick.${table} including all)`);
      await owner.query(
        `alter table bailiwick.${table} attach partition ${name} for values from ('${tenant}', ${period}) to ('${tenant}', ${period + 1})`,
      );
      await owner.query(
        `create temp table moved on commit drop as select * from bailiwick.${table} where tenant_id = '${tenant}' and index < ${until} and period > ${period}`,
      );
      await owner.query(`delete from bailiwick.${table} where tenant_id = $1 and index < $2 and period > $3`, [tenant, until, period]);
      await owner.query("update moved set period = $1", [period]);
      await owner.query(`insert into bailiwick.${table} select * from moved`);
      await owner.query("drop table moved");
    }
    await owner.query("commit");
  } finally {
    await owner.end();
  }
}
