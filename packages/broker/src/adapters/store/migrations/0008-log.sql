-- The log as a Merkle tree: leaves in partitions that can be retired whole, facts sealed beside them, tiles and signed checkpoints above.

-- What the first format wrote stays readable and is closed: nothing of it is carried over.
drop index bailiwick.records_call, bailiwick.records_agent, bailiwick.records_user, bailiwick.records_session, bailiwick.records_task,
  bailiwick.records_action, bailiwick.records_status, bailiwick.records_verdict, bailiwick.records_kind;
alter table bailiwick.records rename to chain_records;
alter index bailiwick.records_pkey rename to chain_records_pkey;
revoke insert on bailiwick.chain_records from bailiwick_app;
-- Facts of the first format lie there in plain text.
drop table bailiwick.call_facts;
drop table bailiwick.open_calls;

-- One row a log; whoever holds it appends.
create table bailiwick.logs (
  tenant_id text not null primary key,
  size bigint not null default 0,
  -- Year and month of the newest partition.
  period integer not null default 0,
  -- Records before it were retired.
  base bigint not null default 0,
  check (base <= size)
);

-- A leaf is canonical JSON. The columns are taken from it by the writer; `audit verify` compares them.
create table bailiwick.records (
  tenant_id text not null,
  period integer not null,
  index bigint not null check (index >= 0),
  kind text not null check (kind in ('lookup', 'intent', 'outcome', 'refusal', 'hold', 'admin', 'key')),
  call_id text not null,
  at timestamptz not null,
  leaf text not null,
  agent text,
  subject text,
  session text,
  run text,
  task text,
  tool text,
  action text,
  resource text,
  verdict text,
  status text,
  code text,
  approver text,
  rule_set text,
  broker text,
  primary key (tenant_id, index, period)
) partition by range (tenant_id, period);
-- A partition holds one tenant, so its indexes need not. Who, what and why are looked up among the records that begin a call.
create index on bailiwick.records (call_id, index);
create index on bailiwick.records (agent, index) where kind <> 'outcome';
create index on bailiwick.records (subject, index) where kind <> 'outcome';
create index on bailiwick.records (run, index) where kind <> 'outcome';
create index on bailiwick.records (session, index) where kind <> 'outcome';
create index on bailiwick.records (task, index) where kind <> 'outcome';
create index on bailiwick.records (action, index) where kind <> 'outcome';
create index on bailiwick.records (resource, index) where kind <> 'outcome' and resource is not null;
create index on bailiwick.records (rule_set, index) where kind <> 'outcome' and rule_set is not null;
create index on bailiwick.records (approver, index) where approver is not null;
create index on bailiwick.records (verdict, index) where kind <> 'outcome' and verdict <> 'allow';
create index on bailiwick.records (status, index) where status <> 'succeeded';
create index on bailiwick.records (code, index) where code is not null;
create index on bailiwick.records (kind, index) where kind not in ('intent', 'outcome');
create trigger records_append_only before update or delete on bailiwick.records
  for each row execute function bailiwick.refuse_change();
create trigger records_not_emptied before truncate on bailiwick.records
  for each statement execute function bailiwick.refuse_change();

-- Facts are sealed under the key of their subject; of the tenant where there is none.
create table bailiwick.record_facts (
  tenant_id text not null,
  period integer not null,
  index bigint not null,
  subject text,
  resource text,
  sealed bytea not null,
  primary key (tenant_id, index, period)
) partition by range (tenant_id, period);
create index on bailiwick.record_facts (resource) where resource is not null;

-- The rules that determine decisions come in few combinations.
create table bailiwick.rule_sets (
  tenant_id text not null,
  id text not null,
  rules text[] not null,
  primary key (tenant_id, id)
);
create index rule_sets_rules on bailiwick.rule_sets using gin (rules);

create table bailiwick.open_calls (
  tenant_id text not null,
  call_id text not null,
  index bigint not null,
  broker text not null,
  opened_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, call_id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

alter table bailiwick.log_writers rename column first_seq to first_index;
truncate bailiwick.log_writers;

-- A person behind a pseudonym. `tag` finds the row by the name, `sealed` is the name under the person's own key. Erasing deletes the row.
create table bailiwick.subjects (
  tenant_id text not null,
  pseudonym text not null,
  tag text not null,
  wrapped_key bytea not null,
  sealed bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, pseudonym),
  unique (tenant_id, tag)
);

