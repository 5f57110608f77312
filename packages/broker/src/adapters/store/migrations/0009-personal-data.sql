-- Nothing that a person could be told by lies in the database in plain: sessions and held calls know people by pseudonym, what is found
-- again by a keyed tag, and keep the rest sealed under the person's key. With it: erasure, legal holds, retirement of old partitions.

-- Rows of before are in plain. Sessions live for minutes and held calls are asked again. A truncated table gets new files; a delete would
-- leave the old bytes where they are. Counters of before 0008 are named in plain too.
truncate bailiwick.sessions, bailiwick.approvals, bailiwick.limit_counters;

alter table bailiwick.sessions
  drop column user_id,
  drop column data,
  drop column scope,
  drop column rows,
  drop column actors,
  -- Said by the log.
  drop column revoked_by,
  add column subject text not null,
  -- The execution of an agent's job that the session belongs to.
  add column run text not null,
  add column sealed bytea not null,
  -- A session cannot outlive the key its content is sealed under.
  add foreign key (tenant_id, subject) references bailiwick.subjects (tenant_id, pseudonym) on delete cascade;
create index sessions_subject on bailiwick.sessions (tenant_id, subject);

alter table bailiwick.approvals
  drop column user_id,
  drop column tool,
  drop column operation_kind,
  drop column operation_name,
  drop column args_digest,
  drop column ask,
  drop column answer,
  add column subject text not null,
  -- Tag of operation and arguments.
  add column asked text not null,
  add column resource text,
  add column ask bytea not null,
  add column answer bytea,
  add foreign key (tenant_id, subject) references bailiwick.subjects (tenant_id, pseudonym) on delete cascade;
create index approvals_for on bailiwick.approvals (tenant_id, asked, agent, created_at);
create index approvals_subject on bailiwick.approvals (tenant_id, subject);
create index approvals_resource on bailiwick.approvals (tenant_id, resource) where resource is not null;
create index approvals_expiry on bailiwick.approvals (tenant_id, expires_at);
grant update (answer) on bailiwick.approvals to bailiwick_app;
grant delete on bailiwick.approvals to bailiwick_app;

-- While one is in force, nothing it covers is erased or retired.
create table bailiwick.legal_holds (
  tenant_id text not null,
  id text not null,
  scope text not null check (scope in ('everything', 'person', 'resource')),
  -- A pseudonym, or the tag of a record.
  target text check ((target is null) = (scope = 'everything')),
  resource_type text check ((resource_type is null) = (scope <> 'resource')),
  -- A pseudonym, or `operator`.
  by_whom text not null,
  -- The reason, under the key of whoever gave it.
  sealed bytea not null,
  at timestamptz not null,
  lifted_at timestamptz,
  primary key (tenant_id, id)
);

-- Where a log's records begin once older ones were retired: the tree's frontier, and how many records each sequence had.
create table bailiwick.log_bases (
  tenant_id text not null primary key,
  size bigint not null,
  nodes bytea[] not null
);
create table bailiwick.base_heads (
  tenant_id text not null,
  kind text not null,
  name text not null,
  count bigint not null,
  last_index bigint not null,
  primary key (tenant_id, kind, name)
);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['legal_holds', 'log_bases', 'base_heads'] loop
    execute format('alter table bailiwick.%I enable row level security', v_table);
    execute format('alter table bailiwick.%I force row level security', v_table);
    execute format(
      'create policy tenant on bailiwick.%I using (tenant_id = (select current_setting(''bailiwick.tenant'', true))) with check (tenant_id = (select current_setting(''bailiwick.tenant'', true)))',
      v_table);
  end loop;
end $$;
grant select, insert on bailiwick.legal_holds to bailiwick_app;
grant update (lifted_at) on bailiwick.legal_holds to bailiwick_app;
grant select, insert, update on bailiwick.log_bases, bailiwick.base_heads to bailiwick_app;
-- What is destroyed is destroyed by the functions below, which look for holds.
revoke delete on bailiwick.subjects, bailiwick.record_facts from bailiwick_app;

-- Whether entries may be appended. p_asks is what all of them ask for, {subjects, sessions, proofs: [{id, until}], sums}; mostly all of it is there.
-- p_conditions says it by entry, [{place, subjects?, session?, proof?, reservations?}], places from 0; read only when not. Takes proofs and limits,
-- and returns [{place, why, ...}] of those that may not.
create or replace function bailiwick.admit(p_tenant text, p_asks jsonb, p_conditions text) returns jsonb language plpgsql as $$
declare
  v_now timestamptz := clock_timestamp();
  v_now_ms bigint := floor(extract(epoch from v_now) * 1000);
  v_subjects text[] := array(select jsonb_array_elements_text(p_asks -> 'subjects'));
  v_sessions text[] := array(select jsonb_array_elements_text(p_asks -> 'sessions'));
  v_proofs integer := jsonb_array_length(p_asks -> 'proofs');
  v_spent text[] := '{}';
  v_fits boolean;
