-- Every table has tenant_id and forced row-level security; see the end of this file.
-- Rows that belong to no tenant use a reserved one: `_people` (sign-in), `_system` (migrations).

create table bailiwick.records (
  tenant_id text not null,
  seq bigint not null check (seq > 0),
  kind text not null check (kind in ('lookup', 'intent', 'outcome', 'refusal', 'hold', 'admin')),
  call_id text not null,
  -- The canonical text that was hashed: jsonb would not keep its bytes.
  body text not null,
  prev text not null,
  hash text not null,
  at text not null,
  agent text,
  user_id text,
  session text,
  task text,
  tool text,
  action text,
  verdict text,
  status text,
  code text,
  broker text,
  primary key (tenant_id, seq)
);
create index records_call on bailiwick.records (tenant_id, call_id, seq);
create index records_agent on bailiwick.records (tenant_id, agent, seq);
create index records_user on bailiwick.records (tenant_id, user_id, seq);
create index records_session on bailiwick.records (tenant_id, session, seq);
create index records_task on bailiwick.records (tenant_id, task, seq);
create index records_action on bailiwick.records (tenant_id, tool, action, seq);
create index records_status on bailiwick.records (tenant_id, status, seq) where status is not null;
create index records_verdict on bailiwick.records (tenant_id, verdict, seq) where verdict <> 'allow';
create index records_kind on bailiwick.records (tenant_id, kind, seq) where kind in ('refusal', 'hold', 'admin', 'lookup');

-- Raw facts lie beside the log and may be erased; the record holds a salted commitment to them.
create table bailiwick.call_facts (
  tenant_id text not null,
  seq bigint not null,
  call_id text not null,
  salt text not null,
  facts text not null,
  primary key (tenant_id, seq)
);
create index call_facts_call on bailiwick.call_facts (tenant_id, call_id, seq);

-- Calls that were begun and have no end yet, so that a crash can be told without reading the whole log.
create table bailiwick.open_calls (
  tenant_id text not null,
  call_id text not null,
  seq bigint not null,
  broker text not null,
  opened_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, call_id)
);

-- The last batch of each writer, so that a writer that lost its connection can tell whether that batch was committed,
-- and so that a batch it gave up can no longer arrive.
create table bailiwick.log_writers (
  tenant_id text not null,
  writer text not null,
  batch bigint not null,
  first_seq bigint,
  appended integer not null default 0,
  refused text not null default '[]',
  updated_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, writer)
);

create table bailiwick.limit_counters (
  tenant_id text not null,
  key text not null,
  window_ms bigint not null check (window_ms > 0),
  window_start bigint not null,
  used numeric not null check (used >= 0),
  primary key (tenant_id, key, window_ms)
);

create table bailiwick.sessions (
  tenant_id text not null,
  id text not null,
  environment text not null,
  workflow text not null,
  agent text not null,
  user_id text not null,
  task text not null,
  data text not null,
  scope text not null,
  issued_at timestamptz not null,
  expires_at timestamptz not null check (expires_at <= issued_at + interval '5 minutes'),
  revoked_at timestamptz,
  revoked_by text,
  primary key (tenant_id, id)
);
create index sessions_expiry on bailiwick.sessions (tenant_id, expires_at);

create table bailiwick.agent_keys (
  tenant_id text not null,
  agent text not null,
  thumbprint text not null,
  public_jwk text not null,
  status text not null check (status in ('active', 'retired')),
  primary key (tenant_id, agent, thumbprint)
);
-- Over all tenants: one key, one agent.
create unique index agent_keys_thumbprint on bailiwick.agent_keys (thumbprint);

create table bailiwick.client_assertions (
  tenant_id text not null,
  agent text not null,
  jti text not null,
  expires_at timestamptz not null,
  primary key (tenant_id, agent, jti)
);
create index client_assertions_expiry on bailiwick.client_assertions (tenant_id, expires_at);

create table bailiwick.approvals (
  tenant_id text not null,
  id text not null,
  agent text not null,
  user_id text not null,
  task text not null,
  tool text not null,
  operation_kind text not null,
  operation_name text not null,
  args_digest text not null,
  state text not null check (state in ('pending', 'approved', 'denied', 'expired', 'cancelled', 'used')),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ask text not null,
  answer text,
  primary key (tenant_id, id)
);
create index approvals_for on bailiwick.approvals (tenant_id, args_digest, agent, created_at);
create index approvals_newest on bailiwick.approvals (tenant_id, created_at);

create table bailiwick.tenant_keys (
  tenant_id text not null primary key,
  wrapped bytea not null
);

create table bailiwick.credentials (
  tenant_id text not null,
  environment text not null,
  workflow text not null,
  name text not null,
  version integer not null check (version > 0),
  hosts text not null,
  wrapped_key bytea not null,
  sealed bytea not null,
  created_at timestamptz not null,
  primary key (tenant_id, name, environment, workflow, version)
);

create table bailiwick.login_codes (
  tenant_id text not null check (tenant_id = '_people'),
  hash text not null,
  person text not null,
  via text not null check (via in ('login-link', 'operator-key')),
  expires_at timestamptz not null,
  redeemed_at timestamptz,
  primary key (tenant_id, hash)
);

create table bailiwick.person_sessions (
  tenant_id text not null check (tenant_id = '_people'),
  token_hash text not null,
  person text not null,
  via text not null check (via in ('login-link', 'operator-key')),
  expires_at timestamptz not null,
  primary key (tenant_id, token_hash)
);

create function bailiwick.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'records are append-only: % refused', tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger records_append_only before update or delete on bailiwick.records
  for each row execute function bailiwick.refuse_change();
create trigger records_not_emptied before truncate on bailiwick.records
  for each statement execute function bailiwick.refuse_change();

do $$
declare
  v_table text;
begin
  for v_table in select tablename from pg_tables where schemaname = 'bailiwick' loop
    execute format('alter table bailiwick.%I enable row level security', v_table);
    execute format('alter table bailiwick.%I force row level security', v_table);
    execute format(
      'create policy tenant on bailiwick.%I using (tenant_id = (select current_setting(''bailiwick.tenant'', true))) with check (tenant_id = (select current_setting(''bailiwick.tenant'', true)))',
      v_table);
  end loop;
end $$;

grant usage on schema bailiwick to bailiwick_app;
grant select, insert on bailiwick.records to bailiwick_app;
grant select, insert, delete on bailiwick.call_facts to bailiwick_app;
grant select, insert, update, delete on bailiwick.open_calls, bailiwick.log_writers, bailiwick.limit_counters to bailiwick_app;
grant select, insert on bailiwick.sessions to bailiwick_app;
grant update (revoked_at, revoked_by) on bailiwick.sessions to bailiwick_app;
grant delete on bailiwick.sessions to bailiwick_app;
grant select, insert on bailiwick.agent_keys to bailiwick_app;
grant update (status) on bailiwick.agent_keys to bailiwick_app;
grant select, insert, delete on bailiwick.client_assertions to bailiwick_app;
grant select, insert on bailiwick.approvals to bailiwick_app;
grant update (state, answer) on bailiwick.approvals to bailiwick_app;
grant select, insert on bailiwick.tenant_keys, bailiwick.credentials to bailiwick_app;
grant select, insert, delete on bailiwick.login_codes, bailiwick.person_sessions to bailiwick_app;
grant update (redeemed_at) on bailiwick.login_codes to bailiwick_app;
