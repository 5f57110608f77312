-- What the tokens of a run (`{email-1}`) stand for. A value is found again by a keyed digest, and sealed under the key of the user for whom
-- the run works: it is gone with them, and with the run.

create table bailiwick.tokens (
  tenant_id text not null,
  run text not null,
  -- A pseudonym.
  subject text not null,
  name text not null check (name ~ '^[a-z][a-z0-9]{0,29}$'),
  number integer not null check (number > 0),
  -- Keyed; of the run, so that nobody can tell that two runs saw one value.
  digest text not null,
  sealed bytea not null,
  at timestamptz not null,
  primary key (tenant_id, run, subject, name, number),
  unique (tenant_id, run, subject, digest),
  foreign key (tenant_id, subject) references bailiwick.subjects (tenant_id, pseudonym) on delete cascade
);
create index tokens_subject on bailiwick.tokens (tenant_id, subject);
create index tokens_at on bailiwick.tokens (tenant_id, at);

alter table bailiwick.tokens enable row level security;
alter table bailiwick.tokens force row level security;
create policy tenant on bailiwick.tokens
  using (tenant_id = (select current_setting('bailiwick.tenant', true)))
  with check (tenant_id = (select current_setting('bailiwick.tenant', true)));

grant select, insert, delete on bailiwick.tokens to bailiwick_app;

-- Whether a run is over, so that its tokens can go.
create index sessions_run on bailiwick.sessions (tenant_id, run);
