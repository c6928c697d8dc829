-- The core of Interlock: players, wallets, payments, the ledger, and everything that a lane commits.
--
-- Conventions: money is bigint minor units beside its currency; states are text with a check; what
-- a lane writes for good is keyed by (slot, seq), which is gap-free per slot; append-only tables
-- are closed to UPDATE, DELETE and TRUNCATE by rights and by triggers that refuse.
--
-- JSON is kept as the text it came as (json): it is written by lanes, read back whole, and never
-- searched, so that taking it apart would only cost time under a lock.
--
-- No LISTEN, advisory lock, deferrable constraint or trigger that computes: guards only refuse.

create table environment (
  singleton boolean primary key default true constraint environment_is_one_row check (singleton),
  kind text not null constraint environment_kind check (kind in ('sandbox', 'production')),
  created_at timestamptz not null default now()
);

-- One row a lane that may write. An instance leases slots; fence grows with every new holder, and
-- seq is the number of the newest record, so that a lane that lost its lease cannot commit.
create table lane_slot (
  slot smallint primary key,
  holder text,
  lease_until timestamptz,
  fence bigint not null default 0,
  seq bigint not null default 0
);
insert into lane_slot (slot) select generate_series(0, 7);

create table player (
  operator_id text not null,
  player_id text not null,
  version bigint not null,
  country text not null,
  currency text not null,
  full_name text not null,
  given_name text,
  family_name text,
  date_of_birth date not null,
  national_id text,
  email text,
  phone text,
  address text,
  locale text,
  status text not null constraint player_status check (status in ('active', 'frozen', 'closed')),
  exclusion_source text,
  exclusion_from timestamptz,
  exclusion_until timestamptz,
  kyc_status text not null
    constraint player_kyc_status check (kyc_status in ('unverified', 'pending', 'verified', 'rejected')),
  kyc_level smallint not null constraint player_kyc_level check (kyc_level between 0 and 3),
  kyc_verified_at timestamptz,
  has_paid boolean not null default false,
  -- The player's own deposit limits, as a small list; they change together, under the same lock.
  limits json not null default '[]',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (operator_id, player_id)
) with (fillfactor = 70);

-- Every version of a player's record, with the time from which it was known.
create table player_version (
  operator_id text not null,
  player_id text not null,
  version bigint not null,
  known_at timestamptz not null,
  slot smallint not null,
  seq bigint not null,
  body json not null,
  primary key (operator_id, player_id, version)
);

create table wallet (
  operator_id text not null,
  player_id text not null,
  currency text not null,
  cash bigint not null constraint wallet_cash_is_never_negative check (cash >= 0),
  bonus bigint not null constraint wallet_bonus_is_never_negative check (bonus >= 0),
  held bigint not null constraint wallet_held_is_never_negative check (held >= 0),
  owed bigint not null constraint wallet_owed_is_never_negative check (owed >= 0),
  version bigint not null,
  head bytea not null,
  primary key (operator_id, player_id, currency)
) with (fillfactor = 50);

-- The house's accounts: one balance row a slot, written by that slot's lane alone, so that no row
-- is hot and the sum is exact.
create table house_balance (
  account text not null,
  currency text not null,
  slot smallint not null,
  balance bigint not null,
  entries bigint not null,
  primary key (account, currency, slot)
) with (fillfactor = 20);

-- The lasting trace of one command.
create table record (
  slot smallint not null,
  seq bigint not null,
  kind text not null,
  operator_id text not null,
  player_id text not null,
  payment_id uuid,
  refused text,
  recorded_at timestamptz not null,
  primary key (slot, seq)
);

create table entry (
  slot smallint not null,
  seq bigint not null,
  leg smallint not null,
  kind text not null,
  operator_id text not null,
  player_id text not null,
  payment_id uuid,
  reference text,
  account text not null,
  amount bigint not null constraint entry_amount_is_not_zero check (amount <> 0),
  currency text not null,
  -- The next three are of the player's own accounts.
  wallet_version bigint,
  balance_after bigint,
  head bytea,
  recorded_at timestamptz not null,
  primary key (slot, seq, leg)
);
create unique index entry_of_wallet_version
  on entry (operator_id, player_id, currency, wallet_version, account) where wallet_version is not null;