begin
  -- One lane or broker at a time, also where the log is another database: counters are then always taken in one order.
  perform pg_advisory_xact_lock(hashtextextended('bailiwick.admit ' || p_tenant, 0));
  perform set_config('bailiwick.tenant', p_tenant, true);
  v_fits := cardinality(v_subjects) = 0
    or (select count(*) from bailiwick.subjects where tenant_id = p_tenant and pseudonym = any (v_subjects)) = cardinality(v_subjects);
  v_fits := v_fits and (cardinality(v_sessions) = 0 or cardinality(bailiwick.live_sessions(p_tenant, v_sessions, v_now)) = cardinality(v_sessions));
  if v_fits and v_proofs > 0 then
    with spent as (
      insert into bailiwick.used_proofs (tenant_id, id, until)
      select p_tenant, value ->> 'id', to_timestamp((value -> 'until')::numeric / 1000) from jsonb_array_elements(p_asks -> 'proofs')
      on conflict do nothing returning id
    )
    select array_agg(id) into v_spent from spent;
    v_fits := coalesce(cardinality(v_spent), 0) = v_proofs;
  end if;
  if v_fits and bailiwick.take_sums(p_tenant, v_now_ms, p_asks -> 'sums') then
    return '[]';
  end if;
  if cardinality(v_spent) > 0 then
    delete from bailiwick.used_proofs where tenant_id = p_tenant and id = any (v_spent);
  end if;
  return bailiwick.admit_each(p_tenant, p_conditions::jsonb, v_now);
end $$;

-- The same entry by entry.
create function bailiwick.admit_each(p_tenant text, p_conditions jsonb, p_now timestamptz) returns jsonb language plpgsql as $$
declare
  v_now_ms bigint := floor(extract(epoch from p_now) * 1000);
  v_named text[];
  v_known text[];
  v_live text[];
  v_going jsonb := p_conditions;
  v_each jsonb;
  v_over jsonb;
  v_refused jsonb := '[]';
begin
  -- Somebody who was erased is not written about under the key that is gone. First, because such an entry comes again.
  v_named := array(select distinct jsonb_array_elements_text(value -> 'subjects') from jsonb_array_elements(p_conditions) where value ? 'subjects');
  v_known := array(select pseudonym from bailiwick.subjects where tenant_id = p_tenant and pseudonym = any (v_named));
  if cardinality(v_known) < cardinality(v_named) then
    for v_each in select value from jsonb_array_elements(p_conditions) loop
      if v_each ? 'subjects' and not v_known @> array(select jsonb_array_elements_text(v_each -> 'subjects')) then
        v_refused := v_refused || jsonb_build_object('place', v_each -> 'place', 'why', 'subject_gone');
      end if;
    end loop;
    v_going := bailiwick.not_refused(p_conditions, v_refused);
  end if;

  v_live := bailiwick.live_sessions(p_tenant, array(select distinct value ->> 'session' from jsonb_array_elements(v_going)), p_now);
  if exists (select from jsonb_array_elements(v_going) where value ? 'session' and value ->> 'session' <> all (v_live)) then
    v_refused := v_refused || (
      select jsonb_agg(jsonb_build_object('place', value -> 'place', 'why', 'session_not_live'))
        from jsonb_array_elements(v_going) where value ? 'session' and value ->> 'session' <> all (v_live));
    v_going := bailiwick.not_refused(p_conditions, v_refused);
  end if;

  -- Each proof of possession pays for one effect, on whichever broker it arrives; of two in one batch for the first.
  if exists (select from jsonb_array_elements(v_going) where value ? 'proof') then
    with shown as (
      select distinct on (value -> 'proof' ->> 'id') value -> 'place' as place, value -> 'proof' ->> 'id' as id, value -> 'proof' ->> 'until' as until
        from jsonb_array_elements(v_going) where value ? 'proof'
       order by value -> 'proof' ->> 'id', (value -> 'place')::integer
    ), spent as (
      insert into bailiwick.used_proofs (tenant_id, id, until)
      select p_tenant, id, to_timestamp(until::numeric / 1000) from shown
      on conflict do nothing returning id
    )
    select v_refused || coalesce(jsonb_agg(jsonb_build_object('place', value -> 'place', 'why', 'proof_replayed')), '[]') into v_refused
      from jsonb_array_elements(v_going)
     where value ? 'proof' and value -> 'place' not in (select shown.place from shown join spent using (id));
    v_going := bailiwick.not_refused(p_conditions, v_refused);
  end if;

  for v_each in select value from jsonb_array_elements(v_going) where value ? 'reservations' order by (value -> 'place')::integer loop
    v_over := bailiwick.take_limits(p_tenant, v_now_ms, v_each -> 'reservations');
    if v_over is not null then
      v_refused := v_refused || (v_over || jsonb_build_object('place', v_each -> 'place', 'why', 'over_limit'));
    end if;
  end loop;
  return v_refused;
