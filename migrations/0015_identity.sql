-- What vendors of identity (KYC) tell of players: their messages, what was read after each, and what of it
-- the player's record has taken.

-- By the vendor's own clock, where it tells a time: news is ordered by it, and not by when it came.
alter table vendor_result add column told_at timestamptz;

-- A verified message of a vendor, once for ever. It is a hint: the vendor is asked, and what it answers
-- counts. A message that could not be verified is not here.
create table identity_event (
  vendor text not null,
  -- SHA-256 of the signed bytes. The bytes themselves are not kept: they can name people.
  event_id text not null,
  kind text not null,
  -- The vendor's id of what it is about; what it is asked for.
  reference text,
  operator_id text not null,
  -- Whom the message names. Whom the vendor's answer names is what counts.
  player_id text,
  happened_at timestamptz,
  received_at timestamptz not null,
  -- From here on nobody waits for the vendor any more, and people are told.
  deadline_at timestamptz not null,
  -- When somebody looks next; whoever does sets it ahead, as a lease.
  due_at timestamptz,
  tries integer not null default 0,
  closed_at timestamptz,
  -- What became of it.
  note text,
  primary key (vendor, event_id),
  constraint identity_event_open_is_due check ((closed_at is null) = (due_at is not null))
) with (fillfactor = 70);
create index identity_event_due on identity_event (due_at) where due_at is not null;

-- The newest news that the player's record has taken: what is older is not taken any more.
create table identity_taken (
  operator_id text not null,
  player_id text not null,
  vendor_result_id uuid not null,
  vendor text not null,
  state text not null constraint identity_taken_state check (state in ('pending', 'final')),
  -- In our words, to tell the same news from other news of the same moment.
  said text not null,
  told_at timestamptz not null,
  taken_at timestamptz not null,
  primary key (operator_id, player_id)
);

grant select, insert, update on identity_event, identity_taken to interlock_app;
