-- The one way into the log. One statement, one round trip, one transaction for up to a few hundred entries of one tenant:
-- lock the log, check sessions, take limits, chain, insert. Runs with the rights of the caller.

-- Takes `p_amount` from a fixed window. Returns null when it was taken, else what is used up already.
create function bailiwick.take_limit(p_tenant text, p_key text, p_window_ms bigint, p_window_start bigint, p_amount numeric, p_max numeric)
returns numeric language plpgsql as $$
declare
  v_used numeric;
begin
  if p_amount < 0 then
    raise exception 'a reservation of % is negative', p_amount using errcode = 'invalid_parameter_value';
  end if;
  if p_amount <= p_max then
    insert into bailiwick.limit_counters as c (tenant_id, key, window_ms, window_start, used)
    values (p_tenant, p_key, p_window_ms, p_window_start, p_amount)
    on conflict (tenant_id, key, window_ms) do update
      set used = case when c.window_start < excluded.window_start then excluded.used else c.used + excluded.used end,
          window_start = greatest(c.window_start, excluded.window_start)
      where c.window_start < excluded.window_start or c.used + excluded.used <= p_max;
    if found then
      return null;
    end if;
  end if;
  select used into v_used from bailiwick.limit_counters
   where tenant_id = p_tenant and key = p_key and window_ms = p_window_ms and window_start >= p_window_start;
  return coalesce(v_used, 0);
end $$;

-- Gives back what was taken in the window that held `p_taken_ms`; a window that is over needs nothing.
create function bailiwick.release_limit(p_tenant text, p_key text, p_window_ms bigint, p_taken_ms bigint, p_amount numeric)
returns void language sql as $$
  update bailiwick.limit_counters set used = greatest(0, used - p_amount)
   where tenant_id = p_tenant and key = p_key and window_ms = p_window_ms
     and window_start = p_taken_ms - p_taken_ms % p_window_ms;
$$;

-- Takes all reservations of one entry or none. Returns null, or the one that does not fit.
create function bailiwick.take_limits(p_tenant text, p_now_ms bigint, p_reservations jsonb)
returns jsonb language plpgsql as $$
declare
  v_each jsonb;
  v_window bigint;
  v_used numeric;
begin
  for v_place in 0 .. jsonb_array_length(p_reservations) - 1 loop
    v_each := p_reservations -> v_place;
    v_window := v_each -> 'windowMs';
    v_used := bailiwick.take_limit(p_tenant, v_each ->> 'key', v_window, p_now_ms - p_now_ms % v_window, (v_each -> 'amount')::numeric, (v_each -> 'max')::numeric);
    if v_used is not null then
      for v_taken in 0 .. v_place - 1 loop
        perform bailiwick.release_limit(p_tenant, p_reservations -> v_taken ->> 'key', (p_reservations -> v_taken -> 'windowMs')::bigint, p_now_ms,
          (p_reservations -> v_taken -> 'amount')::numeric);
      end loop;
      return jsonb_build_object('key', v_each ->> 'key', 'used', v_used, 'max', v_each -> 'max', 'retryAfterMs', v_window - p_now_ms % v_window);
    end if;
  end loop;
  return null;
end $$;

-- p_entries: [{kind, callId, body, facts?, salt?, session?, reservations?}]. Returns
-- {first, hashes: [hash of each appended record, in order], refused: [{place, why, ...}]}; `place` counts entries from 0.
create function bailiwick.append_records(p_tenant text, p_writer text, p_batch bigint, p_entries jsonb)
returns json language plpgsql as $$
declare
  v_now timestamptz;
  v_now_ms bigint;
  v_first bigint;
  v_seq bigint;
  v_prev text;
  v_hash text;
  v_live text[];
  v_entry jsonb;
  v_over jsonb;
  v_place integer := -1;
  v_refused jsonb := '[]';
  v_seqs bigint[] := '{}';
  v_kinds text[] := '{}';
  v_calls text[] := '{}';
  v_bodies text[] := '{}';
  v_prevs text[] := '{}';
  v_hashes text[] := '{}';
  v_closed text[] := '{}';
