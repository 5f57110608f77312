-- Windows as long as a month of the calendar, and counters of calls that run at this moment.

-- Where the window lies in which a moment does. One of 31 days is the month of the calendar, in UTC: no other one is as long.
create function bailiwick.window_start(p_ms bigint, p_window_ms bigint) returns bigint language sql immutable as $$
  select case
    when p_window_ms = 2678400000
      then (extract(epoch from date_trunc('month', to_timestamp(p_ms / 1000) at time zone 'UTC')) * 1000)::bigint
    else p_ms - p_ms % p_window_ms
  end;
$$;
create function bailiwick.window_end(p_ms bigint, p_window_ms bigint) returns bigint language sql immutable as $$
  select case
    when p_window_ms = 2678400000
      then (extract(epoch from date_trunc('month', to_timestamp(p_ms / 1000) at time zone 'UTC') + interval '1 month') * 1000)::bigint
    else p_ms - p_ms % p_window_ms + p_window_ms
  end;
$$;

-- When a counter was first drawn from: those of sessions are deleted by it.
alter table bailiwick.limit_counters add column made_at timestamptz not null default clock_timestamp();

create or replace function bailiwick.release_limit(p_tenant text, p_key text, p_window_ms bigint, p_taken_ms bigint, p_amount numeric)
returns void language sql as $$
  update bailiwick.limit_counters set used = greatest(0, used - p_amount)
   where tenant_id = p_tenant and key = p_key and window_ms = p_window_ms
     and window_start = bailiwick.window_start(p_taken_ms, p_window_ms);
$$;

create or replace function bailiwick.take_limits(p_tenant text, p_now_ms bigint, p_reservations jsonb)
returns jsonb language plpgsql as $$
declare
  v_each jsonb;
  v_window bigint;
  v_used numeric;
begin
  for v_place in 0 .. jsonb_array_length(p_reservations) - 1 loop
    v_each := p_reservations -> v_place;
    v_window := v_each -> 'windowMs';
    v_used := bailiwick.take_limit(p_tenant, v_each ->> 'key', v_window, bailiwick.window_start(p_now_ms, v_window), (v_each -> 'amount')::numeric,
      (v_each -> 'max')::numeric);
    if v_used is not null then
      for v_taken in 0 .. v_place - 1 loop
        perform bailiwick.release_limit(p_tenant, p_reservations -> v_taken ->> 'key', (p_reservations -> v_taken -> 'windowMs')::bigint, p_now_ms,
          (p_reservations -> v_taken -> 'amount')::numeric);
      end loop;
      return jsonb_build_object('key', v_each ->> 'key', 'used', v_used, 'max', v_each -> 'max',
        'retryAfterMs', bailiwick.window_end(p_now_ms, v_window) - p_now_ms);
    end if;
  end loop;
  return null;
end $$;

create or replace function bailiwick.take_sums(p_tenant text, p_now_ms bigint, p_sums jsonb) returns boolean language plpgsql as $$
declare
  v_sum jsonb;
  v_window bigint;
begin
  for v_place in 0 .. jsonb_array_length(p_sums) - 1 loop
    v_sum := p_sums -> v_place;
    v_window := v_sum -> 'windowMs';
    if (v_sum -> 'least')::numeric < 0
       or bailiwick.take_limit(p_tenant, v_sum ->> 'key', v_window, bailiwick.window_start(p_now_ms, v_window), (v_sum -> 'amount')::numeric,
         (v_sum -> 'max')::numeric) is not null
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

-- As before, and an entry that may not be appended takes nothing: the proof that it showed neither. What tries again with the same proof, as an undo
-- does, would else be told that somebody had done it.
create or replace function bailiwick.admit_each(p_tenant text, p_conditions jsonb, p_now timestamptz) returns jsonb language plpgsql as $$
declare
  v_now_ms bigint := floor(extract(epoch from p_now) * 1000);
  v_named text[];
  v_known text[];
  v_live text[];
  v_going jsonb := p_conditions;
  v_each jsonb;
  v_over jsonb;
  v_gone text;
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

  -- Of two entries that stand on one yes the first has it: it is used before the second is looked at.
  for v_each in select value from jsonb_array_elements(v_going)
    where value ?| array['reservations', 'approval', 'bounded', 'elevations'] order by (value -> 'place')::integer
  loop
    v_gone := bailiwick.rights_gone(p_tenant, v_each, p_now);
    if v_gone is not null then
      v_refused := v_refused || jsonb_build_object('place', v_each -> 'place', 'why', v_gone);
      delete from bailiwick.used_proofs where tenant_id = p_tenant and id = v_each -> 'proof' ->> 'id';
      continue;
    end if;
    v_over := case when v_each ? 'reservations' then bailiwick.take_limits(p_tenant, v_now_ms, v_each -> 'reservations') end;
    if v_over is not null then
      v_refused := v_refused || (v_over || jsonb_build_object('place', v_each -> 'place', 'why', 'over_limit'));
      delete from bailiwick.used_proofs where tenant_id = p_tenant and id = v_each -> 'proof' ->> 'id';
      continue;
    end if;
    update bailiwick.approvals set state = 'used' where tenant_id = p_tenant and id = v_each ->> 'approval';
    update bailiwick.bounded_approvals set uses_left = uses_left - 1 where tenant_id = p_tenant and id = v_each ->> 'bounded';
  end loop;
  return v_refused;
end $$;

-- As before; that a yes was given back is no news either.
create or replace function bailiwick.tell_change() returns trigger language plpgsql as $$
declare
  v_kind text := tg_argv[0];
