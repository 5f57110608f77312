-- Identity: what a session was delegated from, how its caller proves itself, who is stopped, which proofs were used.

do $$
declare
  v_name text;
begin
  for v_name in select conname from pg_constraint where conrelid = 'bailiwick.sessions'::regclass and contype = 'c' loop
    execute format('alter table bailiwick.sessions drop constraint %I', v_name);
  end loop;
end $$;

alter table bailiwick.sessions
  add column user_proof text not null default 'asserted' check (user_proof in ('asserted', 'signed-in', 'partner')),
  add column rows text not null default '[]',
  add column limits text not null default '{}',
  add column grant_kind text not null default 'client_credentials'
    check (grant_kind in ('client_credentials', 'authorization_code', 'token_exchange', 'jwt_bearer')),
  add column binding text not null default 'bearer' check (binding in ('bearer', 'dpop', 'mtls', 'hmac')),
  -- The thumbprint of `dpop` and `mtls`.
  add column thumbprint text check ((thumbprint is not null) = (binding in ('dpop', 'mtls'))),
  add column client text,
  add column lineage text[] not null default '{}' check (cardinality(lineage) <= 3),
  add column actors text not null default '[]',
  add column partner text,
  add check (expires_at <= issued_at + case binding when 'bearer' then interval '5 minutes' else interval '15 minutes' end);
create index sessions_lineage on bailiwick.sessions using gin (lineage);
create index sessions_agent on bailiwick.sessions (tenant_id, agent, expires_at);

alter table bailiwick.agent_keys
  add column added_at timestamptz not null default clock_timestamp(),
  add column retires_at timestamptz;
grant update (retires_at) on bailiwick.agent_keys to bailiwick_app;

-- A key offered for a second agent: refused, and counted here. Kept under the tenant of the agent it was offered for.
create table bailiwick.shared_keys (
  tenant_id text not null,
  agent text not null,
  thumbprint text not null,
  at timestamptz not null default clock_timestamp()
);
create index shared_keys_newest on bailiwick.shared_keys (tenant_id, at);

-- The stop over everything is the one row of tenant `_system`.
create table bailiwick.stops (
  tenant_id text not null,
  kind text not null check (kind in ('agent', 'workflow', 'tenant', 'everything')),
  name text not null,
  state text not null check (state in ('suspended', 'retired')),
  by_whom text not null,
  reason text not null,
  at timestamptz not null,
  primary key (tenant_id, kind, name),
  check ((kind = 'everything') = (tenant_id = '_system')),
  check (state = 'suspended' or kind = 'agent')
);

-- `id` is a digest of key and jti. Only proofs that paid for an effect are here; each node also remembers those it saw.
create table bailiwick.used_proofs (
  tenant_id text not null,
  id text not null,
  until timestamptz not null,
  primary key (tenant_id, id)
);
create index used_proofs_until on bailiwick.used_proofs (tenant_id, until);

-- The broker's own token-signing keys, sealed under the root key, so that every broker of a deployment signs and verifies with the same.
create table bailiwick.signing_keys (
  tenant_id text not null check (tenant_id = '_system'),
  kid text not null,
  sealed text not null,
  created_at timestamptz not null,
  -- Tokens signed before this moment are still verified until they have expired.
  retired_at timestamptz,
  primary key (tenant_id, kid)
);
create unique index signing_keys_active on bailiwick.signing_keys (tenant_id) where retired_at is null;

do $$
declare
  v_table text;
begin
  foreach v_table in array array['shared_keys', 'stops', 'used_proofs', 'signing_keys'] loop
    execute format('alter table bailiwick.%I enable row level security', v_table);
    execute format('alter table bailiwick.%I force row level security', v_table);
    execute format(
      'create policy tenant on bailiwick.%I using (tenant_id = (select current_setting(''bailiwick.tenant'', true))) with check (tenant_id = (select current_setting(''bailiwick.tenant'', true)))',
      v_table);
  end loop;
end $$;
grant select, insert on bailiwick.shared_keys to bailiwick_app;
grant select, insert, update, delete on bailiwick.stops to bailiwick_app;
grant select, insert, delete on bailiwick.used_proofs to bailiwick_app;
grant select, insert on bailiwick.signing_keys to bailiwick_app;
grant update (retired_at) on bailiwick.signing_keys to bailiwick_app;