-- Full hash tiles only: what is at the right edge is made from the leaves.
create table bailiwick.tiles (
  tenant_id text not null,
  level integer not null,
  tile bigint not null,
  hashes bytea not null,
  -- Its hash in the tile above.
  root bytea not null,
  primary key (tenant_id, level, tile)
);
create table bailiwick.checkpoints (
  tenant_id text not null,
  size bigint not null,
  at timestamptz not null,
  note text not null,
  primary key (tenant_id, size)
);
create table bailiwick.cosignatures (
  tenant_id text not null,
  size bigint not null,
  witness text not null,
  line text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, size, witness)
);
-- How many records each run and agent has, at `size`: what the next checkpoint commits to. Derived; `audit verify` counts again.
create table bailiwick.sequence_heads (
  tenant_id text not null,
  kind text not null,
  name text not null,
  count bigint not null,
  last_index bigint not null,
  primary key (tenant_id, kind, name)
);
create table bailiwick.log_keys (
  tenant_id text not null,
  -- The verifier key (C2SP signed-note).
  key text not null,
  sealed bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  -- Indexes of the records that introduced and retired it, noted when those records are retired themselves.
  introduced bigint,
  retired bigint,
  first boolean not null,
  primary key (tenant_id, key)
);
create unique index log_keys_first on bailiwick.log_keys (tenant_id) where first;
create table bailiwick.log_settings (
  tenant_id text not null primary key check (tenant_id = '_system'),
  origin text not null
);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['logs', 'records', 'record_facts', 'rule_sets', 'open_calls', 'subjects', 'tiles', 'checkpoints', 'cosignatures', 'sequence_heads', 'log_keys', 'log_settings'] loop
    execute format('alter table bailiwick.%I enable row level security', v_table);
    execute format('alter table bailiwick.%I force row level security', v_table);
    execute format(
      'create policy tenant on bailiwick.%I using (tenant_id = (select current_setting(''bailiwick.tenant'', true))) with check (tenant_id = (select current_setting(''bailiwick.tenant'', true)))',
      v_table);
  end loop;
  foreach v_table in array array['tiles', 'checkpoints', 'cosignatures'] loop
    execute format('create trigger %I before update or delete on bailiwick.%I for each row execute function bailiwick.refuse_change()', v_table || '_append_only', v_table);
    execute format('create trigger %I before truncate on bailiwick.%I for each statement execute function bailiwick.refuse_change()', v_table || '_not_emptied', v_table);
  end loop;
end $$;
grant select, insert on bailiwick.records, bailiwick.rule_sets, bailiwick.tiles, bailiwick.checkpoints, bailiwick.cosignatures, bailiwick.log_settings to bailiwick_app;
grant select, insert, delete on bailiwick.record_facts, bailiwick.subjects to bailiwick_app;
grant select, insert, update on bailiwick.logs, bailiwick.sequence_heads to bailiwick_app;
grant select, insert, update, delete on bailiwick.open_calls to bailiwick_app;
grant select, insert on bailiwick.log_keys to bailiwick_app;
grant update (introduced, retired) on bailiwick.log_keys to bailiwick_app;

-- Makes the partitions of one tenant and month. The application owns no table, so this runs with its owner's rights.
create function bailiwick.make_partitions(p_tenant text, p_period integer) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_table text;
  v_name text;
begin
  if p_tenant is distinct from current_setting('bailiwick.tenant', true) then
    raise exception 'partitions are made for the transaction''s own tenant' using errcode = 'insufficient_privilege';
  end if;
  if abs((p_period / 100 * 12 + p_period % 100) - (extract(year from clock_timestamp()) * 12 + extract(month from clock_timestamp()))) > 1 then
    raise exception 'no partition is needed for %', p_period using errcode = 'invalid_parameter_value';
  end if;
  foreach v_table in array array['records', 'record_facts'] loop
    v_name := v_table || '_' || substr(md5(p_tenant), 1, 20) || '_' || p_period;
    if to_regclass(format('bailiwick.%I', v_name)) is not null then
      continue;
    end if;
    execute format('create table bailiwick.%I (like bailiwick.%I including all)', v_name, v_table);
    execute format('alter table bailiwick.%I enable row level security', v_name);
    execute format('alter table bailiwick.%I force row level security', v_name);
    execute format(
      'create policy tenant on bailiwick.%I using (tenant_id = (select current_setting(''bailiwick.tenant'', true))) with check (tenant_id = (select current_setting(''bailiwick.tenant'', true)))',
      v_name);
    if v_table = 'records' then
      execute format('create trigger records_not_emptied before truncate on bailiwick.%I for each statement execute function bailiwick.refuse_change()', v_name);
    end if;
    execute format('alter table bailiwick.%I attach partition bailiwick.%I for values from (%L, %s) to (%L, %s)', v_table, v_name, p_tenant, p_period, p_tenant, p_period + 1);
  end loop;