end $$;

-- Refuses work outside the transaction's own tenant: the functions below run with their owner's rights.
create function bailiwick.assert_tenant(p_tenant text) returns void language plpgsql as $$
begin
  if p_tenant is distinct from current_setting('bailiwick.tenant', true) then
    raise exception 'this is done for the transaction''s own tenant' using errcode = 'insufficient_privilege';
  end if;
end $$;

-- The hold that keeps a person from being erased, if any: on everything, on them, or on a record that their facts are about.
create function bailiwick.hold_on_person(p_tenant text, p_pseudonym text) returns text language sql stable as $$
  select h.id from bailiwick.legal_holds h
   where h.tenant_id = p_tenant and h.lifted_at is null
     and (h.scope = 'everything' or (h.scope = 'person' and h.target = p_pseudonym)
       or (h.scope = 'resource' and exists (
         select from bailiwick.record_facts f where f.tenant_id = p_tenant and f.resource = h.target and f.subject = p_pseudonym)))
   order by h.at, h.id limit 1;
$$;

-- The same for a record: on everything, on it, or on a person whose facts are about it.
create function bailiwick.hold_on_resource(p_tenant text, p_resource text) returns text language sql stable as $$
  select h.id from bailiwick.legal_holds h
   where h.tenant_id = p_tenant and h.lifted_at is null
     and (h.scope = 'everything' or (h.scope = 'resource' and h.target = p_resource)
       or (h.scope = 'person' and exists (
         select from bailiwick.record_facts f where f.tenant_id = p_tenant and f.resource = p_resource and f.subject = h.target)))
   order by h.at, h.id limit 1;
$$;