create index entry_of_house_account on entry (account, slot, seq) where wallet_version is null;

create table hold_move (
  part_id uuid not null,
  slot smallint not null,
  seq bigint not null,
  n smallint not null,
  capture boolean not null,
  amount bigint not null constraint hold_move_is_positive check (amount > 0),
  is_final boolean not null,
  primary key (slot, seq, n)
);
create unique index hold_ends_once on hold_move (part_id) where is_final;

create table transition (
  slot smallint not null,
  seq bigint not null,
  n smallint not null,
  subject text not null constraint transition_subject check (subject in ('payment', 'part', 'attempt')),
  subject_id uuid not null,
  from_status text,
  to_status text not null,
  cause text not null,
  at timestamptz not null,
  primary key (slot, seq, n)
);
create index transition_of_subject on transition (subject_id, at);

create table outbox_event (
  slot smallint not null,
  seq bigint not null,
  n smallint not null,
  event_id uuid not null,
  operator_id text not null,
  player_id text not null,
  subject text not null,
  payment_id uuid,
  payment_sequence bigint not null,
  kind text not null,
  data json not null,
  created_at timestamptz not null,
  primary key (slot, seq, n)
);
create unique index outbox_event_id on outbox_event (event_id);
create unique index outbox_payment_sequence on outbox_event (payment_id, payment_sequence);

create table decision (
  slot smallint not null,
  seq bigint not null,
  n smallint not null,
  decision_id uuid not null,
  operator_id text not null,
  player_id text not null,
  payment_id uuid not null,
  direction text not null,
  checkpoint text not null,
  player_version bigint not null,
  market text,
  policy_version text,
  policy_sha256 bytea,
  outcome text not null constraint decision_outcome check (outcome in ('approve', 'review', 'hold', 'deny')),
  rules json not null,
  reasons json not null,
  fx json,
  engine text not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null,
  primary key (slot, seq, n)
);
create unique index decision_id on decision (decision_id);
create index decision_of_payment on decision (payment_id);
create index decision_of_player on decision (operator_id, player_id, decision_id desc);

create table incident (
  incident_id uuid primary key,
  slot smallint not null,
  seq bigint not null,
  operator_id text not null,
  player_id text not null,
  kind text not null,
  payment_id uuid,
  attempt_id uuid,
  detail text not null,
  raised_at timestamptz not null
);

-- Incidents that belong to no lane: a verified webhook that is nobody's, an event given up.
create table service_incident (
  incident_id uuid primary key,
  kind text not null,
  detail text not null,
  raised_at timestamptz not null
);

-- Every request that was put on a PSP's wire for an attempt.
create table wire (
  slot smallint not null,
  seq bigint not null,
  n smallint not null,
  attempt_id uuid not null,
  purpose text not null,
  step text not null,
  status integer,
  failure text,
  duration_ms integer not null,
  request_sha256 bytea not null,
  at timestamptz not null,
  primary key (slot, seq, n)
);
create index wire_of_attempt on wire (attempt_id);

create table payment (
  payment_id uuid primary key,
  operator_id text not null,
  player_id text not null,
  direction text not null constraint payment_direction check (direction in ('deposit', 'withdrawal')),
  status text not null,
  origin text not null constraint payment_origin check (origin in ('request', 'unsolicited', 'return')),
  amount bigint not null constraint payment_amount_is_positive check (amount > 0),
  currency text not null,
  fee bigint,
  country text not null,
  method text not null,
  reference text,
  return_url text,
  -- Who pays or is paid, as known when the payment began.
  payer json not null,
  received_amount bigint,
  received_currency text,
  credited_amount bigint,
  suspended_amount bigint,
  suspended_currency text,
  next_action json,
  action_told boolean not null,
  reasons json not null,
  route json not null,
  metadata json not null,
  decision_id uuid not null,
  event_sequence bigint not null,
  answer_owed text,
  due_at timestamptz,
  source json,
  returns json,
  of_deposit uuid,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint payment_status check (
    (direction = 'deposit' and status in ('screening', 'in_review', 'processing', 'action_required',
      'succeeded', 'blocked', 'failed', 'expired', 'cancelled', 'returned', 'reversed'))
    or (direction = 'withdrawal' and status in ('screening', 'in_review', 'approved', 'processing',
      'paid', 'paid_in_part', 'failed', 'rejected', 'cancelled', 'blocked', 'returned')))
) with (fillfactor = 70);
-- No index names or tests a payment's status: a step of a payment then writes one row and no index.
create index payment_of_player on payment (operator_id, player_id, payment_id desc);
-- The direction first: a question about one player must never be answered by reading an operator's
-- payments, which it could be while the table is new and all indexes look alike to the planner.
create index payment_of_operator on payment (direction, operator_id, payment_id desc);
create unique index payment_reference_is_taken_for_ever
  on payment (operator_id, direction, reference) where reference is not null;
