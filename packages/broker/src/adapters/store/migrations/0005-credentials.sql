-- Versions of credentials: pending, active, previous (in grace), revoked (value destroyed).

alter table bailiwick.credentials
  add column state text not null default 'active' check (state in ('pending', 'active', 'previous', 'revoked')),
  add column origin text not null default 'person' check (origin in ('person', 'rotation')),
  add column verification text check (verification in ('verified', 'skipped', 'initial')),
  add column activated_at timestamptz,
  add column grace_until timestamptz,
  -- HMAC over place, version and state under a key made from the tenant's; null only for rows older than this migration.
  add column state_seal bytea;

-- Until now the newest version was the one in use. The owner passes the wall only for this statement.
alter table bailiwick.credentials no force row level security;
update bailiwick.credentials as old
   set state = 'revoked', wrapped_key = '', sealed = '', activated_at = created_at
 where exists (
   select from bailiwick.credentials newer
    where newer.tenant_id = old.tenant_id and newer.name = old.name and newer.environment = old.environment
      and newer.workflow = old.workflow and newer.version > old.version);
update bailiwick.credentials set activated_at = created_at, verification = 'initial' where state = 'active';
alter table bailiwick.credentials force row level security;

alter table bailiwick.credentials
  alter column state drop default,
  alter column origin drop default,
  add check ((state = 'previous') = (grace_until is not null)),
  add check (state <> 'active' or activated_at is not null),
  add check ((state = 'revoked') = (octet_length(sealed) = 0));

-- At most one version in use, and at most one that waits.
create unique index credentials_one_active on bailiwick.credentials (tenant_id, name, environment, workflow) where state = 'active';
create unique index credentials_one_pending on bailiwick.credentials (tenant_id, name, environment, workflow) where state = 'pending';

grant update (state, verification, activated_at, grace_until, state_seal, wrapped_key, sealed) on bailiwick.credentials to bailiwick_app;