begin
  if tg_op = 'UPDATE' and new.state = old.state and new.answered = old.answered then
    return null;
  end if;
  perform pg_notify('bailiwick', jsonb_build_array(v_kind, new.tenant_id, new.id)::text);
  if new.state <> 'used' and (tg_op = 'INSERT' or old.state <> 'used') then
    insert into bailiwick.outbox (tenant_id, kind, id, what)
    values (new.tenant_id, v_kind, new.id, case when tg_op = 'UPDATE' and new.state = old.state then 'answered' else new.state end);
  end if;
  return null;
end $$;

-- Gives back what an entry took from people and of proofs, where the log is another database and did not let it in.
create function bailiwick.give_back(p_tenant text, p_proof text, p_approval text, p_bounded text) returns void language sql as $$
  delete from bailiwick.used_proofs where tenant_id = p_tenant and id = p_proof;
  update bailiwick.approvals set state = 'approved' where tenant_id = p_tenant and id = p_approval and state = 'used';
  update bailiwick.bounded_approvals set uses_left = uses_left + 1 where tenant_id = p_tenant and id = p_bounded;
$$;

-- What a running call holds, by name of the counter: given back with its row, and so by whatever ends the call, also where its broker is gone.
alter table bailiwick.open_calls add column leases text[];

create function bailiwick.leases_at(p_leases jsonb, p_place integer) returns text[] language sql immutable as $$
  select array_agg(lease ->> 'key')
    from jsonb_array_elements(p_leases) as each, jsonb_array_elements(each -> 'leases') as lease
   where (each -> 'place')::integer = p_place - 1;
$$;

-- p_leases: [{place, leases: [{key, max}]}], places from 0. Those that would be one too many at once, as `admit` says it. The caller holds the log.
-- An entry counts although `admit` may refuse it yet: of two at the same moment that fit only apart, both may then be told to come again.
create function bailiwick.over_leases(p_tenant text, p_leases jsonb) returns jsonb language plpgsql as $$
declare
  v_keys text[] := array(select distinct lease ->> 'key' from jsonb_array_elements(p_leases) as each, jsonb_array_elements(each -> 'leases') as lease);
  v_running jsonb;
  v_each jsonb;
  v_over jsonb;
  v_refused jsonb := '[]';
begin
  select coalesce(jsonb_object_agg(counted.key, counted.running), '{}') into v_running
    from (select held.key, count(*) as running from bailiwick.open_calls o, unnest(o.leases) as held (key)
           where o.tenant_id = p_tenant and o.leases && v_keys group by held.key) as counted;
  for v_each in select value from jsonb_array_elements(p_leases) order by (value -> 'place')::integer loop
    select jsonb_build_object('place', v_each -> 'place', 'why', 'over_limit', 'key', lease -> 'key', 'used', coalesce(v_running -> (lease ->> 'key'), '0'),
                              'max', lease -> 'max', 'retryAfterMs', 1000) into v_over
      from jsonb_array_elements(v_each -> 'leases') as lease
     where coalesce((v_running -> (lease ->> 'key'))::numeric, 0) >= (lease -> 'max')::numeric limit 1;
    if v_over is not null then
      v_refused := v_refused || v_over;
    else
      v_running := v_running || (
        select jsonb_object_agg(lease ->> 'key', coalesce((v_running -> (lease ->> 'key'))::numeric, 0) + 1) from jsonb_array_elements(v_each -> 'leases') as lease);
    end if;
  end loop;
  return v_refused;
end $$;

drop function bailiwick.append_records(text, text, bigint, jsonb, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, bytea, integer[], integer[], integer[]);
-- As before, and takes what the calls that begin hold while they run: [{place, leases: [{key, max}]}], places from 0, or null.
create function bailiwick.append_records(
  p_tenant text, p_writer text, p_batch bigint, p_asks jsonb, p_conditions text,
  p_kinds text, p_calls text, p_ats text, p_leaves text, p_agents text, p_subjects text, p_sessions text, p_runs text, p_tasks text, p_tools text,
  p_actions text, p_resources text, p_verdicts text, p_statuses text, p_codes text, p_approvers text, p_rule_sets text, p_brokers text,
  p_facts bytea, p_facts_ends integer[], p_beginning integer[], p_ending integer[], p_leases jsonb)
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
  if p_leases is not null then
    v_refused := bailiwick.over_leases(p_tenant, p_leases);
  end if;
  if p_asks is not null and v_refused = '[]' then
    v_refused := bailiwick.admit(p_tenant, p_asks, p_conditions);
  elsif p_asks is not null then
    -- The sums hold what refused entries would have taken too: the others are looked at one by one.
    v_refused := v_refused || bailiwick.admit(p_tenant, p_asks || '{"rights": true}', bailiwick.not_refused(p_conditions::jsonb, v_refused)::text);
  end if;
  if v_refused <> '[]' then
    v_gone := array(select (value -> 'place')::bigint + 1 from jsonb_array_elements(v_refused));
    v_all := false;
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
    insert into bailiwick.open_calls (tenant_id, call_id, index, broker, leases)
    select distinct on (v_calls[place]) p_tenant, v_calls[place],
           v_first + place - 1 - case when v_all then 0 else (select count(*) from unnest(v_gone) as gone where gone < place) end,
           coalesce(v_brokers[place], ''),
           case when p_leases is not null then bailiwick.leases_at(p_leases, place) end
      from unnest(p_beginning) as place
     where v_all or place <> all (v_gone)
     order by v_calls[place], place desc
    on conflict (tenant_id, call_id) do update set index = excluded.index, broker = excluded.broker, leases = excluded.leases, opened_at = clock_timestamp();
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

revoke execute on all functions in schema bailiwick from public;
grant execute on all functions in schema bailiwick to bailiwick_app;