end $$;

-- Holds the log until the transaction ends, and returns its size and the month its records go to: months of a log follow each other, also when
-- clocks of two brokers do not agree at a month's end.
create function bailiwick.hold_log(p_tenant text, p_period integer, out size bigint, out period integer) language plpgsql as $$
begin
  perform set_config('bailiwick.tenant', p_tenant, true);
  select l.size, l.period into size, period from bailiwick.logs l where l.tenant_id = p_tenant for update;
  if period is null then
    insert into bailiwick.logs (tenant_id) values (p_tenant) on conflict do nothing;
    select l.size, l.period into size, period from bailiwick.logs l where l.tenant_id = p_tenant for update;
  end if;
  if period < p_period then
    perform bailiwick.make_partitions(p_tenant, p_period);
    update bailiwick.logs l set period = p_period where l.tenant_id = p_tenant;
    period := p_period;
  end if;
end $$;

-- Takes sums of what entries reserve, or nothing: [{key, windowMs, amount, max, least}] in the order of keys. A counter that many entries draw from
-- is written once.
create function bailiwick.take_sums(p_tenant text, p_now_ms bigint, p_sums jsonb) returns boolean language plpgsql as $$
declare
  v_sum jsonb;
  v_window bigint;
begin
  for v_place in 0 .. jsonb_array_length(p_sums) - 1 loop
    v_sum := p_sums -> v_place;
    v_window := v_sum -> 'windowMs';
    if (v_sum -> 'least')::numeric < 0
       or bailiwick.take_limit(p_tenant, v_sum ->> 'key', v_window, p_now_ms - p_now_ms % v_window, (v_sum -> 'amount')::numeric, (v_sum -> 'max')::numeric) is not null
    then
      for v_taken in 0 .. v_place - 1 loop
        perform bailiwick.release_limit(p_tenant, p_sums -> v_taken ->> 'key', (p_sums -> v_taken -> 'windowMs')::bigint, p_now_ms,
          (p_sums -> v_taken -> 'amount')::numeric);
      end loop;
      return false;
    end if;
  end loop;
  return true;
end $$;

-- Those conditions whose places were not refused.
create function bailiwick.not_refused(p_conditions jsonb, p_refused jsonb) returns jsonb language sql immutable as $$
  select coalesce(jsonb_agg(value), '[]') from jsonb_array_elements(p_conditions)
   where p_refused = '[]' or value -> 'place' not in (select refused -> 'place' from jsonb_array_elements(p_refused) as refused);
$$;

-- Filled in by the next migration, which knows of people too.
create function bailiwick.admit(p_tenant text, p_asks jsonb, p_conditions text) returns jsonb language plpgsql as $$
begin
  raise exception 'not yet';
end $$;

drop function bailiwick.append_records(text, text, bigint, jsonb);
-- The one way into the log: one statement, one round trip, one transaction for up to a few hundred entries of one tenant. Each column comes as
-- one text with a line an entry (no line feed stands in any; an empty line is null), which costs a fraction of an array's escapes; facts as
-- one run of bytes with their ends. `p_asks` and `p_conditions` as for `admit`, null where there are none. Places count from 1 here: those of
-- entries that begin calls which this batch does not end, and of entries that end some. Returns {first, appended, refused}.
create function bailiwick.append_records(
  p_tenant text, p_writer text, p_batch bigint, p_asks jsonb, p_conditions text,
  p_kinds text, p_calls text, p_ats text, p_leaves text, p_agents text, p_subjects text, p_sessions text, p_runs text, p_tasks text, p_tools text,
  p_actions text, p_resources text, p_verdicts text, p_statuses text, p_codes text, p_approvers text, p_rule_sets text, p_brokers text,
  p_facts bytea, p_facts_ends integer[], p_beginning integer[], p_ending integer[])
