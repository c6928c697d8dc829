-- By when a withdrawal is to be at its end, where its market's policy says so. The row is written in the
-- commit that opens the withdrawal, and only there: a market without such a rule has none.
create table payment_deadline (
  payment_id uuid primary key,
  operator_id text not null,
  player_id text not null,
  -- The version that decided the request, and its rule: a later version promises nothing of this withdrawal.
  policy_version text not null,
  rule text not null,
  asked_at timestamptz not null,
  warn_at timestamptz not null,
  deadline_at timestamptz not null,
  -- When somebody looks next; whoever does sets it ahead, as a lease. Null: nobody need look any more.
  due_at timestamptz,
  -- When people were warned, and when they were told that it is late. Each of them once.
  warned_at timestamptz,
  passed_at timestamptz,
  constraint payment_deadline_warns_before_the_end
    check (asked_at <= warn_at and warn_at <= deadline_at),
  constraint payment_deadline_passed_is_over check (passed_at is null or due_at is null)
) with (fillfactor = 70);
create index payment_deadline_due on payment_deadline (due_at) where due_at is not null;
grant select, insert, update on payment_deadline to interlock_app;
