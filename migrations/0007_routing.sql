-- What people switched off, and what instances tell each other of the PSPs' health.

-- A switch itself never changes: that it was lifted is a fact of its own. What a row leaves null it
-- means all of.
create table routing_switch (
  switch_id uuid primary key,
  operator_id text not null,
  kind text not null,
  psp text,
  country text,
  direction text,
  method text,
  reason text not null,
  set_by text not null,
  set_at timestamptz not null,
  begins_at timestamptz not null,
  ends_at timestamptz,
  -- The Idempotency-Key that made it: a repeat finds this row instead of making another.
  created_by_key text not null,
  constraint routing_switch_kind_is_known check (kind in ('kill', 'maintenance')),
  constraint routing_switch_direction_is_known check (direction in ('deposit', 'withdrawal')),
  constraint routing_switch_names_something
    check (num_nonnulls(psp, country, direction, method) > 0),
  constraint routing_switch_says_why check (length(reason) between 1 and 500),
  constraint routing_switch_ends_after_it_begins check (ends_at > begins_at),
  -- A kill switch stays until a person lifts it, unless they said for how long.
  constraint routing_switch_maintenance_ends check (kind <> 'maintenance' or ends_at is not null)
);
create unique index routing_switch_made_once_per_key
  on routing_switch (operator_id, created_by_key);
create index routing_switch_of_operator on routing_switch (operator_id, switch_id desc);

create table routing_switch_lift (
  switch_id uuid primary key,
  lifted_by text not null,
  reason text not null,
  lifted_at timestamptz not null,
  constraint routing_switch_lift_says_why check (length(reason) between 1 and 500)
);

do $$
declare name text;
begin
  foreach name in array array['routing_switch', 'routing_switch_lift'] loop
    execute format('create trigger %I before update or delete or truncate on %I
                    for each statement execute function refuse_change()', name || '_is_append_only', name);
    execute format('grant select, insert on %I to interlock_app', name);
  end loop;
end $$;

-- Nothing below is a record: it can be lost, and is learned again from the next payments.

-- What each instance saw since it last told; others read it within a second, and it is deleted after a
-- minute. A stream is one run of one instance, numbered without gaps.
create table psp_health_told (
  stream uuid not null,
  number bigint not null,
  told_at timestamptz not null default clock_timestamp(),
  told json not null,
  primary key (stream, number)
);
create index psp_health_told_at on psp_health_told (told_at);

-- The approval level of a PSP in one kind of payment, for the next start.
create table psp_health_level (
  psp text not null,
  direction text not null,
  country text not null,
  method text not null,
  currency text not null,
  approved_ppm integer not null,
  outcomes integer not null,
  demoted boolean not null,
  kept_at timestamptz not null,
  primary key (psp, direction, country, method, currency)
);

-- The PSPs that fail, for the next start.
create table psp_failing (
  psp text not null,
  direction text not null,
  failing boolean not null,
  changed_at timestamptz not null,
  primary key (psp, direction)
);

-- What succeeded at each account in a day (UTC), in minor units: caps and promises are counted by it.
create table psp_day_volume (
  day date not null,
  psp text not null,
  direction text not null,
  currency text not null,
  minor bigint not null,
  primary key (day, psp, direction, currency)
);

grant select, insert, delete on psp_health_told to interlock_app;
grant select, insert, update on psp_health_level, psp_failing, psp_day_volume to interlock_app;
