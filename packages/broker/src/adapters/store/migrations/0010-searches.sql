-- Searches over the log: by tool and by time, and filters that people keep under a name.

-- Few calls do not succeed, and those are asked for together with who and what: their ends are found by the same indexes as beginnings.
drop index bailiwick.records_agent_index_idx, bailiwick.records_subject_index_idx, bailiwick.records_run_index_idx,
  bailiwick.records_session_index_idx, bailiwick.records_task_index_idx, bailiwick.records_action_index_idx, bailiwick.records_resource_index_idx;
create index on bailiwick.records (agent, index) where kind <> 'outcome' or status <> 'succeeded';
create index on bailiwick.records (subject, index) where kind <> 'outcome' or status <> 'succeeded';
create index on bailiwick.records (run, index) where kind <> 'outcome' or status <> 'succeeded';
create index on bailiwick.records (session, index) where kind <> 'outcome' or status <> 'succeeded';
create index on bailiwick.records (task, index) where kind <> 'outcome' or status <> 'succeeded';
create index on bailiwick.records (tool, index) where kind <> 'outcome' or status <> 'succeeded';
create index on bailiwick.records (action, index) where kind <> 'outcome' or status <> 'succeeded';
create index on bailiwick.records (resource, index) where (kind <> 'outcome' or status <> 'succeeded') and resource is not null;

-- Where a time lies in a log: the first index whose record is not older. Times in a log are in order but for what clocks of several brokers
-- differ, so callers widen the time by that. A record that is missing was retired meanwhile, and is older.
create function bailiwick.index_at(p_tenant text, p_at timestamptz) returns bigint language plpgsql stable as $$
declare
  v_low bigint;
  v_high bigint;
  v_middle bigint;
  v_at timestamptz;
begin
  select base, size into v_low, v_high from bailiwick.logs where tenant_id = p_tenant;
  while v_low < v_high loop
    v_middle := (v_low + v_high) / 2;
    select at into v_at from bailiwick.records where tenant_id = p_tenant and index = v_middle;
    if v_at >= p_at then
      v_high := v_middle;
    else
      v_low := v_middle + 1;
    end if;
  end loop;
  return coalesce(v_low, 0);
end $$;

-- `sealed` is the filter under the key of its owner, a pseudonym; of the tenant where a program saved it. People in it are pseudonyms too.
create table bailiwick.searches (
  tenant_id text not null,
  name text not null,
  owner text,
  sealed bytea not null,
  saved_at timestamptz not null,
  primary key (tenant_id, name),
  -- Who is erased leaves no search behind.
  foreign key (tenant_id, owner) references bailiwick.subjects (tenant_id, pseudonym) on delete cascade
);
create index searches_owner on bailiwick.searches (tenant_id, owner);
alter table bailiwick.searches enable row level security;
alter table bailiwick.searches force row level security;
create policy tenant on bailiwick.searches using (tenant_id = (select current_setting('bailiwick.tenant', true)))
  with check (tenant_id = (select current_setting('bailiwick.tenant', true)));
grant select, insert, update, delete on bailiwick.searches to bailiwick_app;

revoke execute on all functions in schema bailiwick from public;
grant execute on all functions in schema bailiwick to bailiwick_app;
