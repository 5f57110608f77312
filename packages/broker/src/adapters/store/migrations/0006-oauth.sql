-- What the OAuth server keeps between two requests: registered clients, interactions, codes, grants, refresh tokens, what a person
-- consented to and which sessions came of it. All of it hangs on a person who signs in, and only its content names a tenant's agent.

create table bailiwick.oauth_entities (
  tenant_id text not null check (tenant_id = '_people'),
  kind text not null check (kind in
    ('Client', 'Session', 'Interaction', 'Grant', 'AuthorizationCode', 'RefreshToken', 'ReplayDetection', 'Consent', 'GrantedSession')),
  -- SHA-256 of the id in base64url: ids of codes and refresh tokens are secrets.
  id text not null,
  -- The same of the grant that the row hangs on.
  grant_id text,
  payload text not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  consumed_at timestamptz,
  primary key (tenant_id, kind, id)
);
create index oauth_entities_grant on bailiwick.oauth_entities (tenant_id, grant_id, kind) where grant_id is not null;
create index oauth_entities_expiry on bailiwick.oauth_entities (tenant_id, expires_at);

alter table bailiwick.oauth_entities enable row level security;
alter table bailiwick.oauth_entities force row level security;
create policy tenant on bailiwick.oauth_entities
  using (tenant_id = (select current_setting('bailiwick.tenant', true)))
  with check (tenant_id = (select current_setting('bailiwick.tenant', true)));
grant select, insert, update, delete on bailiwick.oauth_entities to bailiwick_app;
