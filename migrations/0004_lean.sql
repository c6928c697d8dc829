-- A payment writes less: to its tables, to their indexes, and to the log.
--
-- Nothing changes its name or its meaning, so that the program before this one runs on it too.

-- The columns that move stand last, so that a step of a payment puts only the end of its row into the
-- log, not who pays, the route and all else that never changes again. PostgreSQL keeps the order in
-- which columns were made, so the table is made anew. While it is copied nobody reads or writes payments:
-- about 15 s a million of them on a busy two-core machine; lanes give up a statement after 5 s and do the
-- same work again. Stop the service for it where there are many.
alter table payment rename to payment_before;

create table payment_lean (
  payment_id uuid not null,
  operator_id text not null,
  player_id text not null,
  direction text not null constraint payment_direction check (direction in ('deposit', 'withdrawal')),
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
  route json not null,
  metadata json not null,
  decision_id uuid not null,
  returns json,
  of_deposit uuid,
  created_at timestamptz not null,
  -- From here on: what moves. What moves rarely comes first.
  source json,
  reasons json not null,
  suspended_amount bigint,
  suspended_currency text,
  received_amount bigint,
  received_currency text,
  credited_amount bigint,
  action_told boolean not null,
  answer_owed text,
  next_action json,
  status text not null,
  event_sequence bigint not null,
  due_at timestamptz,
  updated_at timestamptz not null,
  constraint payment_status check (
    (direction = 'deposit' and status in ('screening', 'in_review', 'processing', 'action_required',
      'succeeded', 'blocked', 'failed', 'expired', 'cancelled', 'returned', 'reversed'))
    or (direction = 'withdrawal' and status in ('screening', 'in_review', 'approved', 'processing',
      'paid', 'paid_in_part', 'failed', 'rejected', 'cancelled', 'blocked', 'returned')))
) with (fillfactor = 70);

insert into payment_lean (payment_id, operator_id, player_id, direction, origin, amount, currency, fee,
  country, method, reference, return_url, payer, route, metadata, decision_id, returns, of_deposit,
  created_at, source, reasons, suspended_amount, suspended_currency, received_amount,
  received_currency, credited_amount, action_told, answer_owed, next_action, status, event_sequence,
  due_at, updated_at)
select payment_id, operator_id, player_id, direction, origin, amount, currency, fee,
  country, method, reference, return_url, payer, route, metadata, decision_id, returns, of_deposit,
  created_at, source, reasons, suspended_amount, suspended_currency, received_amount,
  received_currency, credited_amount, action_told, answer_owed, next_action, status, event_sequence,
  due_at, updated_at
from payment_before order by payment_id;

drop table payment_before;
alter table payment_lean rename to payment;
alter table payment add primary key (payment_id);
-- No index names or tests a payment's status: a step of a payment then writes one row and no index.
create index payment_of_player on payment (operator_id, player_id, payment_id desc);
-- The direction first: a question about one player must never be answered by reading an operator's
-- payments, which it could be while the table is new and all indexes look alike to the planner.
create index payment_of_operator on payment (direction, operator_id, payment_id desc);
create unique index payment_reference_is_taken_for_ever
  on payment (operator_id, direction, reference) where reference is not null;
create index payment_due on payment (due_at) where due_at is not null;
grant select, insert, update on payment to interlock_app;

-- A webhook's row is marked done soon after it was stored. On the same page that puts some bytes into
-- the log; on another one it puts the whole message there a second time. More room would save more of
-- the log, but these rows are kept for good.
alter table inbox set (fillfactor = 75);
-- A key's row gets its answer within the second.
alter table idempotency_key set (fillfactor = 60);

-- The history of a payment hangs on its records, by (slot, seq): one index entry a command instead of
-- one a step.
create index record_of_payment on record (payment_id) where payment_id is not null;
drop index transition_of_subject;
-- Nothing asks for the entries of one account of the house: what is asked is their balance.
drop index entry_of_house_account;