begin
  perform set_config('bailiwick.tenant', p_tenant, true);
  perform pg_advisory_xact_lock(hashtextextended('bailiwick.log ' || p_tenant, 0));
  if exists (select from bailiwick.log_writers where tenant_id = p_tenant and writer = p_writer and batch >= p_batch) then
    raise exception 'batch % of this writer was given up before it arrived', p_batch using errcode = 'BW001';
  end if;
  v_now := clock_timestamp();
  v_now_ms := floor(extract(epoch from v_now) * 1000);
  select seq, hash into v_seq, v_prev from bailiwick.records where tenant_id = p_tenant order by seq desc limit 1;
  if v_seq is null then
    v_seq := 0;
    v_prev := encode(sha256(convert_to('bailiwick.log.v1' || chr(10) || p_tenant, 'UTF8')), 'hex');
  end if;
  v_first := v_seq + 1;
  v_live := array(
    select id from bailiwick.sessions
     where tenant_id = p_tenant and revoked_at is null and expires_at > v_now
       and id in (select value ->> 'session' from jsonb_array_elements(p_entries))
  );

  for v_entry in select value from jsonb_array_elements(p_entries) loop
    v_place := v_place + 1;
    if v_entry ->> 'session' is not null and v_entry ->> 'session' <> all (v_live) then
      v_refused := v_refused || jsonb_build_object('place', v_place, 'why', 'session_not_live');
      continue;
    end if;
    if v_entry ? 'reservations' then
      v_over := bailiwick.take_limits(p_tenant, v_now_ms, v_entry -> 'reservations');
      if v_over is not null then
        v_refused := v_refused || (v_over || jsonb_build_object('place', v_place, 'why', 'over_limit'));
        continue;
      end if;
    end if;
    v_seq := v_seq + 1;
    -- Exactly `recordHash` of packages/ledger.
    v_hash := encode(sha256(convert_to(
      'bailiwick.record.v1' || chr(10) || v_prev || chr(10) || v_seq || chr(10) || (v_entry ->> 'kind') || chr(10) || (v_entry ->> 'callId') || chr(10) || (v_entry ->> 'body'),
      'UTF8')), 'hex');
    v_seqs := v_seqs || v_seq;
    v_kinds := v_kinds || (v_entry ->> 'kind');
    v_calls := v_calls || (v_entry ->> 'callId');
    v_bodies := v_bodies || (v_entry ->> 'body');
    v_prevs := v_prevs || v_prev;
    v_hashes := v_hashes || v_hash;
    if v_entry ? 'facts' then
      insert into bailiwick.call_facts (tenant_id, seq, call_id, salt, facts)
      values (p_tenant, v_seq, v_entry ->> 'callId', v_entry ->> 'salt', v_entry ->> 'facts');
    end if;
    v_prev := v_hash;
  end loop;

  -- The query columns come from the hashed text itself, so they cannot say something else. `offset 0` parses each body once.
  insert into bailiwick.records (tenant_id, seq, kind, call_id, body, prev, hash, at, agent, user_id, session, task, tool, action, verdict, status, code, broker)
  select p_tenant, seq, kind, call_id, body, prev, hash, doc ->> 'at', doc ->> 'agent', doc ->> 'user', doc ->> 'session', doc ->> 'task',
         doc ->> 'tool', doc ->> 'action', doc ->> 'verdict', doc ->> 'status', doc ->> 'code', doc ->> 'broker'
    from (select u.*, u.body::jsonb as doc from unnest(v_seqs, v_kinds, v_calls, v_bodies, v_prevs, v_hashes) as u (seq, kind, call_id, body, prev, hash) offset 0) as fresh;

  delete from bailiwick.open_calls o
   using unnest(v_kinds, v_calls) as u (kind, call_id)
   where o.tenant_id = p_tenant and o.call_id = u.call_id and u.kind in ('outcome', 'refusal', 'hold');
  -- What this batch both begins and ends stays out; of several beginnings of one call the last counts.
  insert into bailiwick.open_calls (tenant_id, call_id, seq, broker)
  select distinct on (u.call_id) p_tenant, u.call_id, u.seq, coalesce(u.body::jsonb ->> 'broker', '')
    from unnest(v_seqs, v_kinds, v_calls, v_bodies) as u (seq, kind, call_id, body)
   where u.kind in ('intent', 'lookup')
     and not exists (
       select from unnest(v_seqs, v_kinds, v_calls) as later (seq, kind, call_id)
        where later.call_id = u.call_id and later.seq > u.seq and later.kind in ('outcome', 'refusal', 'hold'))
   order by u.call_id, u.seq desc
  on conflict (tenant_id, call_id) do update set seq = excluded.seq, broker = excluded.broker, opened_at = clock_timestamp();

  insert into bailiwick.log_writers as w (tenant_id, writer, batch, first_seq, appended, refused)
  values (p_tenant, p_writer, p_batch, v_first, cardinality(v_seqs), v_refused::text)
  on conflict (tenant_id, writer) do update
    set batch = excluded.batch, first_seq = excluded.first_seq, appended = excluded.appended, refused = excluded.refused, updated_at = clock_timestamp();

  return json_build_object('first', v_first, 'hashes', v_hashes, 'refused', v_refused);
