-- How people prove who they are: passkeys, recovery codes, single sign-on, and the sign-ins that follow from them.
-- A person belongs to no one tenant, so all rows are of `_people`. Of every secret only the SHA-256 is kept.

alter table bailiwick.person_sessions drop constraint person_sessions_via_check;
alter table bailiwick.person_sessions
  add column id text not null default gen_random_uuid()::text,
  add column client text not null default '',
  add column created_at timestamptz not null default clock_timestamp(),
  add column last_seen_at timestamptz not null default clock_timestamp(),
  add column sso_issuer text,
  add column sso_subject text,
  add column sso_sid text,
  add constraint person_sessions_via_check check (via in ('login-link', 'operator-key', 'passkey', 'recovery-code', 'sso')),
  add constraint person_sessions_sso_check check ((via = 'sso') = (sso_issuer is not null and sso_subject is not null));
create unique index person_sessions_id on bailiwick.person_sessions (tenant_id, id);
create index person_sessions_person on bailiwick.person_sessions (tenant_id, person);
create index person_sessions_sso on bailiwick.person_sessions (tenant_id, sso_issuer, sso_subject) where sso_issuer is not null;

create table bailiwick.person_enrolments (
  tenant_id text not null check (tenant_id = '_people'),
  hash text not null,
  person text not null,
  invited_by text not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (tenant_id, hash)
);

create table bailiwick.person_passkeys (
  tenant_id text not null check (tenant_id = '_people'),
  -- The credential id in base64url.
  id text not null,
  person text not null,
  name text not null,
  -- COSE_Key (RFC 9052 section 7) in base64url.
  public_key text not null,
  counter bigint not null check (counter >= 0),
  transports text not null,
  backed_up boolean not null,
  created_at timestamptz not null,
  last_used_at timestamptz,
  primary key (tenant_id, id)
);
create index person_passkeys_person on bailiwick.person_passkeys (tenant_id, person);

create table bailiwick.person_recovery_codes (
  tenant_id text not null check (tenant_id = '_people'),
  person text not null,
  hash text not null,
  created_at timestamptz not null,
  used_at timestamptz,
  primary key (tenant_id, person, hash)
);

-- A used challenge stays until it expires, so that a replay is told from an unknown one.
create table bailiwick.person_challenges (
  tenant_id text not null check (tenant_id = '_people'),
  challenge text not null,
  purpose text not null check (purpose in ('register', 'sign-in', 'step-up')),
  person text,
  browser text,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (tenant_id, challenge)
);

create table bailiwick.person_sso_links (
  tenant_id text not null check (tenant_id = '_people'),
  issuer text not null,
  subject text not null,
  person text not null,
  linked_at timestamptz not null,
  primary key (tenant_id, issuer, subject)
);
create index person_sso_links_person on bailiwick.person_sso_links (tenant_id, person);

create table bailiwick.person_sso_flows (
  tenant_id text not null check (tenant_id = '_people'),
  state text not null,
  next text not null,
  link_person text,
  enrolment text,
  expires_at timestamptz not null,
  primary key (tenant_id, state)
);

create table bailiwick.person_logout_tokens (
  tenant_id text not null check (tenant_id = '_people'),
  issuer text not null,
  jti text not null,
  expires_at timestamptz not null,
  primary key (tenant_id, issuer, jti)
);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['person_enrolments', 'person_passkeys', 'person_recovery_codes', 'person_challenges', 'person_sso_links',
    'person_sso_flows', 'person_logout_tokens'] loop
    execute format('alter table bailiwick.%I enable row level security', v_table);
    execute format('alter table bailiwick.%I force row level security', v_table);
    execute format(
      'create policy tenant on bailiwick.%I using (tenant_id = (select current_setting(''bailiwick.tenant'', true))) with check (tenant_id = (select current_setting(''bailiwick.tenant'', true)))',
      v_table);
    execute format('grant select, insert, delete on bailiwick.%I to bailiwick_app', v_table);
  end loop;
end $$;
grant update (token_hash, last_seen_at) on bailiwick.person_sessions to bailiwick_app;
grant update (used_at) on bailiwick.person_enrolments, bailiwick.person_recovery_codes, bailiwick.person_challenges to bailiwick_app;
grant update (counter, last_used_at) on bailiwick.person_passkeys to bailiwick_app;