-- Destroys a person's key, name and tag, and with the row their sessions and held calls. Appending waits meanwhile, so that whoever comes
-- later finds the person gone. Returns the id of the transaction.
create function bailiwick.erase_subject(p_tenant text, p_pseudonym text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform bailiwick.assert_tenant(p_tenant);
  perform bailiwick.hold_log(p_tenant, 0);
  if bailiwick.hold_on_person(p_tenant, p_pseudonym) is not null then
    raise exception 'a legal hold covers this person' using errcode = 'BW002';
  end if;
  delete from bailiwick.limit_counters c using bailiwick.sessions s
   where s.tenant_id = p_tenant and s.subject = p_pseudonym and c.tenant_id = p_tenant
     and c.key in ('session-budget|' || s.id || '|calls', 'session-budget|' || s.id || '|records', 'session-budget|' || s.id || '|cost');
  delete from bailiwick.subjects where tenant_id = p_tenant and pseudonym = p_pseudonym;
  return pg_current_xact_id()::text;
end $$;

-- Writes the table anew, so that its files no longer hold the wrapped keys of those whom the transaction p_erased erased. Returns false while
-- a transaction that began earlier goes on: the rows it could still see would be kept.
create function bailiwick.rewrite_subjects(p_erased text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if pg_snapshot_xmin(pg_current_snapshot()) <= p_erased::xid8
     or exists (
       select from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and age(backend_xmin) >= age(p_erased::xid8::xid)) then
    return false;
  end if;
  cluster bailiwick.subjects using subjects_pkey;
  return true;
end $$;

-- Deletes the facts of all records about a record. Returns how many.
create function bailiwick.erase_facts(p_tenant text, p_resource text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_gone bigint;
begin
  perform bailiwick.assert_tenant(p_tenant);
  if bailiwick.hold_on_resource(p_tenant, p_resource) is not null then
    raise exception 'a legal hold covers this record' using errcode = 'BW002';
  end if;
  delete from bailiwick.record_facts where tenant_id = p_tenant and resource = p_resource;
  get diagnostics v_gone = row_count;
  return v_gone;
end $$;

-- The months a log has partitions of.
create function bailiwick.periods_of(p_tenant text) returns setof integer language sql stable as $$
  select right(relname, 6)::integer from pg_catalog.pg_class
   where relnamespace = 'bailiwick'::regnamespace and relkind = 'r' and relispartition
     and relname ~ ('^records_' || substr(md5(p_tenant), 1, 20) || '_[0-9]{6}$')
   order by 1;
$$;

-- The hold that keeps the months up to p_period from being retired, if any.
create function bailiwick.hold_on_months(p_tenant text, p_period integer) returns text language sql stable as $$
  select h.id from bailiwick.legal_holds h
   where h.tenant_id = p_tenant and h.lifted_at is null
     and case h.scope
           when 'everything' then true
           when 'resource' then exists (
             select from bailiwick.records r where r.tenant_id = p_tenant and r.period <= p_period and r.resource = h.target)
           else exists (
             select from bailiwick.records r where r.tenant_id = p_tenant and r.period <= p_period and strpos(r.leaf, h.target) > 0)
         end
   order by h.at, h.id limit 1;
$$;

-- Drops the partitions of a tenant up to a month. p_to, a multiple of 256 (the width of a tile), is where the records begin afterwards: the
-- last few of the months that go are moved to the next, without their facts. Checks again what whoever asks has checked.
create function bailiwick.retire_partitions(p_tenant text, p_period integer, p_to bigint, p_call text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_log bailiwick.logs;
  v_next integer;
  v_period integer;
  v_table text;
  v_dropped integer := 0;
begin
  perform bailiwick.assert_tenant(p_tenant);
  -- Before the log is held, as it reads all the records; no hold is placed meanwhile.
  perform pg_advisory_xact_lock(hashtextextended('bailiwick.holds ' || p_tenant, 0));
  if bailiwick.hold_on_months(p_tenant, p_period) is not null then
    raise exception 'a legal hold covers these records' using errcode = 'BW002';
  end if;
  select * into v_log from bailiwick.logs where tenant_id = p_tenant for update;
  select min(period) into v_next from bailiwick.periods_of(p_tenant) as period where period > p_period;
  if v_next is null or p_period >= v_log.period or p_period >= to_char(clock_timestamp() at time zone 'UTC', 'YYYYMM')::integer then
    raise exception 'the newest partition is not retired' using errcode = 'BW003';
  end if;
  if p_to % 256 <> 0 or p_to < v_log.base or p_to > v_log.size
     or exists (select from bailiwick.records where tenant_id = p_tenant and period > p_period and index < p_to)
     or exists (select from bailiwick.records where tenant_id = p_tenant and period <= p_period and index >= p_to + 256)
     or not exists (select from bailiwick.log_bases where tenant_id = p_tenant and size = p_to) then
    raise exception 'the records would not begin at %', p_to using errcode = 'BW003';
  end if;
  if exists (select from bailiwick.open_calls o join bailiwick.records r on r.tenant_id = o.tenant_id and r.index = o.index
              where o.tenant_id = p_tenant and r.period <= p_period) then
    raise exception 'a call of these partitions has no end yet' using errcode = 'BW003';
  end if;
  if not exists (
    select from bailiwick.records r
     where r.tenant_id = p_tenant and r.kind = 'admin' and r.call_id = p_call and r.period > p_period
       and r.leaf::jsonb ->> 'event' = 'log.retire' and (r.leaf::jsonb ->> 'to')::bigint = p_to
       and r.index < (select max(size) from bailiwick.checkpoints where tenant_id = p_tenant)) then
    raise exception 'no checkpoint covers a record of this retirement' using errcode = 'BW003';
  end if;
  insert into bailiwick.records (tenant_id, period, index, kind, call_id, at, leaf, agent, subject, session, run, task, tool, action, resource,
                                 verdict, status, code, approver, rule_set, broker)
  select tenant_id, v_next, index, kind, call_id, at, leaf, agent, subject, session, run, task, tool, action, resource,
         verdict, status, code, approver, rule_set, broker
    from bailiwick.records where tenant_id = p_tenant and period <= p_period and index >= p_to;
  for v_period in select period from bailiwick.periods_of(p_tenant) as period where period <= p_period loop
    foreach v_table in array array['records', 'record_facts'] loop
      execute format('drop table bailiwick.%I', v_table || '_' || substr(md5(p_tenant), 1, 20) || '_' || v_period);
    end loop;
    v_dropped := v_dropped + 1;
  end loop;
  update bailiwick.logs set base = p_to where tenant_id = p_tenant;
  return v_dropped;
end $$;

revoke execute on all functions in schema bailiwick from public;
grant execute on all functions in schema bailiwick to bailiwick_app;