-- The widest stop over an agent, if any. Looks under `_system` too, and leaves the tenant as it was given.
create function bailiwick.stop_over(p_tenant text, p_environment text, p_workflow text, p_agent text)
returns setof bailiwick.stops language plpgsql as $$
declare
  v_everything boolean;
begin
  perform set_config('bailiwick.tenant', '_system', true);
  return query select * from bailiwick.stops where tenant_id = '_system' and kind = 'everything';
  v_everything := found;
  perform set_config('bailiwick.tenant', p_tenant, true);
  if not v_everything then
    return query
      select * from bailiwick.stops
       where tenant_id = p_tenant
         and ((kind = 'tenant' and name = p_tenant) or (kind = 'workflow' and name = p_environment || '/' || p_workflow) or (kind = 'agent' and name = p_agent))
       order by case kind when 'tenant' then 1 when 'workflow' then 2 else 3 end limit 1;
  end if;
end $$;

-- Of these sessions the ones that may act: they and all they were delegated from neither revoked nor expired, no agent among them stopped.
create function bailiwick.live_sessions(p_tenant text, p_ids text[], p_now timestamptz)
returns text[] language plpgsql as $$
declare
  v_everything boolean;
begin
  perform set_config('bailiwick.tenant', '_system', true);
  v_everything := exists (select from bailiwick.stops where tenant_id = '_system' and kind = 'everything');
  perform set_config('bailiwick.tenant', p_tenant, true);
  if v_everything then
    return '{}';
  end if;
  return array(
    select s.id from bailiwick.sessions s
     where s.tenant_id = p_tenant and s.id = any (p_ids)
       and 1 + cardinality(s.lineage) = (
         select count(*) from bailiwick.sessions each
          where each.tenant_id = p_tenant and each.id = any (s.lineage || s.id) and each.revoked_at is null and each.expires_at > p_now
            and not exists (
              select from bailiwick.stops t
               where t.tenant_id = p_tenant
                 and ((t.kind = 'agent' and t.name = each.agent) or (t.kind = 'workflow' and t.name = each.environment || '/' || each.workflow) or t.kind = 'tenant')))
  );
end $$;

-- A session and those it was delegated from, in one round trip; the first row is the session.
create function bailiwick.session_chain(p_tenant text, p_id text) returns setof bailiwick.sessions language plpgsql as $$
begin
  perform set_config('bailiwick.tenant', p_tenant, true);
  return query
    select each.* from bailiwick.sessions s
      join bailiwick.sessions each on each.tenant_id = p_tenant and each.id = any (s.lineage || s.id)
     where s.tenant_id = p_tenant and s.id = p_id
     order by cardinality(each.lineage) desc;
end $$;
drop function bailiwick.session_of(text, text);

-- p_entries: [{kind, callId, body, facts?, salt?, session?, reservations?, proof?: {id, until}}]. Returns
-- {first, hashes: [hash of each appended record, in order], refused: [{place, why, ...}]}; `place` counts entries from 0.
create or replace function bailiwick.append_records(p_tenant text, p_writer text, p_batch bigint, p_entries jsonb)
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
  v_live := bailiwick.live_sessions(p_tenant, array(select distinct value ->> 'session' from jsonb_array_elements(p_entries)), v_now);

  for v_entry in select value from jsonb_array_elements(p_entries) loop
    v_place := v_place + 1;
    if v_entry ->> 'session' is not null and v_entry ->> 'session' <> all (v_live) then
      v_refused := v_refused || jsonb_build_object('place', v_place, 'why', 'session_not_live');
      continue;
    end if;
    -- Each proof of possession pays for one effect, on whichever broker it arrives.
    if v_entry ? 'proof' then
      insert into bailiwick.used_proofs (tenant_id, id, until)
      values (p_tenant, v_entry -> 'proof' ->> 'id', to_timestamp((v_entry -> 'proof' ->> 'until')::numeric / 1000))
      on conflict do nothing;
      if not found then
        v_refused := v_refused || jsonb_build_object('place', v_place, 'why', 'proof_replayed');
        continue;
      end if;
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

revoke execute on all functions in schema bailiwick from public;
grant execute on all functions in schema bailiwick to bailiwick_app;