create index payment_due on payment (due_at) where due_at is not null;

create table part (
  part_id uuid primary key,
  payment_id uuid not null,
  number smallint not null,
  amount bigint not null constraint part_amount_is_positive check (amount > 0),
  currency text not null,
  instrument json not null,
  status text not null
    constraint part_status check (status in ('held', 'processing', 'paid', 'released', 'returned')),
  held bigint not null
    constraint part_holds_at_most_its_amount check (held >= 0 and held <= amount),
  constraint part_holds_only_while_open check (held = 0 or status in ('held', 'processing'))
) with (fillfactor = 70);
create index part_of_payment on part (payment_id);

create table attempt (
  attempt_id uuid primary key,
  payment_id uuid not null,
  part_id uuid,
  number smallint not null,
  psp text not null,
  status text not null constraint attempt_status check (status in (
    'prepared', 'in_flight', 'not_sent', 'declined', 'unknown', 'abandoned', 'accepted', 'succeeded',
    'expired', 'cancelled', 'returned', 'reversed')),
  asked bigint not null,
  currency text not null,
  error_code text,
  error_retryable boolean,
  psp_reference text,
  was_accepted boolean not null,
  first_sent_at timestamptz not null,
  ended_at timestamptz,
  lease_holder text,
  lease_until timestamptz,
  due_at timestamptz,
  expires_at timestamptz,
  inquiries integer not null,
  last_inquiry_at timestamptz,
  last_ledger_at timestamptz,
  misses integer not null,
  first_missed_at timestamptz,
  last_missed_at timestamptz,
  paged boolean not null,
  -- Whether the PSP is to be asked, or was asked, to close its session.
  cancel text constraint attempt_cancel check (cancel in ('wanted', 'asked')),
  kept_news text
) with (fillfactor = 70);
create index attempt_of_payment on attempt (payment_id);
create index attempt_of_psp_reference on attempt (psp, psp_reference) where psp_reference is not null;
create index attempt_due on attempt (due_at) where due_at is not null;
-- A deposit, and each part of a withdrawal, has at most one live attempt.
create unique index attempt_one_live_a_deposit on attempt (payment_id)
  where part_id is null and status in ('prepared', 'in_flight', 'unknown', 'accepted');
create unique index attempt_one_live_a_part on attempt (part_id)
  where part_id is not null and status in ('prepared', 'in_flight', 'unknown', 'accepted');

create table idempotency_key (
  operator_id text not null,
  scope text not null,
  key text not null,
  fingerprint bytea not null,
  viewer text not null constraint idempotency_viewer check (viewer in ('backend', 'player')),
  payment_id uuid,
  direction text,
  -- The answer as first told, byte for byte; null while the first round of calls is under way.
  status smallint,
  body bytea,
  created_at timestamptz not null,
  primary key (operator_id, scope, key)
);
create index idempotency_unanswered on idempotency_key (payment_id) where body is null;
create index idempotency_age on idempotency_key (created_at);

create table game_entry (
  operator_id text not null,
  reference text not null,
  player_id text not null,
  kind text not null,
  amount bigint not null,
  currency text not null,
  from_cash bigint not null,
  from_bonus bigint not null,
  of_reference text,
  voided boolean not null,
  created_at timestamptz not null,
  primary key (operator_id, reference)
);
create unique index game_stake_is_voided_once on game_entry (operator_id, of_reference)
  where kind = 'void';

