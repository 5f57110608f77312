create table customer (
  id text primary key,
  tenant text not null,
  name text not null,
  email text not null,
  phone text,
  ssn text,
  region text not null check (region in ('emea', 'amer', 'apac')),
  tier int not null check (tier between 1 and 3)
);

create table ticket (
  id text primary key,
  tenant text not null,
  customer text not null references customer,
  region text not null,
  tier int not null,
  status text not null check (status in ('open', 'pending', 'solved', 'closed')),
  priority int not null check (priority between 1 and 4),
  assignee text,
  subject text not null,
  body text not null,
  internal_notes text,
  updated_at timestamptz not null default now()
);

create table invoice (
  id text primary key,
  tenant text not null,
  customer text not null references customer,
  amount numeric(12, 2) not null check (amount > 0),
  refunded numeric(12, 2) not null default 0 check (refunded <= amount),
  currency text not null default 'EUR',
  status text not null check (status in ('open', 'paid', 'refunded')),
  description text not null,
  due date not null
);

create table article (
  tenant text not null,
  id text not null,
  title text not null,
  body text not null,
  updated_at timestamptz not null default now(),
  primary key (tenant, id)
);

-- New records count on from here; the seed stays below.
create sequence ticket_number start 9001;
create sequence invoice_number start 9001;

-- Each program has a login of its own. None of them knows tenants: like most systems, this one trusts whoever logs in.
grant select, insert, update, delete on ticket, article to helpdesk_app;
grant select on customer to helpdesk_app;
grant usage on sequence ticket_number to helpdesk_app;
grant select on customer to helpdesk_billing;
grant select, insert, update on invoice to helpdesk_billing;
grant usage on sequence invoice_number to helpdesk_billing;
grant select (id, tenant, region, tier, status, priority, updated_at) on ticket to helpdesk_reports;