returns json language plpgsql as $$
declare
  v_period integer := to_char(clock_timestamp() at time zone 'UTC', 'YYYYMM');
  v_first bigint;
  v_refused jsonb := '[]';
  v_gone bigint[] := '{}';
  v_all boolean := true;
  v_kinds text[] := string_to_array(p_kinds, E'\n');
  v_calls text[] := string_to_array(p_calls, E'\n');
  v_subjects text[] := string_to_array(p_subjects, E'\n', '');
  v_resources text[] := string_to_array(p_resources, E'\n', '');
  v_brokers text[] := string_to_array(p_brokers, E'\n', '');
  v_appended integer;
begin
  select size, period into v_first, v_period from bailiwick.hold_log(p_tenant, v_period);
  if p_asks is not null then
    v_refused := bailiwick.admit(p_tenant, p_asks, p_conditions);
    if v_refused <> '[]' then
      v_gone := array(select (value -> 'place')::bigint + 1 from jsonb_array_elements(v_refused));
      v_all := false;
    end if;
  end if;
  v_appended := cardinality(v_kinds) - cardinality(v_gone);

  insert into bailiwick.records (tenant_id, period, index, kind, call_id, at, leaf, agent, subject, session, run, task, tool, action, resource,
                                 verdict, status, code, approver, rule_set, broker)
  select p_tenant, v_period, v_first + place - 1 - case when v_all then 0 else (select count(*) from unnest(v_gone) as gone where gone < place) end,
         kind, call_id, at::timestamptz, leaf, agent, subject, session, run, task, tool, action, resource, verdict, status, code, approver, rule_set, broker
    from unnest(v_kinds, v_calls, string_to_array(p_ats, E'\n'), string_to_array(p_leaves, E'\n'), string_to_array(p_agents, E'\n', ''),
                v_subjects, string_to_array(p_sessions, E'\n', ''), string_to_array(p_runs, E'\n', ''), string_to_array(p_tasks, E'\n', ''),
                string_to_array(p_tools, E'\n', ''), string_to_array(p_actions, E'\n', ''), v_resources, string_to_array(p_verdicts, E'\n', ''),
                string_to_array(p_statuses, E'\n', ''), string_to_array(p_codes, E'\n', ''), string_to_array(p_approvers, E'\n', ''),
                string_to_array(p_rule_sets, E'\n', ''), v_brokers)
         with ordinality as u (kind, call_id, at, leaf, agent, subject, session, run, task, tool, action, resource,
                               verdict, status, code, approver, rule_set, broker, place)
   where v_all or place <> all (v_gone);

  if p_facts is not null then
    insert into bailiwick.record_facts (tenant_id, period, index, subject, resource, sealed)
    select p_tenant, v_period, v_first + place - 1 - case when v_all then 0 else (select count(*) from unnest(v_gone) as gone where gone < place) end,
           v_subjects[place], v_resources[place], substring(p_facts from coalesce(p_facts_ends[place - 1], 0) + 1 for ends - coalesce(p_facts_ends[place - 1], 0))
      from unnest(p_facts_ends) with ordinality as u (ends, place)
     where ends > coalesce(p_facts_ends[place - 1], 0) and (v_all or place <> all (v_gone));
  end if;

  if p_ending is not null then
    delete from bailiwick.open_calls
     where tenant_id = p_tenant and call_id in (select v_calls[place] from unnest(p_ending) as place where v_all or place <> all (v_gone));
  end if;
  if p_beginning is not null then
    -- Of several beginnings of one call the last counts.
    insert into bailiwick.open_calls (tenant_id, call_id, index, broker)
    select distinct on (v_calls[place]) p_tenant, v_calls[place],
           v_first + place - 1 - case when v_all then 0 else (select count(*) from unnest(v_gone) as gone where gone < place) end,
           coalesce(v_brokers[place], '')
      from unnest(p_beginning) as place
     where v_all or place <> all (v_gone)
     order by v_calls[place], place desc
    on conflict (tenant_id, call_id) do update set index = excluded.index, broker = excluded.broker, opened_at = clock_timestamp();
  end if;

  with grown as (update bailiwick.logs set size = v_first + v_appended where tenant_id = p_tenant)
  insert into bailiwick.log_writers as w (tenant_id, writer, batch, first_index, appended, refused)
  values (p_tenant, p_writer, p_batch, v_first, v_appended, v_refused::text)
  on conflict (tenant_id, writer) do update
    set batch = excluded.batch, first_index = excluded.first_index, appended = excluded.appended, refused = excluded.refused, updated_at = clock_timestamp()
    where w.batch < excluded.batch;
  if not found then
    raise exception 'batch % of this writer was given up before it arrived', p_batch using errcode = 'BW001';
  end if;
  return json_build_object('first', v_first, 'appended', v_appended, 'refused', v_refused);
