-- How far each export of a log has come.
create table bailiwick.export_cursors (
  tenant_id text not null,
  name text not null,
  next bigint not null check (next >= 0),
  primary key (tenant_id, name)
);
alter table bailiwick.export_cursors enable row level security;
alter table bailiwick.export_cursors force row level security;
create policy tenant on bailiwick.export_cursors using (tenant_id = (select current_setting('bailiwick.tenant', true))) with check (tenant_id = (select current_setting('bailiwick.tenant', true)));
grant select, insert, update on bailiwick.export_cursors to bailiwick_app;
