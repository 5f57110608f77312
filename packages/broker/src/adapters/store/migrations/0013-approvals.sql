-- Approvals by several people, for several calls, and rights for a time. What decides them is taken in the intent's own transaction.

-- Questions of before say nothing of how many must answer. Nothing waits for long: they are asked again.
truncate bailiwick.approvals;

alter table bailiwick.approvals
  drop column answer,
  add column environment text not null,
  -- The rule that asked, the first when there are several.
  add column rule text not null,
  -- Tag of what questions must share to be counted, shown and answered together.
  add column shape text not null,
  -- How many answers `answers` holds.
  add column answered integer not null default 0,
  -- When it was decided: approved or denied.
  add column decided_at timestamptz,
  -- Sown to see whether people look.
  add column drill boolean not null default false,
  -- Whether the log says how its call ended, and until when a broker has it in hand to say so.
  add column end_said boolean not null default false,
  add column end_taken_until timestamptz,
  -- Under the subject's key.
  add column answers bytea;
drop index bailiwick.approvals_newest;
create index approvals_newest on bailiwick.approvals (tenant_id, created_at, id);
create index approvals_state_newest on bailiwick.approvals (tenant_id, state, created_at, id);
create index approvals_state_soonest on bailiwick.approvals (tenant_id, state, expires_at, id);
create index approvals_shape on bailiwick.approvals (tenant_id, shape, decided_at);
create index approvals_rule on bailiwick.approvals (tenant_id, rule, created_at);
create index approvals_agent on bailiwick.approvals (tenant_id, agent, created_at);
create index approvals_end on bailiwick.approvals (tenant_id, expires_at) where not end_said;
grant update (state, answered, answers, decided_at, end_said, end_taken_until) on bailiwick.approvals to bailiwick_app;

-- One row a person's answer, for who answers how often and how fast; what was said lies in the approval. `person` is a pseudonym.
create table bailiwick.approval_answers (
  tenant_id text not null,
  approval text not null,
  person text not null,
  verdict text not null check (verdict in ('approve', 'deny')),
  at timestamptz not null,
  primary key (tenant_id, approval, person),
  foreign key (tenant_id, approval) references bailiwick.approvals (tenant_id, id) on delete cascade,
  foreign key (tenant_id, person) references bailiwick.subjects (tenant_id, pseudonym) on delete cascade
);
create index approval_answers_person on bailiwick.approval_answers (tenant_id, person, at);

-- A yes to several calls. `sealed` holds bounds and arguments, under the subject's key.
create table bailiwick.bounded_approvals (
  tenant_id text not null,
  -- The approval's.
  id text not null,
  agent text not null,
  subject text not null,
  -- Tag of the operation.
  operation text not null,
  uses_left integer not null check (uses_left >= 0),
  until timestamptz not null,
  revoked_at timestamptz,
  sealed bytea not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, id) references bailiwick.approvals (tenant_id, id) on delete cascade
);
create index bounded_approvals_for on bailiwick.bounded_approvals (tenant_id, agent, subject, operation, until);

-- Rights for a time. `subject`: the user for whom the agent asked, or the person who asked; what was asked and answered lies under their key. Names
-- of agents, roles and scopes stand in plain.
create table bailiwick.elevations (
  tenant_id text not null,
  id text not null,
  agent text not null,
  subject text not null,
  role text not null,
  state text not null check (state in ('pending', 'active', 'denied', 'revoked', 'cancelled')),
  created_at timestamptz not null,
  ask_ends_at timestamptz not null,
  answered integer not null default 0,
  -- What was given.
  scope text[],
  -- A tag, when it is for one task only.
  task text,
  active_from timestamptz,
  active_until timestamptz,
  ask bytea not null,
  answers bytea,
  primary key (tenant_id, id),
  check ((state in ('active', 'revoked')) = (active_until is not null)),
  foreign key (tenant_id, subject) references bailiwick.subjects (tenant_id, pseudonym) on delete cascade
);
create index elevations_agent on bailiwick.elevations (tenant_id, agent, state, active_until);
create index elevations_newest on bailiwick.elevations (tenant_id, created_at, id);

-- Who answers for whom while they are away.
create table bailiwick.duties (
  tenant_id text not null,
  id text not null,
  from_person text not null,
  to_person text not null,
  -- Empty: all of the person's.
  roles text[] not null,
  begins timestamptz not null,
  ends timestamptz not null check (ends > begins),
  reason text not null,
  revoked_at timestamptz,
  primary key (tenant_id, id),
  check (from_person <> to_person)
);
create index duties_ends on bailiwick.duties (tenant_id, ends);