end $$;

create function bailiwick.add_rule_set(p_tenant text, p_id text, p_rules text[]) returns void language plpgsql as $$
begin
  perform set_config('bailiwick.tenant', p_tenant, true);
  insert into bailiwick.rule_sets (tenant_id, id, rules) values (p_tenant, p_id, p_rules) on conflict do nothing;
end $$;

-- What became of a batch whose answer was lost: its answer, or null, and then it can no longer arrive.
create or replace function bailiwick.settle_batch(p_tenant text, p_writer text, p_batch bigint)
returns json language plpgsql as $$
declare
  v_found bailiwick.log_writers;
begin
  perform bailiwick.hold_log(p_tenant, 0);
  select * into v_found from bailiwick.log_writers where tenant_id = p_tenant and writer = p_writer;
  if v_found.batch = p_batch and v_found.first_index is not null then
    return json_build_object('first', v_found.first_index, 'appended', v_found.appended, 'refused', v_found.refused::json);
  end if;
  insert into bailiwick.log_writers as w (tenant_id, writer, batch) values (p_tenant, p_writer, p_batch)
  on conflict (tenant_id, writer) do update
    set batch = excluded.batch, first_index = null, appended = 0, refused = '[]', updated_at = clock_timestamp()
    where w.batch < excluded.batch;
  return null;
end $$;

drop function bailiwick.orphaned_calls(text, text, timestamptz, integer);
-- Calls whose broker is gone: nobody holds its lock. The locks taken here last until the transaction ends, so that of two
-- brokers looking at once only one finds them. A broker also finds what an earlier process of its own name left behind.
create function bailiwick.orphaned_calls(p_tenant text, p_broker text, p_started timestamptz, p_limit integer)
returns table (call_id text, index bigint, leaf text) language plpgsql as $$
declare
  v_gone text[] := '{}';
  v_broker text;
begin
  perform set_config('bailiwick.tenant', p_tenant, true);
  for v_broker in select distinct o.broker from bailiwick.open_calls o where o.tenant_id = p_tenant order by 1 loop
    if v_broker <> p_broker and pg_try_advisory_xact_lock(hashtextextended('bailiwick.broker ' || v_broker, 0)) then
      v_gone := v_gone || v_broker;
    end if;
  end loop;
  perform bailiwick.hold_log(p_tenant, 0);
  return query
    select o.call_id, o.index, r.leaf from bailiwick.open_calls o
      join bailiwick.records r on r.tenant_id = o.tenant_id and r.index = o.index
     where o.tenant_id = p_tenant and (o.broker = any (v_gone) or (o.broker = p_broker and o.opened_at < p_started))
     order by o.index limit p_limit;
end $$;

-- A person's row, made with these values unless there is one.
create function bailiwick.subject_of(p_tenant text, p_tag text, p_pseudonym text, p_wrapped_key bytea, p_sealed bytea)
returns setof bailiwick.subjects language plpgsql as $$
begin
  perform set_config('bailiwick.tenant', p_tenant, true);
  insert into bailiwick.subjects (tenant_id, pseudonym, tag, wrapped_key, sealed) values (p_tenant, p_pseudonym, p_tag, p_wrapped_key, p_sealed)
  on conflict (tenant_id, tag) do nothing;
  return query select * from bailiwick.subjects where tenant_id = p_tenant and tag = p_tag;
end $$;

-- People by the tag of a name, or by pseudonyms.
create function bailiwick.subjects_known(p_tenant text, p_tag text, p_pseudonyms text[])
returns setof bailiwick.subjects language plpgsql as $$
begin
  perform set_config('bailiwick.tenant', p_tenant, true);
  return query select * from bailiwick.subjects where tenant_id = p_tenant and (tag = p_tag or pseudonym = any (p_pseudonyms));
end $$;

create function bailiwick.log_origin(p_wanted text) returns text language plpgsql as $$
begin
  perform set_config('bailiwick.tenant', '_system', true);
  insert into bailiwick.log_settings (tenant_id, origin) values ('_system', p_wanted) on conflict do nothing;
  return (select origin from bailiwick.log_settings where tenant_id = '_system');
end $$;

revoke execute on all functions in schema bailiwick from public;
grant execute on all functions in schema bailiwick to bailiwick_app;
