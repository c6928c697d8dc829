-- Registers, limits over all operators, names: what waits between us and the vendors that know people.

-- What registers and lists say is of a player, and no payment need be under way.
alter table vendor_result alter column payment_id drop not null;
-- The version of the player's record that was asked about: an answer about another version says nothing
-- of this one, however late it came.
alter table vendor_result add column player_version bigint;
create index vendor_result_of_person
  on vendor_result (operator_id, player_id, hook, vendor, received_at) where payment_id is null;

-- Room that was taken in a market's file of limits over all operators, one row a deposit. It is
-- written before the file is asked, so that no answer can be lost: whatever became of the deposit,
-- the room is then committed or given back.
create table limit_reservation (
  payment_id uuid primary key,
  operator_id text not null,
  player_id text not null,
  file text not null,
  amount bigint not null constraint reservation_is_of_money check (amount > 0),
  currency text not null,
  state text not null constraint reservation_state
    check (state in ('asked', 'reserved', 'refused', 'committed', 'released')),
  -- The file's mark of its answer.
  reference text,
  tries integer not null default 0,
  due_at timestamptz,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  -- What is taken or may be taken is looked at again until it is settled.
  constraint open_reservation_is_due check (state not in ('asked', 'reserved') or due_at is not null)
) with (fillfactor = 70);
create index limit_reservation_due on limit_reservation (due_at) where due_at is not null;

-- When a matcher's lists last changed, and how far the players have been matched against them anew.
create table name_sweep (
  matcher text not null,
  number integer not null,
  old_version text,
  new_version text not null,
  started_at timestamptz not null,
  -- The last player that was done, in the order of the primary key.
  after_operator text not null default '',
  after_player text not null default '',
  screened bigint not null default 0,
  deltas bigint not null default 0,
  -- Whoever sweeps keeps it until then; another instance leaves it alone.
  lease_until timestamptz,
  finished_at timestamptz,
  primary key (matcher, number)
);
create unique index name_sweep_one_open on name_sweep (matcher) where finished_at is null;

-- Players whose record changed and whose name is to be matched; a lost row is harmless, since a
-- payment asks for itself.
create table name_screening_due (
  operator_id text not null,
  player_id text not null,
  due_at timestamptz not null,
  tries integer not null default 0,
  primary key (operator_id, player_id)
);
create index name_screening_due_at on name_screening_due (due_at);

grant select, insert, update on limit_reservation, name_sweep to interlock_app;
grant select, insert, update, delete on name_screening_due to interlock_app;