-- What others are to be told of, written in the transaction in which it happened; delivered from here, at least once. Ids only.
create table bailiwick.outbox (
  tenant_id text not null,
  seq bigint generated always as identity,
  kind text not null check (kind in ('approval', 'elevation')),
  id text not null,
  -- What it is now: a state, or `answered` when it waits for further answers.
  what text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, seq)
);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['approval_answers', 'bounded_approvals', 'elevations', 'duties', 'outbox'] loop
    execute format('alter table bailiwick.%I enable row level security', v_table);
    execute format('alter table bailiwick.%I force row level security', v_table);
    execute format(
      'create policy tenant on bailiwick.%I using (tenant_id = (select current_setting(''bailiwick.tenant'', true))) with check (tenant_id = (select current_setting(''bailiwick.tenant'', true)))',
      v_table);
  end loop;
end $$;
grant select, insert on bailiwick.approval_answers to bailiwick_app;
-- Whose yes became void answers again.
grant update (verdict, at) on bailiwick.approval_answers to bailiwick_app;
grant select, insert on bailiwick.bounded_approvals to bailiwick_app;
grant update (uses_left, revoked_at) on bailiwick.bounded_approvals to bailiwick_app;
grant select, insert, delete on bailiwick.elevations, bailiwick.duties to bailiwick_app;
grant update (state, answered, answers, scope, active_from, active_until) on bailiwick.elevations to bailiwick_app;
grant update (revoked_at) on bailiwick.duties to bailiwick_app;
grant select, insert, delete on bailiwick.outbox to bailiwick_app;

-- Whoever waits or looks hears of every change, and nothing that happened can be forgotten to be told: the table says it itself. A yes that
-- was used is no news.
create function bailiwick.tell_change() returns trigger language plpgsql as $$
declare
  v_kind text := tg_argv[0];
begin
  if tg_op = 'UPDATE' and new.state = old.state and new.answered = old.answered then
    return null;
  end if;
  perform pg_notify('bailiwick', jsonb_build_array(v_kind, new.tenant_id, new.id)::text);
  if new.state <> 'used' then
    insert into bailiwick.outbox (tenant_id, kind, id, what)
    values (new.tenant_id, v_kind, new.id, case when tg_op = 'UPDATE' and new.state = old.state then 'answered' else new.state end);
  end if;
  return null;
end $$;
create trigger tell_change after insert or update on bailiwick.approvals for each row execute function bailiwick.tell_change('approval');
create trigger tell_change after insert or update on bailiwick.elevations for each row execute function bailiwick.tell_change('elevation');

-- Whether the rights a call stands on are there still; their rows are locked until the intent is written. p_each: {approval?, bounded?, elevations?}.
-- Returns why not, or null.
create function bailiwick.rights_gone(p_tenant text, p_each jsonb, p_now timestamptz) returns text language plpgsql as $$
declare
  v_elevations text[] := array(select jsonb_array_elements_text(p_each -> 'elevations'));
begin
  if p_each ? 'approval' then
    perform from bailiwick.approvals
      where tenant_id = p_tenant and id = p_each ->> 'approval' and state = 'approved' and expires_at > p_now and not drill for update;
    if not found then return 'approval_gone'; end if;
  end if;
  if p_each ? 'bounded' then
    perform from bailiwick.bounded_approvals
      where tenant_id = p_tenant and id = p_each ->> 'bounded' and uses_left > 0 and until > p_now and revoked_at is null for update;
    if not found then return 'approval_gone'; end if;
  end if;
  if cardinality(v_elevations) > 0 then
    perform from bailiwick.elevations
      where tenant_id = p_tenant and id = any (v_elevations) and state = 'active' and active_until > p_now for share;
    if (select count(*) from bailiwick.elevations
         where tenant_id = p_tenant and id = any (v_elevations) and state = 'active' and active_until > p_now) < cardinality(v_elevations) then
      return 'elevation_over';
    end if;
  end if;
  return null;
end $$;

-- Whether entries may be appended. p_asks is what all of them ask for, {subjects, sessions, proofs: [{id, until}], sums, rights}; mostly all of it is
-- there. p_conditions says it by entry, [{place, subjects?, session?, proof?, reservations?, approval?, bounded?, elevations?}], places from 0; read only
-- when not, or when an entry stands on rights that people gave. Takes proofs, limits and yeses, and returns [{place, why, ...}] of those that may not.
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
  -- Yeses of people are few; each is looked at.
  if (p_asks -> 'rights')::boolean then
    return bailiwick.admit_each(p_tenant, p_conditions::jsonb, v_now);
  end if;
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
      continue;
    end if;
    v_over := case when v_each ? 'reservations' then bailiwick.take_limits(p_tenant, v_now_ms, v_each -> 'reservations') end;
    if v_over is not null then
      v_refused := v_refused || (v_over || jsonb_build_object('place', v_each -> 'place', 'why', 'over_limit'));
      continue;
    end if;
    update bailiwick.approvals set state = 'used' where tenant_id = p_tenant and id = v_each ->> 'approval';
    update bailiwick.bounded_approvals set uses_left = uses_left - 1 where tenant_id = p_tenant and id = v_each ->> 'bounded';
  end loop;
  return v_refused;
end $$;

revoke execute on all functions in schema bailiwick from public;
grant execute on all functions in schema bailiwick to bailiwick_app;
