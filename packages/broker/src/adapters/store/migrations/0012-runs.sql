-- Runs that agents named, and whose they are. A name stays with the agent that used it first, so that nobody's records get into another one's
-- run; it is kept for as long as the log may speak of it. A run that nobody named is called after its first session.

create table bailiwick.runs (
  tenant_id text not null,
  run text not null check (run ~ '^run_[A-Za-z0-9_-]{16,64}$'),
  -- The agent of the run's first session.
  agent text not null,
  at timestamptz not null,
  primary key (tenant_id, run)
);

alter table bailiwick.runs enable row level security;
alter table bailiwick.runs force row level security;
create policy tenant on bailiwick.runs
  using (tenant_id = (select current_setting('bailiwick.tenant', true)))
  with check (tenant_id = (select current_setting('bailiwick.tenant', true)));

grant select, insert on bailiwick.runs to bailiwick_app;
