-- What vendors outside the house are asked about a payment, and what they say.

-- What a vendor answered, byte for byte, by its hash: two equal answers are one row.
create table vendor_raw (
  sha256 bytea primary key,
  body bytea not null,
  kept_at timestamptz not null,
  constraint vendor_raw_is_named_by_its_hash check (sha256 = sha256(body))
);

-- Each answer in our words, and each failure to get one. The newest of a vendor stands.
create table vendor_result (
  vendor_result_id uuid primary key,
  payment_id uuid not null,
  operator_id text not null,
  player_id text not null,
  hook text not null,
  vendor text not null,
  -- The vendor's id of our question, or ours where it gave none.
  request_id text not null,
  state text not null constraint vendor_result_state_is_known
    check (state in ('pending', 'final', 'error')),
  -- Null: the vendor gave no score, which is no low risk.
  risk text constraint vendor_result_risk_is_known
    check (risk in ('none', 'low', 'medium', 'high', 'severe')),
  score text,
  signals json not null,
  version text not null,
  raw_sha256 bytea not null,
  asked_at timestamptz not null,
  received_at timestamptz not null,
  constraint vendor_result_only_what_is_final_has_a_risk check (state = 'final' or risk is null)
);
create index vendor_result_of_payment on vendor_result (payment_id, hook, vendor, received_at);
create index vendor_result_of_player on vendor_result (operator_id, player_id, received_at);

-- A payment that waits for vendors. It is opened in the commit that makes the payment wait.
create table vendor_check (
  payment_id uuid not null,
  hook text not null,
  operator_id text not null,
  player_id text not null,
  network text,
  asset text,
  address text,
  -- The transaction on the chain that brought a deposit.
  transaction text,
  amount bigint not null constraint vendor_check_is_about_money check (amount > 0),
  currency text not null,
  opened_at timestamptz not null,
  -- From here on the policy's own outcome for a missing answer applies.
  deadline_at timestamptz not null,
  -- When somebody looks next; whoever does sets it ahead, as a lease.
  due_at timestamptz,
  tries integer not null default 0,
  closed_at timestamptz,
  primary key (payment_id, hook),
  constraint vendor_check_open_is_due check ((closed_at is null) = (due_at is not null))
) with (fillfactor = 70);
create index vendor_check_due on vendor_check (due_at) where due_at is not null;

do $$
declare name text;
begin
  foreach name in array array['vendor_raw', 'vendor_result'] loop
    execute format('create trigger %I before update or delete or truncate on %I
                    for each statement execute function refuse_change()', name || '_is_append_only', name);
    execute format('grant select, insert on %I to interlock_app', name);
  end loop;
end $$;
grant select, insert, update on vendor_check to interlock_app;