-- What a deposit uses of the player's limits: reserved while it is under way, counted once the
-- money is in, released when it failed.
create table limit_use (
  payment_id uuid primary key,
  operator_id text not null,
  player_id text not null,
  amount bigint not null,
  currency text not null,
  at timestamptz not null,
  state text not null constraint limit_use_state check (state in ('reserved', 'counted', 'released'))
) with (fillfactor = 70);
create index limit_use_of_player on limit_use (operator_id, player_id, at);

create table review (
  review_id uuid primary key,
  operator_id text not null,
  player_id text not null,
  payment_id uuid not null,
  attempt_id uuid,
  kind text not null,
  is_open boolean not null,
  opened_at timestamptz not null,
  closed_at timestamptz
);
create index review_of_payment on review (payment_id);
create index review_of_operator on review (operator_id, review_id desc);

create table review_proposal (
  proposal_id uuid primary key,
  review_id uuid not null,
  outcome text not null,
  note text not null,
  proposed_by text not null,
  proposed_at timestamptz not null,
  state text not null constraint proposal_state check (state in ('open', 'approved', 'refused')),
  decided_by text,
  decided_at timestamptz,
  decided_note text,
  -- Four eyes means two people.
  constraint proposal_is_approved_by_another_person
    check (state <> 'approved' or decided_by <> proposed_by)
);
create index proposal_of_review on review_proposal (review_id);

-- Verified webhooks of PSPs, remembered for good: an event has its effect once.
create table inbox (
  inbox_id uuid not null,
  psp text not null,
  event_id text not null,
  kind text not null,
  body_sha256 bytea not null,
  -- The verified event in our words, and the raw message it came in.
  event json not null,
  raw bytea not null,
  received_at timestamptz not null,
  state text not null constraint inbox_state check (state in ('new', 'done', 'parked')),
  tries smallint not null,
  due_at timestamptz,
  attempt_id uuid,
  note text,
  primary key (psp, event_id)
);
create index inbox_due on inbox (due_at) where state = 'new';

-- Guards. They compute nothing: they refuse what must never be.

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'table % is append-only: % is refused', tg_table_name, tg_op
    using errcode = 'restrict_violation';
end $$;

create function refuse_unbalanced_entries() returns trigger language plpgsql as $$
declare bad record;
begin
  select slot, seq, currency, sum(amount) as total into bad
    from added group by slot, seq, currency having sum(amount) <> 0 limit 1;
  if found then
    raise exception 'entries of slot % seq % do not balance in %: %', bad.slot, bad.seq, bad.currency, bad.total
      using errcode = 'check_violation';
  end if;
  return null;
end $$;

create function refuse_gaps_in_records() returns trigger language plpgsql as $$
declare bad record;
begin
  select a.slot, min(a.seq) as first into bad from added a group by a.slot
    having max(a.seq) - min(a.seq) + 1 <> count(*)
        or (min(a.seq) > 1 and not exists (
              select 1 from record r where r.slot = a.slot and r.seq = min(a.seq) - 1))
    limit 1;
  if found then
    raise exception 'records of slot % have a gap at seq %', bad.slot, bad.first
      using errcode = 'check_violation';
  end if;
  return null;
end $$;

create trigger entry_balances after insert on entry
  referencing new table as added for each statement execute function refuse_unbalanced_entries();
create trigger record_has_no_gap after insert on record
  referencing new table as added for each statement execute function refuse_gaps_in_records();

do $$
declare name text;
begin
  foreach name in array array['record', 'entry', 'hold_move', 'transition', 'outbox_event',
                              'decision', 'incident', 'service_incident', 'wire', 'player_version'] loop
    execute format('create trigger %I before update or delete or truncate on %I
                    for each statement execute function refuse_change()', name || '_is_append_only', name);
    execute format('grant select, insert on %I to interlock_app', name);
  end loop;
  foreach name in array array['player', 'wallet', 'house_balance', 'payment', 'part', 'attempt',
                              'game_entry', 'limit_use', 'review', 'review_proposal', 'inbox'] loop
    execute format('grant select, insert, update on %I to interlock_app', name);
  end loop;
end $$;
grant select, insert, update, delete on idempotency_key to interlock_app;
grant select, update on lane_slot to interlock_app;
grant select on environment to interlock_app;