end $$;

-- After a lost connection: was batch p_batch committed? Null means no, and then it can no longer arrive.
-- Waits for the log's lock, so a commit still under way is seen.
create function bailiwick.settle_batch(p_tenant text, p_writer text, p_batch bigint)
returns json language plpgsql as $$
declare
  v_last bailiwick.log_writers;
begin
  perform set_config('bailiwick.tenant', p_tenant, true);
  perform pg_advisory_xact_lock(hashtextextended('bailiwick.log ' || p_tenant, 0));
  select * into v_last from bailiwick.log_writers where tenant_id = p_tenant and writer = p_writer;
  if v_last.batch = p_batch and v_last.first_seq is not null then
    return json_build_object(
      'first', v_last.first_seq,
      'hashes', array(select hash from bailiwick.records
                       where tenant_id = p_tenant and seq >= v_last.first_seq and seq < v_last.first_seq + v_last.appended order by seq),
      'refused', v_last.refused::json);
  end if;
  insert into bailiwick.log_writers as w (tenant_id, writer, batch)
  values (p_tenant, p_writer, p_batch)
  on conflict (tenant_id, writer) do update
    set batch = excluded.batch, first_seq = null, appended = 0, refused = '[]', updated_at = clock_timestamp()
    where w.batch < excluded.batch;
  return null;
end $$;

-- Calls whose broker is gone: nobody holds its lock. The locks taken here last until the transaction ends, so that of two
-- brokers looking at once only one finds them. A broker also finds what an earlier process of its own name left behind.
create function bailiwick.orphaned_calls(p_tenant text, p_broker text, p_started timestamptz, p_limit integer)
returns table (call_id text, seq bigint, body text) language plpgsql as $$
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
  perform pg_advisory_xact_lock(hashtextextended('bailiwick.log ' || p_tenant, 0));
  return query
    select o.call_id, o.seq, r.body from bailiwick.open_calls o
      join bailiwick.records r on r.tenant_id = o.tenant_id and r.seq = o.seq
     where o.tenant_id = p_tenant and (o.broker = any (v_gone) or (o.broker = p_broker and o.opened_at < p_started))
     order by o.seq limit p_limit;
end $$;

-- The one read on the path of a call; a function, so that setting the tenant costs no round trip of its own.
create function bailiwick.session_of(p_tenant text, p_id text) returns setof bailiwick.sessions language plpgsql as $$
begin
  perform set_config('bailiwick.tenant', p_tenant, true);
  return query select * from bailiwick.sessions where tenant_id = p_tenant and id = p_id;
end $$;

revoke execute on all functions in schema bailiwick from public;
grant execute on all functions in schema bailiwick to bailiwick_app;
