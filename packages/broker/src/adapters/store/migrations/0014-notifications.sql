-- What people are told, whom, and whether it arrived. Deliveries are made out of `outbox` in the transaction that takes its rows away.

-- `items` are kinds and ids only; words are made when it is sent. `person` is a pseudonym, and who is erased leaves no delivery behind. An address
-- that is no person's comes from the configuration and lies under the tenant's key.
create table bailiwick.deliveries (
  tenant_id text not null,
  -- Made of what it is about and for whom, so that the same is never put twice; the receiver tells a repeated one by it.
  id text not null,
  route text not null,
  channel text not null,
  purpose text not null check (purpose in ('notice', 'reminder', 'closing', 'test')),
  person text,
  -- A browser of the person.
  device text,
  address bytea,
  -- The question it is about, when that is one.
  about text,
  items jsonb not null,
  state text not null check (state in ('waiting', 'sent', 'dead', 'cancelled')),
  -- Counted before each is sent, so that one that ends the broker comes to an end too.
  attempts integer not null default 0,
  next_at timestamptz not null,
  last_error text,
  created_at timestamptz not null,
  sent_at timestamptz,
  -- Where it lies at the receiver, to be changed later.
  remote bytea,
  primary key (tenant_id, id),
  check (num_nonnulls(person, address) = 1),
  foreign key (tenant_id, person) references bailiwick.subjects (tenant_id, pseudonym) on delete cascade
);
create index deliveries_due on bailiwick.deliveries (tenant_id, next_at) where state = 'waiting';
create index deliveries_newest on bailiwick.deliveries (tenant_id, created_at, id);
create index deliveries_about on bailiwick.deliveries (tenant_id, about);
create index deliveries_person on bailiwick.deliveries (tenant_id, person);

-- What happens by the passing of time alone and is then put into the outbox.
create table bailiwick.outbox_timers (
  tenant_id text not null,
  kind text not null check (kind in ('approval', 'elevation')),
  id text not null,
  what text not null check (what in ('escalated', 'expired')),
  at timestamptz not null,
  primary key (tenant_id, kind, id, what)
);
create index outbox_timers_at on bailiwick.outbox_timers (tenant_id, at);

-- Browsers that take messages: endpoint and keys lie under the person's key.
create table bailiwick.push_subscriptions (
  tenant_id text not null,
  -- Tag of the endpoint.
  id text not null,
  person text not null,
  created_at timestamptz not null,
  sealed bytea not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, person) references bailiwick.subjects (tenant_id, pseudonym) on delete cascade
);
create index push_subscriptions_person on bailiwick.push_subscriptions (tenant_id, person);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['deliveries', 'outbox_timers', 'push_subscriptions'] loop
    execute format('alter table bailiwick.%I enable row level security', v_table);
    execute format('alter table bailiwick.%I force row level security', v_table);
    execute format(
      'create policy tenant on bailiwick.%I using (tenant_id = (select current_setting(''bailiwick.tenant'', true))) with check (tenant_id = (select current_setting(''bailiwick.tenant'', true)))',
      v_table);
  end loop;
end $$;
grant select, insert, delete on bailiwick.deliveries, bailiwick.outbox_timers, bailiwick.push_subscriptions to bailiwick_app;
grant update (items, state, attempts, next_at, last_error, sent_at, remote) on bailiwick.deliveries to bailiwick_app;
grant update (at) on bailiwick.outbox_timers to bailiwick_app;
grant update (person, created_at, sealed) on bailiwick.push_subscriptions to bailiwick_app;
-- Rows are locked while they are routed.
grant update (at) on bailiwick.outbox to bailiwick_app;
